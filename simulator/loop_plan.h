// A loop of a block program whose body is loads of constant extents and constant amounts of work only, with
// all that does not change from one of its steps to the next worked out. Nearly all steps are of such loops.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "simulator/access_plan.h"
#include "simulator/flat_program.h"

namespace weir {

// What one step asks of the SM's units and of the L2.
struct StepWork {
  double tensor_flops = 0;
  double fp32_flops = 0;
  double special_ops = 0;
  double shared_bytes = 0;
  float load_bytes = 0;      // asked of the L2, in sectors
  float received_bytes = 0;  // through the SM's port
  float store_bytes = 0;     // sent to the L2, in sectors
  float reduce_bytes = 0;    // of store_bytes
};

struct LoopPlan {
  static constexpr int kMostLoads = 8;

  struct Load {
    int access = 0;
    int tensor = 0;
    const AccessPlan* plan = nullptr;
    double feeds = 1;  // blocks
  };
  int body = 0;  // its first instruction
  int next = 0;  // its last one, Code::next
  std::vector<Load> loads;
  std::vector<StepWork> work;     // by iterations of a step
  std::vector<double> computing;  // the same: seconds of an SM's busiest unit
  std::int64_t iterations = 0;    // walked with this plan, of all blocks
};

// Whether the body of the loop that `enter` begins is loads of constant extents and constant amounts only.
bool plain_body(const FlatProgram& program, int enter);

// By access.
std::vector<AccessPlan> plan_accesses(const FlatProgram& program, const CellSpace& cells);
// The loops of the program that have a plan. Precondition: `plans`, by access, outlives the result.
std::vector<LoopPlan> plan_loops(const FlatProgram& program, const std::vector<AccessPlan>& plans);

// The loop's end, after a step of position.batch iterations: the loop's variable and the position move on.
// False: the program ends there.
inline bool finish_iterations(const FlatProgram& program, int next, std::int64_t* slots, Position& position) {
  position.instruction = next_iteration(program.code[static_cast<std::size_t>(next)], next, slots, position);
  return program.code[static_cast<std::size_t>(position.instruction)].code !=
         FlatProgram::Instruction::Code::end;
}

}  // namespace weir
