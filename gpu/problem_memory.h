// The tensors of one problem on the GPU, each between two guards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/driver.h"
#include "gpu/utility_kernels.h"
#include "kernels/candidate.h"

namespace weir {

class ProblemMemory {
 public:
  // Allocates every tensor and fills in and inout ones with values that depend only on the tensor's name.
  // Tensors keep their alignment, at least 256 bytes.
  static Result<ProblemMemory> create(const Driver& driver, UtilityKernels& kernels,
                                      std::vector<TensorLayout> tensors, cuda::Stream stream);

  const std::vector<TensorLayout>& tensors() const { return tensors_; }
  cuda::DevicePointer address(std::size_t tensor) const;

  // Brings what a run changes back to its start: inout tensors and scratch that is filled with zeros. Nothing
  // to do for most kernels.
  Status restore(UtilityKernels& kernels);
  // Restores, and fills every out tensor and the rest of the scratch with 0xff: NaN in every floating type.
  Status poison(UtilityKernels& kernels);

  // What a run damaged outside the tensors it may write: "the kernel wrote 3 bytes past the end of tensor c".
  // Empty if nothing. What was damaged is repaired.
  Result<std::string> find_damage(UtilityKernels& kernels);

 private:
  struct Slot {
    BufferHandle buffer;
    std::int64_t bytes = 0;  // of the tensor
    std::uint64_t seed = 0;
    std::uint64_t checksum = 0;  // of in tensors
    cuda::DevicePointer address() const;
  };

  Status set_guards(const Slot& slot);
  Status fill(UtilityKernels& kernels, std::size_t tensor);

  const Driver* driver_ = nullptr;
  cuda::Stream stream_ = nullptr;
  std::vector<TensorLayout> tensors_;
  std::vector<Slot> slots_;
};

}  // namespace weir
