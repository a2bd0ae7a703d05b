// Runs a resolved candidate from its compiled module, in whatever context is current.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gpu/driver.h"
#include "kernels/candidate.h"

namespace weir {

// Numbers of the tables that the candidate's launches take, in order.
std::vector<std::size_t> argument_tables(const Candidate& candidate);

class Launcher {
 public:
  // Keeps a reference to the candidate, which must outlive it.
  Launcher(const Candidate& candidate, std::shared_ptr<const std::vector<std::uint8_t>> cubin);

  // Thread-safe; the first launch in a context loads the module there. `pointers` are device addresses of
  // tensors and of argument tables by name. Errors: usage (one is missing, null or misaligned); no_device (no
  // driver, no current context); failed (what the driver said).
  Status launch(cuda::Stream stream, std::span<const std::pair<const char*, std::uint64_t>> pointers);

  struct Addresses {
    std::vector<std::uint64_t> tensors, tables;  // by number; 0 for a table without entries or use
  };

 private:
  struct Loaded {
    ModuleHandle module;
    std::vector<cuda::Function> functions;  // one per launch
  };

  Result<const Loaded*> load();
  Result<Addresses> addresses(std::span<const std::pair<const char*, std::uint64_t>> pointers) const;

  const Candidate& candidate_;
  std::shared_ptr<const std::vector<std::uint8_t>> cubin_;
  std::vector<LaunchShape> shapes_;
  std::mutex mutex_;
  std::map<cuda::Context, Loaded> loaded_;
};

}  // namespace weir
