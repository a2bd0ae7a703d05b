// What kernel_benchmark times: the shipped pick of every problem that a published file has for a device, with
// the work that it is worth. Needs no GPU.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "profiles/device_profile.h"
#include "runtime/catalog.h"

namespace weir {

struct KernelCase {
  std::string name;  // of the benchmark
  Pick pick;
  double flops = 0;  // useful ones; 0: the definition does not say
  double bytes = 0;  // compulsory: each byte of input once, each of output once
};

// "gemm/m=4096,n=4096,k=4096,dtype=bf16"
std::string benchmark_name(const std::string& kernel, const std::string& problem);

// In the order of the file. `profile` is the device's. Errors: those of opening the file; missing (nothing
// was tuned on this GPU model: the message says on which); a pick that is not exact, with its reason.
Result<std::vector<KernelCase>> kernel_cases(const std::filesystem::path& ship_file,
                                             const StoredDevice& device, const DeviceProfile& profile);

}  // namespace weir
