// What the hardware says about a candidate, and how that was obtained.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir {

// How much could be measured. A row carries its tier and, below A, the reason.
enum class Tier {
  counters,  // A: CUPTI range profiler counters and event timing
  activity,  // B: CUPTI activity timestamps, no counters
  events,    // C: driver events only
  none,      // D: no device
};
char letter(Tier tier);  // 'A' to 'D'

// Kernel time. The statistic is the median with a distribution-free 95% confidence interval from order
// statistics.
struct Timing {
  double median_seconds = 0;
  double low_seconds = 0;
  double high_seconds = 0;
  double minimum_seconds = 0;
  std::int64_t samples = 0;
  std::int64_t discarded = 0;  // dropped for a low clock; counted, never hidden
  double sm_clock_hertz = 0;   // median over the samples; 0 where unknown
  std::string l2_state;        // "cold" or "warm"

  bool operator==(const Timing&) const = default;
};

// What one of several launches moved, between the end of the launch before it and its own.
struct LaunchCounters {
  std::string launch;  // its name in the definition
  double dram_read_bytes = 0;
  double dram_write_bytes = 0;
  double l2_read_bytes = 0;
  double l2_write_bytes = 0;
  double duration_seconds = 0;

  bool operator==(const LaunchCounters&) const = default;
};

// Hardware counters of one run with a cold, clean L2 (median over `repeats`).
struct Counters {
  double dram_read_bytes = 0;   // dram__bytes_read.sum
  double dram_write_bytes = 0;  // dram__bytes_write.sum
  double l2_read_bytes = 0;     // lts__t_sectors_srcunit_tex_op_read.sum x 32: after requests were merged
  double l2_write_bytes = 0;    // lts__t_sectors_srcunit_tex_op_write.sum x 32
  double duration_seconds = 0;  // gpu__time_duration.sum; for rates only, it includes front-end work
  std::int64_t repeats = 0;
  double dram_read_spread = 0;  // (maximum - minimum) / median over the repeats
  // Every metric by its CUPTI name; of several launches those that add up.
  std::map<std::string, double> raw;
  // Of a kernel with several launches, in their order; one launch is the whole. Medians of their own.
  std::vector<LaunchCounters> launches;

  bool operator==(const Counters&) const = default;
};

// What the L1s of all SMs received through the crossbar, of it what other SMs of a cluster sent (distributed
// shared memory), and what arrived by multicast. Names of raw counters.
inline constexpr const char* kReceivedMetric = "l1tex__m_xbar2l1tex_read_bytes.sum";
inline constexpr const char* kReceivedFromSmsMetric = "l1tex__m_xbar2l1tex_read_bytes_mem_dshared.sum";
inline constexpr const char* kReceivedMulticastMetric =
    "l1tex__m_xbar2l1tex_read_bytes_mem_global_op_tma_ld_dest_multicast.sum";

// What the SMs asked of the L2 and got: unlike l2_read_bytes, which is counted at the L2, where requests of
// several SMs for one line have been merged on their way. Nothing where that was not counted, or where
// multicasts hide how often was asked.
std::optional<double> requested_l2_read_bytes(const Counters& counters);

// What the compiler and the driver report of a compiled candidate, the largest over its launches.
struct Resources {
  std::int64_t registers_per_thread = 0;
  std::int64_t spill_bytes = 0;  // spill stores plus spill loads, per thread
  std::int64_t stack_bytes = 0;
  std::int64_t static_shared_bytes = 0;

  bool operator==(const Resources&) const = default;
};

// The rule of the field: error against a high-precision reference at most twice that of the straightforward
// low-precision computation. Errors are root mean square over all elements of the worst output tensor.
struct Verification {
  bool passed = false;
  double error = 0;          // of the candidate
  double allowed_error = 0;  // twice the straightforward computation's, plus one rounding of the output type
  std::string detail;        // which tensor; for a failure also where and by how much

  bool operator==(const Verification&) const = default;
};

// Where a number comes from.
struct Provenance {
  std::string gpu_name;  // as the driver says it
  std::string gpu_uuid;
  std::int64_t compute_capability = 0;  // major * 10 + minor
  std::int64_t sm_count = 0;
  std::int64_t l2_bytes = 0;
  std::string driver_version;
  std::string compiler_version;  // NVRTC
  std::string cupti_version;
  std::string weir_version;
  std::string date;    // ISO 8601, UTC
  std::string policy;  // the measurement policy in one line, part of the record's identity

  bool operator==(const Provenance&) const = default;
};

struct Measurement {
  Tier tier = Tier::none;
  std::string tier_reason;  // why not a higher tier
  Resources resources;
  Verification verification;
  Timing timing;
  Counters counters;  // all zero below tier A
  Provenance provenance;

  bool operator==(const Measurement&) const = default;
};

}  // namespace weir
