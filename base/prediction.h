// What the simulator says about a candidate. SI base units; bytes are decimal counts of bytes, never KiB.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace weir {

// Traffic at the two levels that counters can see. L2 bytes are what the SMs ask of the L2 (32-byte sectors
// requested by L1TEX or TMA); DRAM bytes are what crosses the memory controllers while the kernel runs.
struct Traffic {
  double dram_read_bytes = 0;
  double dram_write_bytes = 0;  // inside the kernel: what is still dirty in the L2 at its end is not included
  double l2_read_bytes = 0;
  double l2_write_bytes = 0;

  bool operator==(const Traffic&) const = default;
};

struct TensorTraffic {
  std::string tensor;
  Traffic traffic;

  bool operator==(const TensorTraffic&) const = default;
};

// Which law decides the DRAM reads.
enum class Regime {
  compulsory,  // each input byte is read about once
  fits,        // re-reads happen and the L2 serves nearly all of them
  transition,  // the reuse distance is near the L2's effective capacity: small changes matter
  thrash,      // re-reads mostly go to DRAM
};

// The resource whose time bound is largest.
enum class Bottleneck { tensor, fp32, special_function, shared_memory, l2, dram, latency };
// The time that each resource alone would take, by Bottleneck.
using ResourceSeconds = std::array<double, 7>;

struct LaunchPrediction {
  std::string launch;
  Traffic traffic;
  double l2_hit_rate = 0;  // share of the bytes the SMs read that the L2 serves, 0 to 1
  double dirty_bytes = 0;  // still dirty in the L2 when the launch ends
  double time_seconds = 0;
  Bottleneck bound_by = Bottleneck::dram;
  double blocks_per_sm = 0;
  double waves = 0;                    // work items (or blocks) over concurrently resident ones
  ResourceSeconds resource_seconds{};  // all 0 in rows of stores that were written without it

  bool operator==(const LaunchPrediction&) const = default;
};

struct Bounds {
  double compulsory_bytes = 0;  // each input byte once, each output byte once
  double sram_level_bytes =
      0;  // every tile load and store counted, no cache: the count of IO-complexity theory
  double lower_bound_bytes =
      0;  // published lower bound of the on-chip traffic; 0 where the definition gives none
  std::string lower_bound_source;

  bool operator==(const Bounds&) const = default;
};

// What a prediction rests on that nobody measured on the GPU model it is for: names of the profile's
// parameters and where their values come from instead. Empty: every one of them was measured there.
struct Uncalibrated {
  std::string traffic = "not recorded";  // the memory model: decides every predicted byte
  std::string time = "not recorded";     // rates and latencies that only predicted times depend on

  bool operator==(const Uncalibrated&) const = default;
};

struct Prediction {
  std::string fidelity;      // "bounds", "fast", "cache" or "line"
  double sampled_share = 1;  // of the L2's sets that "line" followed; the others are taken to be like them
  Traffic traffic;           // all launches together
  double l2_hit_rate = 0;
  double dirty_bytes = 0;
  double dram_read_low_bytes = 0;  // 90% interval of the DRAM reads
  double dram_read_high_bytes = 0;
  double dram_write_low_bytes = 0;  // 90% interval of the DRAM writes
  double dram_write_high_bytes = 0;
  double time_seconds = 0;
  Bottleneck bound_by = Bottleneck::dram;
  Regime regime = Regime::compulsory;
  Bounds bounds;
  std::vector<TensorTraffic> tensors;
  std::vector<LaunchPrediction> launches;
  Uncalibrated uncalibrated;

  bool operator==(const Prediction&) const = default;
};

// True if the memory model was calibrated on the GPU model as a whole: every parameter, or it is not.
bool is_calibrated(const Uncalibrated& uncalibrated);
// One line that must stand wherever a prediction is shown; empty if nothing is uncalibrated.
std::string calibration_note(const Uncalibrated& uncalibrated);

// How far a candidate is from what theory allows; 0 where there is nothing to compare with. The bytes that
// tiles ask for over the published lower bound:
double sram_over_lower_bound(const Bounds& bounds);
// and the bytes through DRAM, with what is still dirty at the end, over the compulsory ones.
double dram_over_compulsory(const Prediction& prediction);

const char* to_string(Regime regime);
const char* to_string(Bottleneck bottleneck);

}  // namespace weir
