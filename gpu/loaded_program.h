// An executable on the GPU: its functions, and their arguments bound to a problem's tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/backend.h"
#include "gpu/driver.h"

namespace weir {

// Arguments as the driver takes them: one pointer per kernel parameter. `tensors` holds an address per
// tensor.
class ArgumentPack {
 public:
  static Result<ArgumentPack> bind(const std::vector<Argument>& arguments,
                                   const std::vector<cuda::DevicePointer>& tensors);
  void** pointers();  // valid until the pack moves

 private:
  std::vector<std::uint64_t> values_;
  std::vector<void*> pointers_;
};

class LoadedProgram {
 public:
  // Every launch's limits are checked here, so that launching fails for reasons of the device only.
  static Result<LoadedProgram> load(const Driver& driver, const Executable& executable,
                                    const std::vector<cuda::DevicePointer>& tensors);
  // Queues all launches, in order.
  Status launch(cuda::Stream stream);

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

// Waits until the stream is idle. ErrorKind::failed after `seconds`: what was queued hangs, and the context
// cannot be used any more.
Status wait_idle(const Driver& driver, cuda::Stream stream, double seconds);

}  // namespace weir
