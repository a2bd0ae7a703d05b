// Records for tests: one that is filled in everywhere.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "store/store.h"
#include "tests/temporary_folder.h"

namespace weir {

inline Prediction sample_prediction(double seconds = 1e-3) {
  Prediction prediction{
      .fidelity = "cache",
      .traffic = {1.5e9, 3.3e7, 9.1e9, 3.4e7},
      .l2_hit_rate = 0.1 + 0.2,
      .dirty_bytes = 1.0 / 3,
      .dram_read_low_bytes = 1.4e9,
      .dram_read_high_bytes = 1.7e9,
      .dram_write_low_bytes = 3.1e7,
      .dram_write_high_bytes = 3.5e7,
      .time_seconds = seconds,
      .bound_by = Bottleneck::special_function,
      .regime = Regime::transition,
      .bounds = {1e9, 1e10, 2e9, "Hong and Kung, 1981"},
  };
  prediction.tensors = {{"a", {1e9, 0, 5e9, 0}}, {"c", {0, 3.3e7, 0, 3.4e7}}};
  prediction.launches = {{"main",
                          {1.5e9, 3.3e7, 9.1e9, 3.4e7},
                          0.3,
                          0,
                          seconds,
                          Bottleneck::tensor,
                          2,
                          7.5,
                          {1e-3, 0.1 + 0.2, 0, 1.0 / 3, 4, 5, 6}}};
  return prediction;
}

inline Provenance sample_provenance() {
  return {.gpu_name = "NVIDIA H100 80GB HBM3",
          .gpu_uuid = "GPU-1",
          .compute_capability = 90,
          .sm_count = 132,
          .l2_bytes = 52428800,
          .driver_version = "580.95.05",
          .compiler_version = "13.0",
          .cupti_version = "13.0",
          .weir_version = "0.1.0",
          .date = "2026-11-22T10:00:00Z",
          .policy = "cold L2"};
}

// A verified row that ran in `median` seconds, give or take one percent.
inline Measurement sample_measurement(double median = 1e-3) {
  Measurement measurement;
  measurement.tier = Tier::counters;
  measurement.resources = {168, 0, 16, 1024};
  measurement.verification = {true, 1e-3, 2.5e-3, "c"};
  measurement.timing = {median, median * 0.99, median * 1.01, median * 0.98, 40, 2, 1.755e9, "cold"};
  measurement.counters = {1.6e9,  3.2e7, 9.0e9, 3.4e7,
                          median, 3,     0.01,  {{"dram__bytes_read.sum", 1.6e9}, {"x", 0.1}}};
  measurement.provenance = sample_provenance();
  return measurement;
}

inline Record sample_record(const std::string& config, double median = 1e-3) {
  return {.kernel = "gemm",
          .source_hash = "00112233445566778899aabbccddeeff",
          .problem = "m=4096,n=4096,k=4096,dtype=bf16",
          .config = config,
          .outcome = Outcome::measured,
          .profile = "h100-sxm5-80gb",
          .prediction = sample_prediction(median),
          .measurement = sample_measurement(median)};
}

// The value, or a failed test that says why not.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << to_string(result.error());
    throw std::runtime_error(to_string(result.error()));
  }
  return std::move(result).value();
}

}  // namespace weir
