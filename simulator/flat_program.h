// A block program as a list of instructions with jumps, so that many work items can be walked in turns: each
// walker is a frame and a position. A step is what happens at one moment: all actions of one iteration of a
// loop, or those between loops.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "kernels/candidate.h"

namespace weir {

struct FlatProgram {
  struct Instruction {
    enum class Code { let, enter, next, branch, jump, access, compute, end };
    Code code = Code::end;
    int slot = 0;            // let, enter, next
    int target = 0;          // enter, branch: where to go if the condition fails; next: the loop's body; jump
    int bounds = 0;          // enter, next: the slots of the loop's end and step
    int access = 0;          // number of the access, in the order of the definition
    std::int64_t batch = 1;  // enter, next: iterations that may be walked as one step (streams.h)
    const Action* action = nullptr;
  };
  // How an access of a batched loop moves: by its own extent along a dimension, up or down, or not at all
  // (-1).
  struct Stream {
    int dimension = -1;
    bool forward = true;
    std::int64_t batch = 1;
  };
  std::vector<Instruction> code;
  std::vector<const Action*> accesses;
  std::vector<Stream> streams;  // by access
  int frame_size = 0;
};

// Precondition: `program` outlives the result.
FlatProgram flatten(const BlockProgram& program);

// Thrown by run_step for a loop whose step is 0.
class ProgramError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Position {
  int instruction = 0;
  int prefetch = 0;          // of the loop that the walker is in
  bool loop_begins = false;  // the step just run was the first of its loop
  bool batching = false;     // whether batches are wanted: the sink sees one access for all of `batch`
  std::int64_t batch = 1;    // iterations that the step at hand covers
};

// The iterations that are walked as one from `value` on: up to a multiple of the batch, in either direction.
// Precondition: `most` is a power of two.
inline std::int64_t batch_from(std::int64_t value, std::int64_t step, std::int64_t end, std::int64_t most) {
  if (most == 1) return 1;
  const std::int64_t stride = step > 0 ? step : -step;
  const auto in_steps = [&](std::int64_t distance) { return stride == 1 ? distance : distance / stride; };
  const std::int64_t remaining = in_steps((step > 0 ? end - value : value - end) + stride - 1);
  const std::int64_t place = in_steps(value) & (most - 1);
  return std::min(remaining, step > 0 ? most - place : place + 1);
}

// At the end of a loop's body: moves its variable on. The instruction that follows.
inline int next_iteration(const FlatProgram::Instruction& next, int at, std::int64_t* slots,
                          Position& position) {
  const std::int64_t step = slots[next.bounds + 1], end = slots[next.bounds];
  const std::int64_t value = slots[next.slot] += step * position.batch;
  const bool more = step > 0 ? value < end : value > end;
  if (!more) position.prefetch = 0;
  position.batch = more && position.batching ? batch_from(value, step, end, next.batch) : 1;
  return more ? next.target : at + 1;
}

// Runs one step. `sink` gets access(number, action, frame) and compute(action, frame). False: the item is
// finished, and the step, which may be empty, was its last.
template <typename Sink>
bool run_step(const FlatProgram& program, Position& position, const Frame& frame, Sink& sink) {
  using Code = FlatProgram::Instruction::Code;
  std::int64_t* slots = frame.slots.data();
  const FlatProgram::Instruction* code = program.code.data();
  int at = position.instruction;
  bool empty = true;
  position.loop_begins = false;
  for (;;) {
    const FlatProgram::Instruction& instruction = code[at];
    const Action& action = *instruction.action;
    switch (instruction.code) {
      case Code::let:
        slots[instruction.slot] = action.value.evaluate(frame);
        ++at;
        break;
      case Code::enter: {
        if (!empty) {
          position.instruction = at;
          return true;
        }
        const std::int64_t from = action.from.evaluate(frame), to = action.to.evaluate(frame);
        const std::int64_t step = action.step.evaluate(frame);
        if (step == 0) throw ProgramError("the step of a loop is 0");
        slots[instruction.slot] = from;
        slots[instruction.bounds] = to;
        slots[instruction.bounds + 1] = step;
        if (step > 0 ? from < to : from > to) {
          position.prefetch = static_cast<int>(action.prefetch.evaluate(frame));
          position.loop_begins = true;
          position.batch = position.batching ? batch_from(from, step, to, instruction.batch) : 1;
          ++at;
        } else {
          at = instruction.target;
        }
        break;
      }
      case Code::next:
        at = next_iteration(instruction, at, slots, position);
        if (!empty) {
          position.instruction = at;
          return code[at].code != Code::end;
        }
        break;
      case Code::branch:
        at = action.value.evaluate(frame) != 0 ? at + 1 : instruction.target;
        break;
      case Code::jump:
        at = instruction.target;
        break;
      case Code::access:
        sink.access(instruction.access, action, frame);
        empty = false;
        ++at;
        break;
      case Code::compute:
        sink.compute(action, frame);
        empty = false;
        ++at;
        break;
      case Code::end:
        position.instruction = at;
        return false;
    }
  }
}

}  // namespace weir
