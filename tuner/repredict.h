// Predictions of stored rows, made again with the model as it is now; measurements stay as they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/result.h"
#include "profiles/device_profile.h"
#include "store/store.h"

namespace weir {

struct RepredictReport {
  std::int64_t predicted = 0;
  std::int64_t kept =
      0;  // rows whose kernel, problem or configuration is not resolved any more, and rejected ones
};

struct RepredictFolders {
  std::filesystem::path kernels;       // definitions as they are now
  std::filesystem::path calibrations;  // of times, as weir predict and weir tune apply them; may not exist
};

// Rows of the definitions that are there now, with the registers that the compiler reported. Errors: those of
// the store; usage for a broken definition or calibration; interrupted once `stop`, which is polled, is true:
// the rows that were predicted by then are written, the others as they were.
Result<RepredictReport> repredict(Store& store, const RepredictFolders& folders,
                                  const std::vector<DeviceProfile>& profiles,
                                  const std::function<bool()>& stop = {});

}  // namespace weir
