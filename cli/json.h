// Currency types as JSON, with the keys that `--json` promises. SI units.
#pragma once

#include <nlohmann/json.hpp>

#include "base/prediction.h"
#include "kernels/problem.h"
#include "store/record.h"
#include "tuner/space.h"

namespace weir::cli {

using Json = nlohmann::ordered_json;

Json to_json(const Problem& problem);
Json to_json(
    const Config& config);  // integers and booleans as such; "variant" last, if the kernel has several
Json to_json(const Bounds& bounds);
Json to_json(const Uncalibrated& uncalibrated);  // calibrated, calibration_note
Json to_json(const RankedConfig& ranked);
Json to_json(const RejectedConfig& rejected);
Json summary(
    const Record& record);  // config, measured and predicted bytes and times, match of the verification

// "k=v,k=v" to an object with numbers, booleans and texts.
Json text_to_json(const std::string& key_values);

}  // namespace weir::cli
