#include "base/measurement.h"
#include "gpu/cupti.h"

namespace weir {

const std::vector<std::string>& required_metrics() {
  static const std::vector<std::string> metrics{
      "dram__bytes_read.sum",
      "dram__bytes_write.sum",
      "lts__t_sectors_srcunit_tex_op_read.sum",
      "lts__t_sectors_srcunit_tex_op_write.sum",
      "gpu__time_duration.sum",
  };
  return metrics;
}

const std::vector<std::string>& default_metrics() {
  static const std::vector<std::string> metrics = [] {
    std::vector<std::string> all = required_metrics();
    for (const char* name : {
             kReceivedMetric,
             kReceivedFromSmsMetric,
             kReceivedMulticastMetric,
             "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active",
             "gpc__cycles_elapsed.max",
             "lts__t_sectors_op_read.sum",
             "lts__t_sectors_op_write.sum",
             "LTS.TriageCompute.lts__average_t_sector_hit_rate_srcunit_tex_realtime.pct",
             "LTS.TriageCompute.lts__average_t_sector_hit_rate_realtime.pct",
             "dram__throughput.avg.pct_of_peak_sustained_elapsed",
             "dram__cycles_elapsed.avg.per_second",
             "gpc__cycles_elapsed.avg.per_second",
             "sm__cycles_active.avg",
             "gr__ctas_launched.sum",
         }) {
      all.emplace_back(name);
    }
    return all;
  }();
  return metrics;
}

}  // namespace weir
