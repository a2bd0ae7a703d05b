#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reports/format.h"
#include "reports/report.h"
#include "reports/tunables.h"

namespace weir::report {
namespace {

std::string row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

// A head whose columns are left-aligned up to `texts`, then right-aligned.
std::string head(const std::vector<std::string>& cells, std::size_t texts) {
  std::string result = row(cells) + "|";
  for (std::size_t i = 0; i < cells.size(); ++i) result += i < texts ? " --- |" : " ---: |";
  return result + "\n";
}

bool has_several_devices(const ReportData& data) {
  for (const KernelSummary& kernel : data.kernels) {
    if (kernel.device != data.kernels.front().device) return true;
  }
  return false;
}

std::string name(const KernelSummary& kernel, bool with_device) {
  return with_calibration(markdown_code(kernel.kernel), kernel.calibrated) +
         (with_device ? " (" + markdown_escape(kernel.device) + ")" : "");
}

std::string error_table(const ReportData& data) {
  const bool with_device = has_several_devices(data);
  const bool with_l2 = std::any_of(data.kernels.begin(), data.kernels.end(),
                                   [](const KernelSummary& kernel) { return kernel.l2_reads.count > 0; });
  std::vector<std::string> names{"kernel",
                                 "candidates",
                                 "median error DRAM reads",
                                 "90th percentile",
                                 "median error DRAM writes",
                                 "90th percentile",
                                 "regret of the model's own pick",
                                 "worst"};
  if (with_l2) names.insert(names.end(), {"median error L2 reads", "90th percentile"});
  std::string result = head(names, 1);
  for (const KernelSummary& kernel : data.kernels) {
    std::vector<std::string> cells{name(kernel, with_device),
                                   thousands(kernel.dram_reads.count),
                                   median_of(kernel.dram_reads),
                                   p90_of(kernel.dram_reads),
                                   median_of(kernel.dram_writes),
                                   p90_of(kernel.dram_writes),
                                   percent_or_unknown(kernel.regret_geometric_mean),
                                   percent_or_unknown(kernel.regret_worst)};
    if (with_l2) cells.insert(cells.end(), {median_of(kernel.l2_reads), p90_of(kernel.l2_reads)});
    result += row(cells);
  }
  result +=
      "\nCandidates: measured with hardware counters. Error: |predicted - measured| / max(measured, 1 MB, 1% "
      "of the "
      "compulsory bytes), inside the kernel. Regret: measured time of the candidate that the model ranks "
      "first, over "
      "the best measured time, minus 1; geometric mean over problems.\n";
  if (with_l2)
    result += "L2 reads: what the SMs asked for, of candidates that counted that and do not multicast.\n";
  if (!with_device && !data.kernels.empty()) {
    result += fmt::format("Device: {}.\n", markdown_escape(data.kernels.front().device));
  }
  return result;
}

std::string model_choice(const Pick& pick) {
  if (!pick.model_config) return kUnknown;
  const std::string difference = config_difference(pick.config, *pick.model_config);
  return difference.empty() ? "the same" : markdown_code(difference);
}

std::string picks_table(const ReportData& data) {
  std::string result = head({"kernel", "problem", "best configuration", "model's first choice: what differs",
                             "slower by", "time µs", "95% interval µs", "DRAM reads MB predicted", "measured",
                             "DRAM writes MB predicted", "measured", "tie set", "candidates"},
                            4);
  for (const Pick& pick : data.picks) {
    const auto megabytes_of = [](const std::optional<Traffic>& traffic, double Traffic::*member) {
      return traffic ? megabytes((*traffic).*member) : std::string(kUnknown);
    };
    result += row({with_calibration(markdown_code(pick.kernel), pick.calibrated), markdown_code(pick.problem),
                   markdown_code(pick.config), model_choice(pick), percent_or_unknown(pick.regret),
                   microseconds(pick.timing.median_seconds),
                   microseconds(pick.timing.low_seconds) + " to " + microseconds(pick.timing.high_seconds),
                   megabytes_of(pick.predicted, &Traffic::dram_read_bytes),
                   megabytes_of(pick.measured, &Traffic::dram_read_bytes),
                   megabytes_of(pick.predicted, &Traffic::dram_write_bytes),
                   megabytes_of(pick.measured, &Traffic::dram_write_bytes), thousands(pick.tie_set_size),
                   thousands(pick.candidates)});
  }
  return result;
}

std::string reasons_table(const ReportData& data) {
  std::string result = head({"kernel", "outcome", "reason", "count"}, 3);
  for (const ReasonCount& reason : data.reasons) {
    result += row({markdown_code(reason.kernel), to_string(reason.outcome), markdown_escape(reason.reason),
                   thousands(reason.count)});
  }
  return result;
}

std::string provenance_table(const ReportData& data) {
  std::string result =
      head({"tier", "device", "driver", "compiler", "CUPTI", "Weir", "policy", "dates", "rows"}, 8);
  for (const ProvenanceGroup& group : data.provenance) {
    std::string tier(1, letter(group.tier));
    if (!group.tier_reason.empty()) tier += ": " + group.tier_reason;
    const std::string dates =
        group.first_date == group.last_date ? group.first_date : group.first_date + " to " + group.last_date;
    result += row({markdown_escape(tier), markdown_escape(group.device),
                   markdown_escape(group.driver_version), markdown_escape(group.compiler_version),
                   markdown_escape(group.cupti_version), markdown_escape(group.weir_version),
                   markdown_escape(group.policy), markdown_escape(dates), thousands(group.rows)});
  }
  return result;
}

}  // namespace

std::string markdown(const ReportData& data) {
  if (data.kernels.empty()) return "The store has no rows.\n";
  std::string result = error_table(data);
  for (const UncalibratedGroup& group : data.uncalibrated)
    result += "\n" + markdown_escape(sentence(group)) + "\n";
  if (!data.picks.empty()) result += "\n## Picks\n\n" + picks_table(data);
  if (!data.reasons.empty()) result += "\n## Rejected and failed\n\n" + reasons_table(data);
  result += "\n## Provenance\n\n" + provenance_table(data);
  return result;
}

}  // namespace weir::report
