// The plainest reading of a block program: one item after another, every action in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/candidate.h"

namespace weir::test {

struct Box {
  int tensor = 0;
  AccessKind access = AccessKind::load;
  std::vector<std::int64_t> start, extent;  // clipped to the tensor
  std::int64_t elements = 0;
  std::int64_t receivers = 1;  // blocks of a cluster that share the load
};

class ProgramWalk {
 public:
  using Visit = std::function<void(std::int64_t item, const Box&)>;

  ProgramWalk(const Candidate& candidate, const Launch& launch) : candidate_(candidate), launch_(launch) {}

  // Item i is run by block i modulo the number of blocks.
  void walk(const Visit& visit) {
    const std::int64_t blocks = launch_.grid[0] * launch_.grid[1] * launch_.grid[2];
    for (item_ = 0; item_ < launch_.work_items; ++item_) {
      slots_ = launch_.program.frame;
      const std::int64_t block = item_ % blocks;
      at(launch_.program.item_slot) = item_;
      at(launch_.program.block_slot) = block;
      at(launch_.program.block_x_slot) = block % launch_.grid[0];
      at(launch_.program.block_y_slot) = block / launch_.grid[0] % launch_.grid[1];
      at(launch_.program.block_z_slot) = block / launch_.grid[0] / launch_.grid[1];
      run(launch_.program.actions, visit);
    }
  }

  std::int64_t tensor_flops() const { return tensor_flops_; }

 private:
  std::int64_t& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  std::int64_t value(const Expression& expression) {
    return expression.evaluate({slots_, candidate_.tables, candidate_.formulas});
  }

  void run(const std::vector<Action>& actions, const Visit& visit) {
    for (const Action& action : actions) {
      switch (action.kind) {
        case Action::Kind::let:
          at(action.slot) = value(action.value);
          break;
        case Action::Kind::branch:
          run(value(action.value) != 0 ? action.body : action.otherwise, visit);
          break;
        case Action::Kind::loop: {
          const std::int64_t to = value(action.to);
          const std::int64_t step = value(action.step);
          for (std::int64_t i = value(action.from); step > 0 ? i < to : i > to; i += step) {
            at(action.slot) = i;
            run(action.body, visit);
          }
          break;
        }
        case Action::Kind::access:
          visit(item_, box(action));
          break;
        case Action::Kind::compute:
          tensor_flops_ += value(action.tensor_flops);
          break;
      }
    }
  }

  Box box(const Action& action) {
    const TensorLayout& tensor = candidate_.tensors[static_cast<std::size_t>(action.tensor)];
    Box box{.tensor = action.tensor, .access = action.access, .elements = 1};
    box.receivers = value(action.multicast);
    for (std::size_t i = 0; i < action.start.size(); ++i) {
      const std::int64_t start = value(action.start[i]);
      const std::int64_t end = std::min(start + value(action.extent[i]), tensor.shape[i]);
      box.start.push_back(std::max<std::int64_t>(start, 0));
      box.extent.push_back(std::max<std::int64_t>(end - box.start.back(), 0));
      box.elements *= box.extent.back();
    }
    return box;
  }

  const Candidate& candidate_;
  const Launch& launch_;
  std::vector<std::int64_t> slots_;
  std::int64_t item_ = 0;
  std::int64_t tensor_flops_ = 0;
};

// Bytes that a launch moves, by tensor and kind, counting every access; what a cluster shares counts once.
inline std::int64_t bytes_moved(const Candidate& candidate, const Launch& launch, const std::string& tensor,
                                AccessKind access) {
  std::int64_t bytes = 0;
  ProgramWalk(candidate, launch).walk([&](std::int64_t, const Box& box) {
    const TensorLayout& layout = candidate.tensors[static_cast<std::size_t>(box.tensor)];
    if (layout.name == tensor && box.access == access)
      bytes += box.elements * bytes_of(layout.element) / box.receivers;
  });
  return bytes;
}

}  // namespace weir::test
