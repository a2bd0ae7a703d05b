// The tensors and tables of one problem on the GPU, each between two guards.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/driver.h"
#include "gpu/loaded_program.h"
#include "gpu/utility_kernels.h"
#include "kernels/candidate.h"

namespace weir {

class ProblemMemory {
 public:
  // Allocates the candidate's tensors and tables. Fills in and inout tensors with values that depend only on
  // the tensor's name, and tables with their entries as 32-bit integers. Tensors keep their alignment, at
  // least 256 bytes.
  static Result<ProblemMemory> create(const Driver& driver, UtilityKernels& kernels,
                                      const Candidate& candidate, cuda::Stream stream);

  // Runs `compute`, which writes in tensors from others, now and whenever inputs are filled again.
  Status compute_inputs(UtilityKernels& kernels, std::function<Status(const Addresses&)> compute);

  // Makes scratch as large as the largest of these executables of the problem needs, and adds what a variant
  // has of its own, after the tensors of all; addresses may change. ErrorKind::usage if another tensor is not
  // what it was for the candidate that create() was given.
  Status fit(UtilityKernels& kernels, std::span<const Executable> executables);

  const std::vector<TensorLayout>& tensors() const { return tensors_; }
  cuda::DevicePointer address(std::size_t tensor) const;
  Addresses addresses() const;

  // Brings what a run changes back to its start: inout tensors and scratch that is filled with zeros. Nothing
  // to do for most kernels.
  Status restore(UtilityKernels& kernels);
  // Restores, and fills every out tensor and the rest of the scratch with 0xff: NaN in every floating type.
  Status poison(UtilityKernels& kernels);

  // What a run damaged outside the tensors it may write: "the kernel wrote 3 bytes past the end of tensor c".
  // Tables and in tensors are damaged when they change. Empty if nothing. What was damaged is repaired.
  Result<std::string> find_damage(UtilityKernels& kernels);

 private:
  struct Slot {
    BufferHandle buffer;
    std::string name;                   // "tensor c", "table lengths"
    std::int64_t bytes = 0;             // of the tensor or table
    std::int64_t capacity = 0;          // of the buffer, without its guards
    bool is_input = false;              // must not change
    std::vector<std::int32_t> entries;  // of a table
    std::uint64_t checksum = 0;         // of inputs
    cuda::DevicePointer address() const;
  };

  Status add(Slot slot);
  Status reserve(Slot& slot) const;
  Status add_tensors();
  Status add_tables(const Candidate& candidate);
  Status add_own_scratch(UtilityKernels& kernels, const Executable& executable);
  Status resize(UtilityKernels& kernels, std::size_t tensor, const TensorLayout& layout);
  Status set_guards(const Slot& slot);
  Status fill(UtilityKernels& kernels, std::size_t slot);
  Status fill_inputs(UtilityKernels& kernels);
  Status remember_inputs(UtilityKernels& kernels);
  Result<std::string> find_overrun(const Slot& slot) const;

  const Driver* driver_ = nullptr;
  cuda::Stream stream_ = nullptr;
  std::vector<TensorLayout> tensors_;
  std::vector<Slot> slots_;       // of the tensors, then of the tables that have entries
  std::vector<int> table_slots_;  // -1: no entries
  std::function<Status(const Addresses&)> compute_inputs_;
};

}  // namespace weir
