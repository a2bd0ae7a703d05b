// An executable on the GPU: its functions, and their arguments bound to a problem's tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "gpu/backend.h"
#include "gpu/driver.h"
#include "gpu/tensor_map.h"

namespace weir {

// Where a problem's data lies on the GPU: an address per tensor, and per table (0 for one without entries).
struct Addresses {
  std::vector<cuda::DevicePointer> tensors;
  std::vector<cuda::DevicePointer> tables;
};

// Arguments as the driver takes them: one pointer per kernel parameter.
class ArgumentPack {
 public:
  static Result<ArgumentPack> bind(const Driver& driver, const std::vector<Argument>& arguments,
                                   const Addresses& addresses);
  void** pointers();  // valid until the pack moves

 private:
  struct Value {
    std::uint64_t number = 0;
    std::optional<EncodedTensorMap> map;  // instead of the number
  };
  std::vector<Value> values_;
  std::vector<void*> pointers_;
};

class LoadedProgram {
 public:
  // Every launch's limits are checked here, so that launching fails for reasons of the device only.
  static Result<LoadedProgram> load(const Driver& driver, const Executable& executable,
                                    const Addresses& addresses);
  // Queues all launches, in order.
  Status launch(cuda::Stream stream);
  std::size_t launches() const { return steps_.size(); }
  // Queues one of them.
  Status launch(std::size_t index, cuda::Stream stream);

 private:
  struct Step {
    cuda::Function function = nullptr;
    LaunchShape shape;
    ArgumentPack arguments;
  };
  const Driver* driver_ = nullptr;
  ModuleHandle module_;
  std::vector<Step> steps_;
};

// Waits until the stream is idle. ErrorKind::failed after `seconds`: what was queued hangs, the context
// cannot be used any more, and driver objects are leaked from then on.
Status wait_idle(const Driver& driver, cuda::Stream stream, double seconds);

}  // namespace weir
