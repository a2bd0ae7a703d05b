// The backend that owns a GPU, in this process. A kernel that faults or hangs takes the context with it: use
// the worker (worker_backend.h) wherever kernels are not trusted yet.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "gpu/backend.h"

namespace weir {

struct CudaBackendOptions {
  int ordinal = 0;
  std::filesystem::path include_folder;  // of `#include "device/…"`
  std::filesystem::path cache_folder;    // of compiled kernels; empty: CompileCache::default_folder()
  double kernel_seconds_limit = 10;      // longer is a hang; references get ten times as long
};

// One thread at a time, always the same, except for build(). After an error that broke the context, `lost()`
// is true and every further call fails; only a new process gets a working GPU again.
class CudaBackend : public Backend {
 public:
  static Result<std::unique_ptr<CudaBackend>> open(const CudaBackendOptions& options);
  ~CudaBackend() override;

  const DeviceFacts& facts() const override;
  Tier tier() const override;
  std::string tier_reason() const override;
  Provenance provenance() const override;
  Result<Executable> build(const Candidate& candidate) override;
  Status prepare(const Candidate& candidate) override;
  Result<Verification> verify(const Executable& executable) override;
  // When the context breaks, the candidate that broke it gets ErrorKind::failed, and those that had not
  // finished ErrorKind::interrupted: they can be timed again elsewhere.
  std::vector<Result<Timing>> time(std::span<const Executable> executables,
                                   const TimingOptions& options) override;
  Result<Counters> count(const Executable& executable, const CountOptions& options) override;

  bool lost() const;

 private:
  struct Impl;
  explicit CudaBackend(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
