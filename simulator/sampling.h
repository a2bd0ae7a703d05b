// A look at some work items of a launch: the first and the last from end to end, and the beginnings of others
// from the whole range.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "simulator/flat_program.h"
#include "simulator/work.h"

namespace weir {

template <typename Sink>
void sample_items(const Launch& launch, const FlatProgram& program, const Candidate& candidate, Sink& sink) {
  constexpr std::int64_t kWholeItems = 4;
  constexpr std::int64_t kSampledItems = 64;
  constexpr std::int64_t kSampledSteps = 64;
  constexpr std::int64_t kWhole = std::numeric_limits<std::int64_t>::max();
  const std::int64_t items = launch.work_items;
  ItemFrame frame(launch, program, candidate);
  const auto walk = [&](std::int64_t item, std::int64_t most_steps) {
    frame.set(item, item % block_count(launch));
    Position position;
    for (std::int64_t step = 0; step < most_steps && run_step(program, position, frame.frame(), sink);
         ++step) {
    }
  };
  for (std::int64_t item = 0; item < std::min(items, kWholeItems); ++item) walk(item, kWhole);
  for (std::int64_t item = std::max<std::int64_t>(0, items - kWholeItems); item < items; ++item)
    walk(item, kWhole);
  // An odd stride sees items of both parities.
  const std::int64_t stride = std::max<std::int64_t>(1, items / kSampledItems) | 1;
  for (std::int64_t item = 0; item < items; item += stride) walk(item, kSampledSteps);
}

}  // namespace weir
