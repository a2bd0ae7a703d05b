// The small kernels of sources/, for tests of the emulator itself.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "emulated_source.h"
#include "engine/launch.h"

namespace weir::emulator::test {

inline GuardedMemory memory_of(std::int64_t bytes, std::int64_t alignment = 16) {
  return {bytes, alignment};
}
template <class T>
T* as(GuardedMemory& memory) {
  return reinterpret_cast<T*>(memory.data());
}

struct Shape {
  unsigned blocks = 1, threads = 32;
  std::int64_t shared_bytes = 0;
  unsigned cluster = 1;  // blocks of it
};

// One source of sources/ with the entry that a test runs.
class SmallKernel {
 public:
  SmallKernel(const std::string& file, const std::string& entry) : entry_(entry) {
    Result<EmulatedSource> source =
        EmulatedSource::load({.source = std::string(WEIR_SOURCE_DIR "/tests/emulator/sources/") + file,
                              .config_header = "#pragma once\nenum class Element { bf16, f16 };\n",
                              .entries = entries_of(file),
                              .include_folders = {WEIR_SOURCE_DIR "/kernels"},
                              .compute_capability = 90});
    if (!source) throw std::runtime_error(to_string(source.error()));
    source_ = std::move(*source);
  }

  // Memory is passed as a pointer and known to the engine as "x0", "x1", …; other values as they are, a
  // tensor map by the pointer to it.
  template <class... Values>
  LaunchReport run(Shape shape, std::uint64_t seed, Values&&... values) {
    std::vector<Region> regions;
    std::vector<std::uint64_t> bits;
    (add(regions, bits, values), ...);
    std::vector<void*> arguments;
    const std::string& kinds = source_.signature(entry_);
    for (std::size_t i = 0; i < bits.size(); ++i) {
      arguments.push_back(kinds[i] == 's' ? reinterpret_cast<void*>(bits[i]) : &bits[i]);
    }
    LaunchRequest request{.call = source_.entry(entry_),
                          .arguments = arguments.data(),
                          .grid = {shape.blocks, 1, 1},
                          .threads = {shape.threads, 1, 1},
                          .cluster = {shape.cluster, 1, 1},
                          .shared_bytes = shape.shared_bytes,
                          .static_shared = source_.static_shared(),
                          .memory = regions,
                          .seed = seed};
    LaunchReport report = emulator::run(request);
    copied_bytes = regions.empty() ? 0 : regions.front().copied_bytes;
    return report;
  }

  std::int64_t copied_bytes = 0;  // of the first memory, in the last run

 private:
  // All of a file's, so that it is compiled once.
  static std::vector<std::string> entries_of(const std::string& file) {
    std::ifstream stream(std::string(WEIR_SOURCE_DIR "/tests/emulator/sources/") + file);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    static const std::regex pattern(R"re(extern "C" __global__ void (\w+)\()re");
    std::vector<std::string> entries;
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
      entries.push_back((*match)[1]);
    return entries;
  }
  static void add(std::vector<Region>& regions, std::vector<std::uint64_t>& bits,
                  const GuardedMemory& memory) {
    regions.push_back({.name = "x" + std::to_string(regions.size()), .memory = &memory});
    bits.push_back(reinterpret_cast<std::uint64_t>(memory.data()));
  }
  template <class T>
  static void add(std::vector<Region>&, std::vector<std::uint64_t>& bits, T value) {
    bits.push_back(0);
    std::memcpy(&bits.back(), &value, sizeof value);
  }

  std::string entry_;
  EmulatedSource source_;
};

}  // namespace weir::emulator::test
