// One candidate of a shipped kernel on the emulator, from texts.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "device_limits.h"
#include "emulate.h"
#include "kernels/definition.h"

namespace weir::emulator::test {

using Tables = std::map<std::string, std::vector<std::int64_t>>;

struct KernelCase {
  std::string problem;
  std::string config = "";  // filled from the safe default
  Tables tables = {};
};

inline void PrintTo(const KernelCase& test, std::ostream* out) {
  *out << test.problem << " with " << test.config;
}

inline Candidate candidate_of(const std::string& kernel, const KernelCase& test) {
  const auto stop = [](const Error& error) { throw std::runtime_error(to_string(error)); };
  const DeviceLimits device = device_limits(90);
  const Result<KernelDefinition> definition = find_kernel(WEIR_SOURCE_DIR "/kernels", kernel);
  if (!definition) stop(definition.error());
  const Result<Problem> problem = definition->problem(test.problem, test.tables);
  if (!problem) stop(problem.error());
  const Result<Config> config = definition->config(test.config);
  if (!config) stop(config.error());
  Result<Candidate> candidate = definition->resolve(*problem, *config, device);
  if (!candidate) stop(candidate.error());
  return std::move(*candidate);
}

// The results are right in two orders of threads and blocks, shared memory is read without conflicts, and
// what the kernel copies asynchronously is what its block program loads. `whole_sectors`: no sector of 32
// bytes is asked for twice, which holds where all rows begin at multiples of one.
inline void expect_right(const std::string& kernel, const KernelCase& test, bool whole_sectors = true) {
  const Candidate candidate = candidate_of(kernel, test);
  for (const std::uint64_t seed : {0, 1}) {
    const Result<Emulation> emulation = emulate(candidate, {.schedule_seed = seed});
    ASSERT_TRUE(emulation.ok()) << to_string(emulation.error());
    EXPECT_TRUE(emulation->verdict.passed) << emulation->verdict.detail;
    for (const EmulatedLaunch& launch : emulation->launches) {
      EXPECT_TRUE(launch.ldmatrix.conflict_free()) << launch.name;
      EXPECT_TRUE(launch.copies.conflict_free()) << launch.name;
      EXPECT_TRUE(!whole_sectors || launch.sectors.conflict_free())
          << launch.name << " asks " << launch.sectors.needed << " times for " << launch.sectors.accesses
          << " sectors";
      for (const TensorTraffic& traffic : launch.traffic) {
        if (traffic.copied_bytes == 0) continue;  // by other instructions
        EXPECT_EQ(traffic.copied_bytes, traffic.loaded_bytes) << traffic.tensor << " in " << launch.name;
      }
    }
  }
}

}  // namespace weir::emulator::test
