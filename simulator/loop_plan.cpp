#include "simulator/loop_plan.h"

#include <algorithm>

namespace weir {
namespace {

using Instruction = FlatProgram::Instruction;
using Code = Instruction::Code;

bool constant_work(const Action& action) {
  return action.tensor_flops.is_constant() && action.fp32_flops.is_constant() &&
         action.special_ops.is_constant() && action.shared_bytes.is_constant();
}

bool constant_load(const Action& action) {
  return action.access == AccessKind::load &&
         std::ranges::all_of(action.extent, [](const Expression& extent) { return extent.is_constant(); });
}

// What a step of so many iterations adds up to, in the order of the body.
StepWork work_of(const FlatProgram& program, const LoopPlan& loop, double iterations) {
  StepWork work;
  for (const LoopPlan::Load& load : loop.loads) {
    const double received = iterations * load.plan->sector_bytes();
    work.received_bytes += static_cast<float>(received);
    work.load_bytes += static_cast<float>(received / load.feeds);
  }
  for (int at = loop.body; at < loop.next; ++at) {
    const Instruction& instruction = program.code[static_cast<std::size_t>(at)];
    if (instruction.code != Code::compute) continue;
    const Action& action = *instruction.action;
    work.tensor_flops += iterations * static_cast<double>(action.tensor_flops.constant());
    work.fp32_flops += iterations * static_cast<double>(action.fp32_flops.constant());
    work.special_ops += iterations * static_cast<double>(action.special_ops.constant());
    work.shared_bytes += iterations * static_cast<double>(action.shared_bytes.constant());
  }
  return work;
}

}  // namespace

bool plain_body(const FlatProgram& program, int enter) {
  bool loads = false;
  for (int at = enter + 1; at < program.code[enter].target - 1; ++at) {
    const Instruction& instruction = program.code[at];
    if (instruction.code == Code::access
            ? !constant_load(*instruction.action)
            : instruction.code != Code::compute || !constant_work(*instruction.action))
      return false;
    loads |= instruction.code == Code::access;
  }
  return loads;
}

std::vector<AccessPlan> plan_accesses(const FlatProgram& program, const CellSpace& cells) {
  std::vector<int> loop_slots(program.accesses.size(), -1);
  for (int at = 0; at < static_cast<int>(program.code.size()); ++at) {
    const Instruction& enter = program.code[at];
    if (enter.code != Code::enter || !plain_body(program, at)) continue;
    for (int inside = at + 1; inside < enter.target - 1; ++inside) {
      const Instruction& instruction = program.code[inside];
      if (instruction.code == Code::access)
        loop_slots[static_cast<std::size_t>(instruction.access)] = enter.slot;
    }
  }
  std::vector<AccessPlan> plans;
  plans.reserve(program.accesses.size());
  for (std::size_t access = 0; access < program.accesses.size(); ++access)
    plans.emplace_back(*program.accesses[access], program.streams[access], cells, loop_slots[access]);
  return plans;
}

std::vector<LoopPlan> plan_loops(const FlatProgram& program, const std::vector<AccessPlan>& plans) {
  std::vector<LoopPlan> loops;
  for (int at = 0; at < static_cast<int>(program.code.size()); ++at) {
    const Instruction& enter = program.code[at];
    if (enter.code != Code::enter || !plain_body(program, at)) continue;
    LoopPlan loop{.body = at + 1, .next = enter.target - 1};
    bool known = true;
    for (int inside = loop.body; inside < loop.next; ++inside) {
      const Instruction& instruction = program.code[inside];
      if (instruction.code != Code::access) continue;
      const Action& action = *instruction.action;
      const AccessPlan& plan = plans[static_cast<std::size_t>(instruction.access)];
      known &= action.multicast.is_constant() && !plan.grid().in_parts;
      if (!known) break;
      loop.loads.push_back({.access = instruction.access,
                            .tensor = action.tensor,
                            .plan = &plan,
                            .feeds = std::max(1.0, static_cast<double>(action.multicast.constant()))});
    }
    if (!known || loop.loads.size() > LoopPlan::kMostLoads) continue;
    for (std::int64_t batch = 0; batch <= enter.batch; ++batch)
      loop.work.push_back(work_of(program, loop, static_cast<double>(batch)));
    loops.push_back(std::move(loop));
  }
  return loops;
}

}  // namespace weir
