#include "base/measurement.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(RequestedL2Reads, AreWhatTheSmsReceivedButNotFromEachOther) {
  Counters counters{.l2_read_bytes = 600, .raw = {{kReceivedMetric, 1000}}};
  EXPECT_EQ(requested_l2_read_bytes(counters), 1000);
  counters.raw[kReceivedFromSmsMetric] = 100;
  counters.raw[kReceivedMulticastMetric] = 0;
  EXPECT_EQ(requested_l2_read_bytes(counters), 900);
}

TEST(RequestedL2Reads, AreUnknownWithoutTheirCounterAndBehindMulticasts) {
  EXPECT_EQ(requested_l2_read_bytes({.l2_read_bytes = 600}), std::nullopt);
  EXPECT_EQ(requested_l2_read_bytes({.raw = {{kReceivedMetric, 1000}, {kReceivedMulticastMetric, 400}}}),
            std::nullopt);
}

}  // namespace
}  // namespace weir
