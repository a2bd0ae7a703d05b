#include <fmt/format.h>

#include "reports/format.h"
#include "reports/report.h"

namespace weir::report {
namespace {

class Checker {
 public:
  Checker(const KernelSummary& kernel, std::vector<std::string>& violations)
      : kernel_(kernel), violations_(violations) {}

  void check(const char* quantity, const std::optional<double>& limit, const std::optional<double>& value) {
    if (!limit) return;
    const std::string where = fmt::format("{} on {}: {}", kernel_.kernel, kernel_.device, quantity);
    if (!value) {
      violations_.push_back(printable(fmt::format("{} was not measured", where)));
    } else if (!(*value <= *limit)) {  // so written that NaN violates
      violations_.push_back(printable(
          fmt::format("{} is {}, above the limit of {}", where, percent(*value, 2), percent(*limit, 2))));
    }
  }

 private:
  const KernelSummary& kernel_;
  std::vector<std::string>& violations_;
};

std::optional<double> known(const ErrorSummary& errors, double value) {
  return errors.count > 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::vector<std::string> check_gates(const ReportData& data, const Gates& gates) {
  std::vector<std::string> violations;
  if (data.kernels.empty()) violations.push_back("the report has no rows to check");
  for (const KernelSummary& kernel : data.kernels) {
    Checker checker(kernel, violations);
    checker.check("median error of DRAM reads", gates.read_median,
                  known(kernel.dram_reads, kernel.dram_reads.median));
    checker.check("90th percentile error of DRAM reads", gates.read_p90,
                  known(kernel.dram_reads, kernel.dram_reads.p90));
    checker.check("median error of DRAM writes", gates.write_median,
                  known(kernel.dram_writes, kernel.dram_writes.median));
    checker.check("90th percentile error of DRAM writes", gates.write_p90,
                  known(kernel.dram_writes, kernel.dram_writes.p90));
    checker.check("worst regret of the model's pick", gates.regret_worst, kernel.regret_worst);
  }
  return violations;
}

}  // namespace weir::report
