// What a ship file offers on one device, in memory, and the choice of a kernel from it. Needs no GPU: `weir
// pick` and the C ABI (weir.h) are both thin layers over this.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/definition.h"
#include "store/store.h"

namespace weir {

// How well a pick matches what was asked for, best first:
// - exact: measured and verified for this problem on this GPU model;
// - near_problem: for a problem of other sizes on this GPU model, at most three doublings away
// (neighbours.h);
// - near_device: for this problem or a near one on another GPU model of this compute capability;
// - safe_default: the kernel's default configuration, verified on other problems.
enum class Match { exact, near_problem, near_device, safe_default, none };
const char* to_string(Match match);  // "exact", "near_problem", "near_device", "default", "none"

// What to run. Every pick but `none` passed the device's limits and the definition's restrictions, and its
// module was verified on a GPU of this compute capability.
struct Pick {
  Match match = Match::none;
  std::string reason;  // one sentence
  std::string kernel;
  std::string problem;        // with defaults filled in, or as given if it is not a problem of the kernel
  std::string config;         // empty for none
  double median_seconds = 0;  // of an exact match, as measured by the tuner
  double predicted_dram_bytes = 0;  // of an exact match, read and written
  Uncalibrated uncalibrated;        // of that prediction
  std::optional<Candidate> candidate;
  std::shared_ptr<const std::vector<std::uint8_t>> cubin;
};

// Immutable after open: any number of threads may pick at once.
class Catalog {
 public:
  // Checks the whole file and reads what this device can use; the file is closed when this returns. Errors:
  // missing, corrupt, usage (a work file).
  static Result<Catalog> open(const std::filesystem::path& ship_file, const StoredDevice& device);

  // Never fails: what goes wrong is a pick of `none` that says why. `tables` holds a problem's integer
  // tables.
  Pick pick(const std::string& kernel, const std::string& problem,
            const std::map<std::string, std::vector<std::int64_t>>& tables = {}) const;

  const StoredDevice& device() const { return device_; }
  std::vector<std::string> kernels() const;

 private:
  struct Kernel {
    std::string source_hash;
    KernelDefinition definition;
    std::vector<StoredPick> here;       // on this very GPU model
    std::vector<StoredPick> elsewhere;  // on other models of its compute capability
  };
  using Cubin = std::shared_ptr<const std::vector<std::uint8_t>>;

  Pick choose_for(const std::string& kernel, const std::string& problem,
                  const std::map<std::string, std::vector<std::int64_t>>& tables) const;
  // Fills in the best match that fits, and the reason why a better one does not; false if none does.
  bool choose_from(const Kernel& kernel, const Problem& problem, Pick& pick) const;
  // The first configuration of a tuned problem that fits: those of its tie set are as fast within the noise.
  bool take_tuned(const Kernel& kernel, const Problem& problem, const StoredPick& tuned, Pick& pick,
                  std::string& why_not) const;
  // Resolves and finds the module; the error is the reason why not.
  Result<std::pair<Candidate, Cubin>> fit(const Kernel& kernel, const Problem& problem,
                                          const Config& config) const;

  StoredDevice device_;
  std::filesystem::path file_;
  std::map<std::string, std::vector<Kernel>> kernels_;  // those tuned on this GPU model first
  std::map<std::string, std::string> broken_;  // kernels whose definition does not parse, with the reason
  std::map<std::pair<std::string, std::string>, Cubin> modules_;  // by source hash and header hash
};

// The device of a file that was made on a single GPU model. Errors: those of opening; missing (none stored);
// usage (several: the message lists them).
Result<StoredDevice> only_device(const std::filesystem::path& ship_file);

}  // namespace weir
