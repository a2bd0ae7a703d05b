#include "tests/reports/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace weir::report::testing {
namespace {

class Noise {
 public:
  explicit Noise(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  // About normal, mean 0.
  double normal(double deviation) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return deviation * sum;
  }

 private:
  std::mt19937_64 engine_;
};

struct Truth {
  double compulsory = 0, dram_reads = 0, dram_writes = 0, l2_reads = 0, seconds = 0;
  Regime regime = Regime::compulsory;
};

// The share of re-reads that miss once `bytes` of widely shared data compete for half of a 50 MB L2.
double miss_share(double bytes) {
  return 1 / (1 + std::exp(-(bytes / 1e6 - 27) / 2.2));
}

Regime regime_of(double rereads, double misses) {
  if (rereads < 0.05) return Regime::compulsory;
  return misses < 0.1 ? Regime::fits : misses < 0.9 ? Regime::transition : Regime::thrash;
}

Truth finish(Truth truth, double rereads_bytes, double shared_bytes, double compute_seconds,
             double written_bytes) {
  const double misses = miss_share(shared_bytes);
  truth.dram_reads = truth.compulsory + std::max(0.0, rereads_bytes - truth.compulsory) * misses;
  truth.dram_writes = std::max(0.02e6, written_bytes - 24e6);
  truth.regime = regime_of(rereads_bytes / truth.compulsory - 1, misses);
  truth.seconds = 3e-6 + std::max({compute_seconds, (truth.dram_reads + truth.dram_writes) / 2.7e12,
                                   truth.l2_reads / 5.5e12});
  return truth;
}

Provenance provenance(int minute) {
  return {
      .gpu_name = "NVIDIA H100 80GB HBM3",
      .gpu_uuid = "GPU-5c1e2a7e-0000-4000-8000-000000000001",
      .compute_capability = 90,
      .sm_count = 132,
      .l2_bytes = 52428800,
      .driver_version = "580.65.06",
      .compiler_version = "NVRTC 13.0.88",
      .cupti_version = "13.0.1",
      .weir_version = "0.1.0",
      .date = fmt::format("2026-11-{:02}T{:02}:{:02}:00Z", 20 + minute / 1440, minute / 60 % 24, minute % 60),
      .policy = "cold L2, flush write+read 2x, median of 30, 95% interval"};
}

Record measured(Record record, const Truth& truth, Noise& noise, int minute) {
  const double slip = truth.regime == Regime::transition ? 0.09
                      : truth.regime == Regime::thrash   ? 0.03
                                                         : 0.008;
  const auto about = [&](double value, double deviation) {
    return value * std::exp(noise.normal(deviation));
  };
  Prediction prediction{.fidelity = "cache",
                        .traffic = {about(truth.dram_reads, slip), about(truth.dram_writes, 0.06),
                                    about(truth.l2_reads, 0.002), truth.dram_writes + 24e6},
                        .l2_hit_rate = 1 - truth.dram_reads / std::max(truth.l2_reads, truth.dram_reads),
                        .dirty_bytes = 24e6,
                        .time_seconds = about(truth.seconds, 0.05),
                        .bound_by = truth.regime == Regime::thrash ? Bottleneck::dram : Bottleneck::tensor,
                        .regime = truth.regime,
                        .bounds = {.compulsory_bytes = truth.compulsory, .sram_level_bytes = truth.l2_reads},
                        .uncalibrated = {"", ""}};
  prediction.dram_read_low_bytes = prediction.traffic.dram_read_bytes * std::exp(-1.7 * slip);
  prediction.dram_read_high_bytes = prediction.traffic.dram_read_bytes * std::exp(1.7 * slip);
  prediction.dram_write_low_bytes = prediction.traffic.dram_write_bytes * 0.9;
  prediction.dram_write_high_bytes = prediction.traffic.dram_write_bytes * 1.1;
  Measurement measurement{.tier = Tier::counters,
                          .verification = {.passed = true, .error = 1e-3, .allowed_error = 3e-3},
                          .counters = {.dram_read_bytes = about(truth.dram_reads, 0.004),
                                       .dram_write_bytes = about(truth.dram_writes, 0.02),
                                       .l2_read_bytes = about(truth.l2_reads, 0.001),
                                       .l2_write_bytes = truth.dram_writes + 24e6,
                                       .duration_seconds = truth.seconds + 2e-6,
                                       .repeats = 3,
                                       .dram_read_spread = 0.01,
                                       .raw = {{kReceivedMetric, about(truth.l2_reads, 0.001)}}},
                          .provenance = provenance(minute)};
  const double median = about(truth.seconds, 0.01);
  measurement.timing = {.median_seconds = median,
                        .low_seconds = median * 0.995,
                        .high_seconds = median * 1.006,
                        .minimum_seconds = median * 0.99,
                        .samples = 30,
                        .sm_clock_hertz = 1.98e9,
                        .l2_state = "cold"};
  record.outcome = Outcome::measured;
  record.prediction = prediction;
  record.measurement = measurement;
  return record;
}

Record rejected(Record record, const std::string& reason) {
  record.outcome = Outcome::rejected;
  record.reason = reason;
  return record;
}

Record failed(Record record, const std::string& reason, int minute) {
  record.outcome = Outcome::failed;
  record.reason = reason;
  record.measurement = Measurement{.provenance = provenance(minute)};
  return record;
}

class Sweep {
 public:
  Sweep(std::size_t limit, std::uint64_t seed) : limit_(limit), noise_(seed) {}

  void gemm(double m, double n, double k, double keep) {
    for (const double tile_m : {64, 128, 256}) {
      for (const double tile_n : {64, 128, 256}) {
        for (const int stages : {2, 3, 4}) {
          for (const double group_m : {1, 4, 8, 16}) {
            for (const double tile_k : {32, 64}) {
              Record record = row("gemm", fmt::format("m={},n={},k={},dtype=bf16", m, n, k),
                                  fmt::format("tile_m={},tile_n={},tile_k={},stages={},group_m={}", tile_m,
                                              tile_n, tile_k, stages, group_m));
              record.is_default =
                  tile_m == 128 && tile_n == 128 && tile_k == 32 && stages == 3 && group_m == 8;
              if (!record.is_default && noise_.uniform() > keep) continue;
              if (stages * (tile_m + tile_n) * tile_k * 2 > 227 * 1024 || tile_m * tile_n > 256 * 192) {
                add(rejected(record, tile_m * tile_n > 256 * 192
                                         ? "the accumulators need more than 255 registers per thread"
                                         : "the stages do not fit in shared memory"));
                continue;
              }
              const double tiles = std::ceil(m / tile_m) * std::ceil(n / tile_n),
                           height = std::min(group_m, m / tile_m);
              const double width = std::min(132 / height, n / tile_n);
              const double per_wave = (height * tile_m + width * tile_n) * k * 2;
              const double depth = std::min(k, 2048.0);  // blocks of a wave drift apart by some steps of k
              const double efficiency =
                  0.5 * std::sqrt(tile_m * tile_n / 65536) + 0.28 + 0.05 * stages + (tile_k == 64 ? 0.04 : 0);
              Truth truth{.compulsory = (m * k + n * k) * 2, .l2_reads = tiles * (tile_m + tile_n) * k * 2};
              truth = finish(truth, std::max(truth.compulsory, per_wave * std::ceil(tiles / 132)),
                             std::min(per_wave * depth / k * 1.3, 70e6),
                             2 * m * n * k / (900e12 * std::min(efficiency, 0.86)), m * n * 2);
              add(measured(record, truth, noise_, minute_++));
            }
          }
        }
      }
    }
  }

  void attention(double batch, double heads, double seq, bool causal, double keep, Tier tier) {
    for (const double tile_q : {64, 128, 192}) {
      for (const double tile_kv : {64, 96, 128, 176}) {
        for (const int stages : {1, 2, 3}) {
          for (const int order : {0, 1}) {
            for (const char* variant : {"mma_sync", "wgmma"}) {
              const bool wide = std::string(variant) == "wgmma";
              Record record = row(
                  "attention_forward",
                  fmt::format(
                      "batch={},heads_q={},heads_kv={},seq_q={},seq_kv={},head_dim=128,causal={},dtype=bf16",
                      batch, heads, heads / 4, seq, seq, causal),
                  fmt::format("tile_q={},tile_kv={},stages={},head_order={},variant={}", tile_q, tile_kv,
                              stages, order, variant));
              record.is_default = tile_q == 128 && tile_kv == 64 && stages == 2 && order == 0 && !wide;
              if (!record.is_default && noise_.uniform() > keep) continue;
              if ((tile_q + stages * 2 * tile_kv) * 256 > 227 * 1024) {
                add(rejected(record, "the stages of K and V do not fit in shared memory"));
                continue;
              }
              if (tile_q == 192 && !wide) {
                add(failed(record, "compilation: 312 bytes of spills per thread, more than the limit of 64",
                           minute_++));
                continue;
              }
              const double q = batch * heads * seq * 256, kv = batch * heads / 4 * seq * 512,
                           share = causal ? 0.55 : 1;
              Truth truth{.compulsory = q + kv,
                          .l2_reads = q + batch * heads * seq / tile_q * seq * 512 * share};
              const double streams = order == 0 ? 132 * tile_q / seq : 132;
              truth = finish(truth, q + kv * (order == 0 ? 4 : 10) * share,
                             std::max(4e6, streams * seq * 512 / 16),
                             4 * batch * heads * seq * seq * 128 * share / (wide ? 620e12 : 380e12) /
                                 (0.7 + 0.08 * stages + tile_q * tile_kv / 120000),
                             q);
              Record done = measured(record, truth, noise_, minute_++);
              if (tier != Tier::counters) {
                done.measurement->tier = tier;
                done.measurement->tier_reason = "counters are reserved for administrators on this machine";
                done.measurement->counters = {};
              }
              add(done);
            }
          }
        }
      }
    }
  }

  void stream_copy(double bytes) {
    for (const int block_bytes : {4096, 8192, 16384, 32768, 65536}) {
      for (const int blocks_per_sm : {1, 2, 4, 8}) {
        Record record = row("stream_copy", fmt::format("bytes={:.0f}", bytes),
                            fmt::format("block_bytes={},blocks_per_sm={}", block_bytes, blocks_per_sm));
        record.is_default = block_bytes == 16384 && blocks_per_sm == 4;
        Truth truth{.compulsory = bytes, .l2_reads = bytes};
        truth = finish(truth, bytes, 1e6, bytes * (1.15 - 0.02 * blocks_per_sm) / 1.35e12, bytes);
        Record done = measured(record, truth, noise_, minute_++);
        if (block_bytes == 65536 && blocks_per_sm == 8) {
          done.outcome = Outcome::predicted;
          done.measurement.reset();
        }
        add(done);
      }
    }
  }

  std::vector<Record> take() { return std::move(records_); }
  bool is_full() const { return records_.size() >= limit_; }

 private:
  static Record row(const char* kernel, const std::string& problem, const std::string& config) {
    return {.kernel = kernel,
            .source_hash = "9f3ac2d1e5b87604",
            .problem = problem,
            .config = config,
            .profile = "h100-sxm5-80gb"};
  }
  void add(Record record) {
    if (!is_full()) records_.push_back(std::move(record));
  }

  std::size_t limit_;
  Noise noise_;
  int minute_ = 0;
  std::vector<Record> records_;
};

}  // namespace

std::vector<Record> synthetic_sweep(std::size_t rows, std::uint64_t seed) {
  Sweep sweep(rows, seed);
  for (const double bytes : {33554432.0, 134217728.0, 536870912.0}) sweep.stream_copy(bytes);
  sweep.attention(4, 32, 4096, true, 0.7, Tier::counters);
  sweep.attention(1, 32, 16384, false, 0.7, Tier::counters);
  sweep.attention(16, 16, 1024, true, 0.4, Tier::activity);
  for (double size = 2048; !sweep.is_full(); size += 1024) {
    sweep.gemm(size, size, size, 0.6);
    sweep.gemm(size, 2 * size, size / 2, 0.45);
  }
  return sweep.take();
}

Record measured_row(const std::string& config, double predicted_read_bytes, double measured_read_bytes,
                    double predicted_seconds, double measured_seconds) {
  return {.kernel = "gemm",
          .source_hash = "aaaaaaaa",
          .problem = "m=1",
          .config = config,
          .outcome = Outcome::measured,
          .profile = "h100",
          .prediction = Prediction{.fidelity = "cache",
                                   .traffic = {.dram_read_bytes = predicted_read_bytes},
                                   .time_seconds = predicted_seconds,
                                   .uncalibrated = {"", ""}},
          .measurement = Measurement{.tier = Tier::counters,
                                     .verification = {.passed = true},
                                     .timing = {.median_seconds = measured_seconds,
                                                .low_seconds = measured_seconds * 0.99,
                                                .high_seconds = measured_seconds * 1.01,
                                                .minimum_seconds = measured_seconds * 0.98,
                                                .samples = 30,
                                                .l2_state = "cold"},
                                     .counters = {.dram_read_bytes = measured_read_bytes, .repeats = 3},
                                     .provenance = provenance(0)}};
}

Record rejected_row(const std::string& config, const std::string& reason) {
  return {.kernel = "gemm",
          .source_hash = "aaaaaaaa",
          .problem = "m=1",
          .config = config,
          .outcome = Outcome::rejected,
          .reason = reason,
          .profile = "h100"};
}

}  // namespace weir::report::testing
