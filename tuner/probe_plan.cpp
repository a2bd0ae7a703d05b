#include "tuner/probe.h"

#include <cmath>

namespace weir {
namespace {

constexpr std::int64_t kUnit = 65536;  // sizes are multiples of it

std::int64_t bytes_of(double l2_share, const DeviceProfile& profile) {
  const double units = l2_share * static_cast<double>(profile.l2_bytes) / kUnit;
  return std::max<std::int64_t>(1, std::llround(units)) * kUnit;
}

}  // namespace

std::vector<ProbeProblem> probe_plan(const DeviceProfile& profile) {
  std::vector<ProbeProblem> plan;
  const auto probe = [&](const std::string& pattern, std::int64_t bytes, const std::string& more = "") {
    plan.push_back({"memory_probe", "pattern=" + pattern + ",bytes=" + std::to_string(bytes) + more});
  };
  // Closest where one L2 of two partitions turns from hits to misses (docs/model.md).
  for (const double share : {0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1, 1.3})
    probe("private_reads", bytes_of(share, profile), ",passes=4");
  for (const double share : {0.2, 0.4, 0.44, 0.47, 0.5, 0.53, 0.56, 0.6, 0.65, 0.75, 0.9, 1.1})
    probe("shared_reads", bytes_of(share, profile), ",passes=3");
  for (const double share : {0.2, 0.4, 0.5, 0.6, 0.7, 0.9, 1.2, 2.0, 6.0})
    probe("writes", bytes_of(share, profile));
  for (const int stride : {1, 2, 4, 8})
    probe("strided_reads", 512 * kUnit * stride, ",stride=" + std::to_string(stride));
  probe("shared_reads", bytes_of(0.12, profile), ",passes=32");
  plan.push_back({"stream_copy", "bytes=" + std::to_string(std::int64_t{1} << 30)});
  return plan;
}

}  // namespace weir
