#include "kernels/fold_program.h"

#include <utility>

namespace weir {

namespace {

class ProgramFolder {
 public:
  ProgramFolder(std::vector<std::int64_t>& frame, std::size_t known_slots,
                const std::vector<std::vector<std::int64_t>>& tables,
                const std::vector<FormulaRange>& formulas)
      : frame_(frame), tables_(tables), formulas_(formulas), known_(frame.size(), false) {
    for (std::size_t i = 0; i < known_slots; ++i) known_[i] = true;
  }

  void fold(const std::vector<Action>& from, std::vector<Action>& to) {
    for (const Action& action : from) fold(action, to);
  }

 private:
  Expression fold(const Expression& expression) const {
    return expression.fold({frame_, tables_, formulas_}, known_);
  }

  static bool is_constant(const Expression& expression, std::int64_t value) {
    return expression.is_constant() && expression.constant() == value;
  }

  void fold(const Action& from, std::vector<Action>& to) {
    Action action;
    action.kind = from.kind;
    action.line = from.line;
    action.slot = from.slot;
    switch (from.kind) {
      case Action::Kind::let:
        action.value = fold(from.value);
        if (action.value.is_constant()) {
          frame_[static_cast<std::size_t>(from.slot)] = action.value.constant();
          known_[static_cast<std::size_t>(from.slot)] = true;
          return;
        }
        break;
      case Action::Kind::branch:
        action.value = fold(from.value);
        if (action.value.is_constant()) {
          fold(action.value.constant() != 0 ? from.body : from.otherwise, to);
          return;
        }
        fold(from.body, action.body);
        fold(from.otherwise, action.otherwise);
        break;
      case Action::Kind::loop:
        action.from = fold(from.from);
        action.to = fold(from.to);
        action.step = fold(from.step);
        action.prefetch = fold(from.prefetch);
        if (never_runs(action)) return;
        fold(from.body, action.body);
        break;
      case Action::Kind::access:
        action.access = from.access;
        action.tensor = from.tensor;
        for (const Expression& start : from.start) action.start.push_back(fold(start));
        for (const Expression& extent : from.extent) action.extent.push_back(fold(extent));
        action.hint = from.hint;
        action.multicast = fold(from.multicast);
        break;
      case Action::Kind::compute:
        action.tensor_flops = fold(from.tensor_flops);
        action.fp32_flops = fold(from.fp32_flops);
        action.special_ops = fold(from.special_ops);
        action.shared_bytes = fold(from.shared_bytes);
        break;
    }
    to.push_back(std::move(action));
  }

  static bool never_runs(const Action& loop) {
    if (!loop.from.is_constant() || !loop.to.is_constant() || !loop.step.is_constant()) return false;
    const std::int64_t step = loop.step.constant();
    if (step == 0) return false;
    return step > 0 ? loop.from.constant() >= loop.to.constant() : loop.from.constant() <= loop.to.constant();
  }

  std::vector<std::int64_t>& frame_;
  const std::vector<std::vector<std::int64_t>>& tables_;
  const std::vector<FormulaRange>& formulas_;
  std::vector<bool> known_;
};

}  // namespace

std::vector<Action> fold_program(const std::vector<Action>& actions, std::vector<std::int64_t>& frame,
                                 std::size_t known_slots,
                                 const std::vector<std::vector<std::int64_t>>& tables,
                                 const std::vector<FormulaRange>& formulas) {
  std::vector<Action> folded;
  ProgramFolder(frame, known_slots, tables, formulas).fold(actions, folded);
  return folded;
}

}  // namespace weir
