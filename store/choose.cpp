// The tie-aware choice among measured rows.
#include <algorithm>
#include <limits>

#include "store/store.h"

namespace weir {
namespace {

double predicted_dram_bytes(const Record& record) {
  if (!record.prediction) return std::numeric_limits<double>::infinity();
  return record.prediction->traffic.dram_read_bytes + record.prediction->traffic.dram_write_bytes;
}

bool may_be_picked(const Record& record) {
  return record.outcome == Outcome::measured && record.measurement &&
         record.measurement->verification.passed && record.measurement->timing.median_seconds > 0;
}

}  // namespace

std::optional<Choice> choose(const std::vector<Record>& rows_of_one_problem) {
  double best_median = std::numeric_limits<double>::infinity();
  double best_high = best_median;
  for (const Record& record : rows_of_one_problem) {
    if (!may_be_picked(record)) continue;
    const Timing& timing = record.measurement->timing;
    if (std::pair(timing.median_seconds, timing.high_seconds) < std::pair(best_median, best_high)) {
      best_median = timing.median_seconds;
      best_high = std::max(timing.high_seconds, timing.median_seconds);
    }
  }
  std::vector<Record> ties;
  for (const Record& record : rows_of_one_problem) {
    if (!may_be_picked(record)) continue;
    const Timing& timing = record.measurement->timing;
    if (std::min(timing.low_seconds, timing.median_seconds) <= best_high) ties.push_back(record);
  }
  if (ties.empty()) return std::nullopt;
  std::stable_sort(ties.begin(), ties.end(), [](const Record& a, const Record& b) {
    return std::pair(predicted_dram_bytes(a), a.config) < std::pair(predicted_dram_bytes(b), b.config);
  });
  return Choice{ties.front(), ties};
}

}  // namespace weir
