// The rows of a comparison in numbers: measured where stores have their parts, predicted everywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "comparisons/comparison.h"
#include "profiles/device_profile.h"
#include "store/store.h"

namespace weir::comparison {

using Amounts = std::map<Quantity, double>;  // SI units; without what is not known

// Sums over a row's parts, divided by its `per`. The memory is that of all tensors together.
struct RowResult {
  Amounts predicted;
  Amounts measured;    // of rows whose parts have all been measured; L2 and DRAM only if all were counted
  std::string reason;  // why there is no prediction: a part that is rejected on this device
};

struct DeviceResult {
  std::string profile;
  std::string title;
  bool calibrated = false;       // the memory model, on this GPU model
  std::string calibration_note;  // what is not calibrated; empty if nothing
  std::int64_t dram_bytes = 0;
  std::vector<RowResult> rows;  // the comparison's; of those that no table shows nothing is known

  bool has_measurements() const;
};

struct Sources {
  std::filesystem::path kernels_folder;
  std::filesystem::path calibrations_folder;
  std::vector<DeviceProfile> profiles;
  std::vector<Store> stores;
  std::vector<std::string> predict_for;  // profiles, besides those of the stores' GPUs
  std::function<void(std::size_t done, std::size_t total)> progress;
};

// A device for each GPU on which the stores measured all parts of some row, then those of `predict_for`. Of a
// part that was measured in several configurations, or for which several are named, the fastest stands:
// measured, else predicted; of one that was measured several times, the latest. Errors: usage for a kernel,
// problem, configuration or profile that does not exist; those of reading the stores.
Result<std::vector<DeviceResult>> evaluate(const Comparison& comparison, const Sources& sources);

}  // namespace weir::comparison
