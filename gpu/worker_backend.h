// The backend that the tuner uses: a worker process owns the GPU, so that a kernel that crashes, hangs or
// breaks the CUDA context costs one call and not the sweep. The worker is this program's own executable,
// started with a hidden command.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cuda_backend.h"

namespace weir {

// The command line of a worker is `program __worker IN OUT`, with the two file descriptors to talk on.
inline constexpr const char* kWorkerCommand = "__worker";

// How long a request may take, in seconds, before the worker is killed. A kernel that hangs is noticed much
// earlier, by the worker (CudaBackendOptions::kernel_seconds_limit); this is for a worker that hangs itself.
struct WorkerPatience {
  double open = 120;
  double prepare = 600;
  double verify = 120;
  double count = 120;
  double time = 60;                // and for each candidate
  double time_per_candidate = 30;  // beyond twice its TimingOptions::maximum_seconds
};

struct WorkerOptions {
  int ordinal = 0;
  std::filesystem::path include_folder;  // of `#include "device/…"`: the folder kernels/
  std::filesystem::path cache_folder;    // of compiled kernels; empty: CompileCache::default_folder()
  bool counters_required = false;  // then an error of ErrorKind::counters_denied where tier A cannot be had
  double kernel_seconds_limit = 10;
  WorkerPatience patience;
  std::string program = "/proc/self/exe";
  std::vector<std::string> arguments{kWorkerCommand};
};

// Starts the worker. ErrorKind::no_device, counters_denied or missing (NVRTC) with reason and advice. build()
// is thread-safe and runs in this process; other calls are made one at a time.
Result<std::unique_ptr<Backend>> open_worker_backend(const WorkerOptions& options);

// The worker's side: answers requests until the parent goes away, and returns the exit status. Ends the
// process itself if the parent dies in the middle of a request.
int run_worker(int in_fd, int out_fd);

// For main(): the exit status if the command line is a worker's.
std::optional<int> run_worker_if_asked(int argc, char** argv);

// The same for any backend, for tests. `lost`, if set, says whether the backend is beyond repair.
struct ServedBackend {
  std::unique_ptr<Backend> backend;
  std::function<bool()> lost;
};
using BackendFactory = std::function<Result<ServedBackend>(const CudaBackendOptions&)>;
int serve_backend(int in_fd, int out_fd, const BackendFactory& open);

}  // namespace weir
