// Runs candidates on data of the caller's, for commands that want results and not times. In this process:
// for kernels that have been verified.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/device_facts.h"
#include "kernels/candidate.h"

namespace weir {

class KernelRunner {
 public:
  // `include_folder` is that of `#include "device/…"`. Errors: no_device, and those of the compiler.
  static Result<KernelRunner> open(int ordinal, const std::filesystem::path& include_folder);
  KernelRunner(KernelRunner&&) noexcept;
  ~KernelRunner();

  const DeviceFacts& facts() const;

  // Builds the candidate, runs it once on the inputs, and gives its out tensors as they lie in memory.
  // Scratch begins as zeros. Errors: usage for an input of another size; failed for what goes wrong on the
  // GPU.
  using Tensors = std::map<std::string, std::vector<std::byte>>;
  Result<Tensors> run(const Candidate& candidate, const Tensors& inputs);

 private:
  struct Impl;
  explicit KernelRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
