// The measured tables through predict(): the microbenchmarks as kernel definitions, blocks and their drift
// included.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "tests/simulator/definitions.h"
#include "tests/simulator/measured_tables.h"

namespace weir {
namespace {

using namespace testing_definitions;

constexpr double kMegabyte = 1e6;

// Two blocks per SM; block b reads its own part of the buffer four times.
const std::string kPrivate = over_bytes(R"(
  - name: main
    entry: main
    grid: [264]
    threads: 1024
    arguments: [x, y]
    program:
      - for: pass
        in: [0, 4]
        do:
          - for: part
            in: [0, 'ceil_div(bytes / 264, tile)']
            prefetch: 1
            do:
              - {load: x, at: [block * (bytes / 264) + part * tile], extent: ['min(tile, bytes / 264 - part * tile)']}
)");

// Every block reads the whole buffer three times.
const std::string kShared = over_bytes(R"(
  - name: main
    entry: main
    grid: [264]
    threads: 1024
    arguments: [x, y]
    program:
      - for: pass
        in: [0, 3]
        do:
          - for: part
            in: [0, 'ceil_div(bytes, tile)']
            prefetch: 1
            do:
              - {load: x, at: [part * tile], extent: [tile]}
)");

const std::string kWrite = over_bytes(R"(
  - name: main
    entry: main
    grid: ['ceil_div(bytes, tile)']
    threads: 256
    arguments: [x, y]
    program:
      - {store: y, at: [item * tile], extent: [tile]}
)");

struct Deviation {
  double mean = 0;  // root mean square, as a share of the bytes that a block's passes ask for
  double worst = 0;
  double enclosed = 0;  // share of the rows inside the prediction's interval, to 1% of the measured bytes
};

Deviation compare(const char* gpu, const std::string& kernel, const measured::Table& table, double passes) {
  Deviation deviation;
  const DeviceProfile profile = profile_of(gpu);
  for (const measured::Row& row : table) {
    // Whole tiles for every block.
    const auto bytes =
        static_cast<std::int64_t>(row.buffer_megabytes * kMegabyte) / (264 * 256) * (264 * 256);
    const Prediction p = predict_ok(kernel, "bytes=" + std::to_string(bytes), profile);
    const double error =
        (p.traffic.dram_read_bytes / kMegabyte - row.dram_megabytes) / (passes * row.buffer_megabytes);
    if (std::getenv("WEIR_SHOW_TABLES")) {
      std::printf("%6.0f MB: measured %7.2f predicted %7.2f MB, %+5.1f%% [%7.2f, %7.2f]\n",
                  row.buffer_megabytes, row.dram_megabytes, p.traffic.dram_read_bytes / kMegabyte,
                  100 * error, p.dram_read_low_bytes / kMegabyte, p.dram_read_high_bytes / kMegabyte);
    }
    deviation.mean += error * error / static_cast<double>(table.size());
    deviation.worst = std::max(deviation.worst, std::abs(error));
    const bool enclosed = row.dram_megabytes > 0.99 * p.dram_read_low_bytes / kMegabyte &&
                          row.dram_megabytes < 1.01 * p.dram_read_high_bytes / kMegabyte;
    deviation.enclosed += enclosed / static_cast<double>(table.size());
  }
  deviation.mean = std::sqrt(deviation.mean);
  return deviation;
}

TEST(MeasuredKernels, PrivateReReadsOfTheH100) {
  const Deviation deviation = compare("h100-sxm5-80gb", kPrivate, measured::kH100Private, 4);
  EXPECT_LT(deviation.mean, 0.02);
  EXPECT_GT(deviation.enclosed, 0.89);
  EXPECT_LT(deviation.worst, 0.04);
}

TEST(MeasuredKernels, PrivateReReadsOfTheH200) {
  const Deviation deviation = compare("h200-sxm-141gb", kPrivate, measured::kH200Private, 4);
  EXPECT_LT(deviation.mean, 0.02);
  EXPECT_GT(deviation.enclosed, 0.89);
  EXPECT_LT(deviation.worst, 0.04);
}

TEST(MeasuredKernels, SharedReReadsOfTheH100) {
  const Deviation deviation = compare("h100-sxm5-80gb", kShared, measured::kH100Shared, 3);
  EXPECT_LT(deviation.mean, 0.06);
  EXPECT_GT(deviation.enclosed, 0.89);
  EXPECT_LT(deviation.worst, 0.14);
}

TEST(MeasuredKernels, SharedReReadsOfTheH200) {
  const Deviation deviation = compare("h200-sxm-141gb", kShared, measured::kH200Shared, 3);
  EXPECT_LT(deviation.mean, 0.04);
  EXPECT_GT(deviation.enclosed, 0.89);
  EXPECT_LT(deviation.worst, 0.07);
}

TEST(MeasuredKernels, WritesOfBothGpus) {
  for (const auto& [gpu, table] : {std::pair{"h100-sxm5-80gb", &measured::kH100Writes},
                                   std::pair{"h200-sxm-141gb", &measured::kH200Writes}}) {
    for (const measured::Row& row : *table) {
      const auto bytes = static_cast<std::int64_t>(row.buffer_megabytes * kMegabyte);
      const Prediction p = predict_ok(kWrite, "bytes=" + std::to_string(bytes), profile_of(gpu));
      // Part of the foreign lines is in these counts, part had been written before.
      EXPECT_NEAR(p.traffic.dram_write_bytes / kMegabyte, row.dram_megabytes, 0.75) << gpu << " " << bytes;
      EXPECT_EQ(p.traffic.dram_read_bytes, 0);
    }
  }
}

}  // namespace
}  // namespace weir
