#include "base/measurement.h"

namespace weir {

char letter(Tier tier) {
  switch (tier) {
    case Tier::counters:
      return 'A';
    case Tier::activity:
      return 'B';
    case Tier::events:
      return 'C';
    case Tier::none:
      return 'D';
  }
  return '?';
}

std::optional<double> requested_l2_read_bytes(const Counters& counters) {
  const auto received = counters.raw.find(kReceivedMetric);
  if (received == counters.raw.end()) return std::nullopt;
  const auto value_of = [&](const char* metric) {
    const auto found = counters.raw.find(metric);
    return found == counters.raw.end() ? 0.0 : found->second;
  };
  if (value_of(kReceivedMulticastMetric) > 0) return std::nullopt;
  return received->second - value_of(kReceivedFromSmsMetric);
}

}  // namespace weir
