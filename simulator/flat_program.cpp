#include "simulator/flat_program.h"

namespace weir {
namespace {

using Instruction = FlatProgram::Instruction;
using Code = Instruction::Code;

class Flattener {
 public:
  explicit Flattener(const BlockProgram& program) {
    flat_.frame_size = static_cast<int>(program.frame.size());
  }

  FlatProgram finish(const std::vector<Action>& actions) {
    static const Action nothing;
    append(actions);
    flat_.code.push_back({.code = Code::end, .action = &nothing});
    return std::move(flat_);
  }

 private:
  int here() const { return static_cast<int>(flat_.code.size()); }

  void append(const std::vector<Action>& actions) {
    for (const Action& action : actions) append(action);
  }

  void append(const Action& action) {
    switch (action.kind) {
      case Action::Kind::let:
        flat_.code.push_back({.code = Code::let, .slot = action.slot, .action = &action});
        break;
      case Action::Kind::loop: {
        const int bounds = flat_.frame_size;
        flat_.frame_size += 2;
        const int enter = here();
        flat_.code.push_back({.code = Code::enter, .slot = action.slot, .bounds = bounds, .action = &action});
        append(action.body);
        flat_.code.push_back({.code = Code::next,
                              .slot = action.slot,
                              .target = enter + 1,
                              .bounds = bounds,
                              .action = &action});
        flat_.code[enter].target = here();
        break;
      }
      case Action::Kind::branch: {
        const int branch = here();
        flat_.code.push_back({.code = Code::branch, .action = &action});
        append(action.body);
        if (!action.otherwise.empty()) {
          const int jump = here();
          flat_.code.push_back({.code = Code::jump, .action = &action});
          flat_.code[branch].target = here();
          append(action.otherwise);
          flat_.code[jump].target = here();
        } else {
          flat_.code[branch].target = here();
        }
        break;
      }
      case Action::Kind::access:
        flat_.code.push_back(
            {.code = Code::access, .access = static_cast<int>(flat_.accesses.size()), .action = &action});
        flat_.accesses.push_back(&action);
        flat_.streams.emplace_back();
        break;
      case Action::Kind::compute:
        flat_.code.push_back({.code = Code::compute, .action = &action});
        break;
    }
  }

  FlatProgram flat_;
};

}  // namespace

FlatProgram flatten(const BlockProgram& program) {
  return Flattener(program).finish(program.actions);
}

}  // namespace weir
