// Runs a candidate on the emulator and judges its results: what CudaBackend::prepare and verify do on a GPU.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/measurement.h"
#include "base/result.h"
#include "engine/bank_conflicts.h"
#include "kernels/candidate.h"

namespace weir::emulator {

using TensorBytes = std::map<std::string, std::vector<std::byte>>;  // by tensor, as they lie in memory

struct EmulationOptions {
  std::filesystem::path include_folder = WEIR_SOURCE_DIR "/kernels";  // of `#include "device/…"`
  std::uint64_t schedule_seed = 0;  // the order of threads, warps and blocks
  std::uint64_t input_seed = 0;     // 0: the inputs that a GPU verifies with
  TensorBytes inputs;               // of these tensors, instead
  // The second run, for determinism, finds scratch that starts as zeros as the first one left it.
  bool keep_zeroed = false;
};

// What a launch did to a tensor by the primitives that are counted, and what its block program says. A kernel
// that loads or adds in other ways does more than is counted.
struct TensorTraffic {
  std::string tensor;
  std::int64_t copied_bytes = 0;   // read by asynchronous copies
  std::int64_t loaded_bytes = 0;   // of the block program
  std::int64_t reduced_bytes = 0;  // changed by atomic operations
  std::int64_t program_reduced_bytes = 0;
};

struct EmulatedLaunch {
  std::string name;
  std::vector<TensorTraffic> traffic;  // of every tensor
  Wavefronts ldmatrix, copies, stores, loads;
  Wavefronts sectors;  // that cp.async reads, and how often it asks for them
};

struct Emulation {
  Verification verdict;               // as on a GPU: the worst tensor's, or the first that fails
  std::vector<Verification> tensors;  // of every output
  std::vector<EmulatedLaunch> launches;
  TensorBytes outputs;

  const TensorTraffic& traffic(std::size_t launch, const std::string& tensor) const;
};

// A failed verdict's detail says what went wrong, also for hangs and accesses out of bounds. Errors are what
// keeps the candidate from running at all: no source, no reference, a source that does not compile.
Result<Emulation> emulate(const Candidate& candidate, const EmulationOptions& options = {});

}  // namespace weir::emulator
