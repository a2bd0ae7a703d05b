// The measured rows of a store, predicted again by the model as it is now.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"
#include "tuner/calibration.h"

namespace weir {

struct SampleOptions {
  std::filesystem::path kernels_folder;  // where the definitions' sources are taken to be
  unsigned threads = 0;                  // 0: all cores
  std::function<void(std::size_t done, std::size_t total)> progress;  // called from one thread at a time
  std::function<bool()> stop;                                         // polled; true: ErrorKind::interrupted
};

struct Samples {
  std::vector<CalibrationSample> samples;  // in the store's order
  Calibration provenance;                  // all but its families
  std::vector<std::string> skipped;        // rows that could not be predicted again, with the reason
};

// Rows that are measured and verified on a GPU that the profile describes, with the definitions and the
// device limits that the store kept of them. Errors: those of the store; missing, if there is none;
// interrupted.
Result<Samples> collect_samples(const Store& store, const DeviceProfile& profile,
                                const SampleOptions& options);

}  // namespace weir
