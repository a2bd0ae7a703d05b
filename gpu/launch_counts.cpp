#include "gpu/launch_counts.h"

#include <algorithm>

#include "gpu/cupti.h"
#include "gpu/statistics.h"

namespace weir {
namespace {

constexpr double kSectorBytes = 32;
constexpr double kNanosecond = 1e-9;

using Samples = std::map<std::string, std::vector<double>>;  // by metric, one value for each repeat

bool adds_up(const std::string& metric) {
  constexpr std::string_view kSum = ".sum";
  return metric.size() > kSum.size() && metric.substr(metric.size() - kSum.size()) == kSum;
}

Samples of_launch(const std::vector<std::vector<MetricValues>>& repeats, std::size_t launch) {
  Samples samples;
  for (const std::vector<MetricValues>& repeat : repeats) {
    for (const auto& [metric, value] : repeat[launch]) samples[metric].push_back(value);
  }
  return samples;
}

Samples of_all(const std::vector<std::vector<MetricValues>>& repeats) {
  Samples samples;
  for (const std::vector<MetricValues>& repeat : repeats) {
    MetricValues sums;
    std::map<std::string, std::size_t> found;
    for (const MetricValues& launch : repeat) {
      for (const auto& [metric, value] : launch) {
        sums[metric] += value;
        ++found[metric];
      }
    }
    for (const auto& [metric, sum] : sums) {
      if (adds_up(metric) && found[metric] == repeat.size()) samples[metric].push_back(sum);
    }
  }
  return samples;
}

MetricValues medians(const Samples& samples) {
  MetricValues values;
  for (const auto& [metric, all] : samples) values[metric] = median(all);
  return values;
}

// Counters and LaunchCounters name these alike. Precondition: the required metrics are there.
template <typename T>
void set_traffic(const MetricValues& values, T& counters) {
  counters.dram_read_bytes = values.at("dram__bytes_read.sum");
  counters.dram_write_bytes = values.at("dram__bytes_write.sum");
  counters.l2_read_bytes = values.at("lts__t_sectors_srcunit_tex_op_read.sum") * kSectorBytes;
  counters.l2_write_bytes = values.at("lts__t_sectors_srcunit_tex_op_write.sum") * kSectorBytes;
  counters.duration_seconds = values.at("gpu__time_duration.sum") * kNanosecond;
}

double spread(const std::vector<double>& values, double middle) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return middle > 0 ? (*most - *least) / middle : 0;
}

}  // namespace

Result<Counters> counters_of(const std::vector<std::string>& launches,
                             const std::vector<std::vector<MetricValues>>& repeats) {
  const bool is_pipeline = launches.size() > 1;
  const Samples samples = is_pipeline ? of_all(repeats) : of_launch(repeats, 0);
  for (const std::string& metric : required_metrics()) {
    if (!samples.contains(metric))
      return Error{ErrorKind::failed, "the counter " + metric + " gave no number", ""};
  }
  Counters counters{.repeats = static_cast<std::int64_t>(repeats.size()), .raw = medians(samples)};
  set_traffic(counters.raw, counters);
  counters.dram_read_spread = spread(samples.at("dram__bytes_read.sum"), counters.dram_read_bytes);
  for (std::size_t i = 0; is_pipeline && i < launches.size(); ++i) {
    counters.launches.push_back({.launch = launches[i]});
    set_traffic(medians(of_launch(repeats, i)), counters.launches.back());
  }
  return counters;
}

}  // namespace weir
