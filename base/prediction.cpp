#include "base/prediction.h"

namespace weir {

bool is_calibrated(const Uncalibrated& uncalibrated) {
  return uncalibrated.traffic.empty();
}

std::string calibration_note(const Uncalibrated& uncalibrated) {
  std::string note;
  if (!uncalibrated.traffic.empty()) note = "uncalibrated traffic: " + uncalibrated.traffic;
  if (!uncalibrated.time.empty())
    note += (note.empty() ? "" : "; ") + ("uncalibrated time: " + uncalibrated.time);
  return note;
}

double sram_over_lower_bound(const Bounds& bounds) {
  return bounds.lower_bound_bytes > 0 ? bounds.sram_level_bytes / bounds.lower_bound_bytes : 0;
}

double dram_over_compulsory(const Prediction& prediction) {
  const Traffic& traffic = prediction.traffic;
  const double bytes = traffic.dram_read_bytes + traffic.dram_write_bytes + prediction.dirty_bytes;
  return prediction.bounds.compulsory_bytes > 0 ? bytes / prediction.bounds.compulsory_bytes : 0;
}

const char* to_string(Regime regime) {
  switch (regime) {
    case Regime::compulsory:
      return "compulsory";
    case Regime::fits:
      return "fits";
    case Regime::transition:
      return "transition";
    case Regime::thrash:
      return "thrash";
  }
  return "unknown";
}

const char* to_string(Bottleneck bottleneck) {
  switch (bottleneck) {
    case Bottleneck::tensor:
      return "tensor";
    case Bottleneck::fp32:
      return "fp32";
    case Bottleneck::special_function:
      return "special_function";
    case Bottleneck::shared_memory:
      return "shared_memory";
    case Bottleneck::l2:
      return "l2";
    case Bottleneck::dram:
      return "dram";
    case Bottleneck::latency:
      return "latency";
  }
  return "unknown";
}

}  // namespace weir
