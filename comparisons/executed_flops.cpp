#include "comparisons/executed_flops.h"

namespace weir::comparison {
namespace {

// Runs the items of a launch one after another, looking at `compute` alone.
class Count {
 public:
  Count(const Candidate& candidate, const Launch& launch)
      : candidate_(candidate), launch_(launch), slots_(launch.program.frame) {}

  double of_item(std::int64_t item) {
    const BlockProgram& program = launch_.program;
    const auto& [x, y, z] = launch_.grid;
    const std::int64_t block = item % (x * y * z);
    slot(program.item_slot) = item;
    slot(program.block_slot) = block;
    slot(program.block_x_slot) = block % x;
    slot(program.block_y_slot) = block / x % y;
    slot(program.block_z_slot) = block / x / y;
    return of(program.actions);
  }

 private:
  std::int64_t& slot(int number) { return slots_[static_cast<std::size_t>(number)]; }
  std::int64_t value(const Expression& expression) {
    return expression.evaluate({slots_, candidate_.tables, candidate_.formulas});
  }

  double of(const std::vector<Action>& actions) {
    double flops = 0;
    for (const Action& action : actions) {
      if (action.kind == Action::Kind::let) slot(action.slot) = value(action.value);
      if (action.kind == Action::Kind::branch)
        flops += of(value(action.value) != 0 ? action.body : action.otherwise);
      if (action.kind == Action::Kind::loop) flops += of_loop(action);
      if (action.kind == Action::Kind::compute) flops += static_cast<double>(value(action.tensor_flops));
    }
    return flops;
  }

  double of_loop(const Action& loop) {
    double flops = 0;
    const std::int64_t to = value(loop.to), step = value(loop.step);
    for (std::int64_t i = value(loop.from); step > 0 ? i < to : i > to; i += step) {
      slot(loop.slot) = i;
      flops += of(loop.body);
    }
    return flops;
  }

  const Candidate& candidate_;
  const Launch& launch_;
  std::vector<std::int64_t> slots_;
};

}  // namespace

double executed_flops(const Candidate& candidate) {
  double flops = 0;
  for (const Launch& launch : candidate.launches) {
    Count count(candidate, launch);
    for (std::int64_t item = 0; item < launch.work_items; ++item) flops += count.of_item(item);
  }
  return flops;
}

}  // namespace weir::comparison
