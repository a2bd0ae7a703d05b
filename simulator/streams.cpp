#include "simulator/streams.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>

#include "simulator/loop_plan.h"
#include "simulator/sampling.h"

namespace weir {
namespace {

using Instruction = FlatProgram::Instruction;
using Code = Instruction::Code;

constexpr std::int64_t kMaxBatch = 8;
constexpr std::int64_t kStepsPerLoop = 16;  // what remains of a loop, at least

// How an access moves from one iteration of its loop to the next.
struct Motion {
  int slot = -1;  // of the loop's variable; -1: not in a plain loop
  bool seen = false, moved = false;
  std::int64_t value = 0;  // of the loop's variable, last
  std::vector<std::int64_t> start, delta;
  bool steady = true;           // the same delta everywhere
  std::int64_t iterations = 0;  // of the loop, the most seen
};

class MotionSampler {
 public:
  explicit MotionSampler(std::vector<Motion>& motions) : motions_(motions) {}

  void access(int number, const Action& action, const Frame& frame) {
    Motion& motion = motions_[static_cast<std::size_t>(number)];
    if (motion.slot < 0) return;
    const std::int64_t value = frame.slots[motion.slot];
    const int bounds = bounds_slots[static_cast<std::size_t>(number)];
    const std::int64_t step = frame.slots[bounds + 1];
    motion.iterations = std::max(motion.iterations, (frame.slots[bounds] - value) / step);
    const bool follows = motion.seen && value == motion.value + step;
    motion.start.resize(action.start.size());
    motion.delta.resize(action.start.size());
    for (std::size_t d = 0; d < action.start.size(); ++d) {
      const std::int64_t start = action.start[d].evaluate(frame);
      if (follows && motion.moved) motion.steady &= start - motion.start[d] == motion.delta[d];
      if (follows && !motion.moved) motion.delta[d] = start - motion.start[d];
      motion.start[d] = start;
    }
    motion.moved |= follows;
    motion.seen = true;
    motion.value = value;
  }
  void compute(const Action&, const Frame&) {}

  std::vector<int> bounds_slots;  // of the accesses' loops

 private:
  std::vector<Motion>& motions_;
};

// The dimension that the access streams along and its direction, if it does.
bool stream_of(const Motion& motion, const Action& action, FlatProgram::Stream& stream) {
  stream = {};
  if (!motion.steady || !motion.moved) return false;
  for (std::size_t d = 0; d < motion.delta.size(); ++d) {
    if (motion.delta[d] == 0) continue;
    if (stream.dimension >= 0 || std::abs(motion.delta[d]) != action.extent[d].constant()) return false;
    stream = {.dimension = static_cast<int>(d), .forward = motion.delta[d] > 0};
  }
  return true;
}

void find_streams(const Candidate& candidate, const Launch& launch, FlatProgram& program) {
  std::vector<Motion> motions(program.accesses.size());
  MotionSampler sampler(motions);
  sampler.bounds_slots.resize(program.accesses.size());
  std::vector<int> loops;
  for (int at = 0; at < static_cast<int>(program.code.size()); ++at) {
    const Instruction& enter = program.code[at];
    if (enter.code != Code::enter || !plain_body(program, at)) continue;
    loops.push_back(at);
    for (int inside = at + 1; inside < enter.target - 1; ++inside) {
      if (program.code[inside].code != Code::access) continue;
      const auto access = static_cast<std::size_t>(program.code[inside].access);
      motions[access].slot = enter.slot;
      sampler.bounds_slots[access] = enter.bounds;
    }
  }
  if (loops.empty()) return;
  sample_items(launch, program, candidate, sampler);
  for (const int at : loops) {
    const Instruction enter = program.code[at];
    bool streams = true;
    std::int64_t iterations = 0;
    const auto for_each_access = [&](auto&& visit) {
      for (int inside = at + 1; inside < enter.target - 1; ++inside) {
        if (program.code[inside].code == Code::access)
          visit(static_cast<std::size_t>(program.code[inside].access));
      }
    };
    for_each_access([&](std::size_t access) {
      streams &= stream_of(motions[access], *program.accesses[access], program.streams[access]);
      iterations = std::max(iterations, motions[access].iterations);
    });
    const std::int64_t batch = streams
                                   ? static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(
                                         std::clamp<std::int64_t>(iterations / kStepsPerLoop, 1, kMaxBatch))))
                                   : 1;
    program.code[at].batch = program.code[enter.target - 1].batch = batch;
    for_each_access([&](std::size_t access) {
      if (batch == 1) program.streams[access] = {};
      program.streams[access].batch = batch;
    });
  }
}

}  // namespace

void find_streams(const Candidate& candidate, std::span<FlatProgram> programs) {
  for (std::size_t i = 0; i < programs.size(); ++i)
    find_streams(candidate, candidate.launches[i], programs[i]);
}

}  // namespace weir
