// The tensors of one problem in guarded memory, filled as the GPU backend fills them (gpu/problem_memory.h).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/launch.h"
#include "kernels/candidate.h"
#include "utility.h"

namespace weir::emulator {

class ProblemTensors {
 public:
  // Seed 0 gives the values that the GPU backend uses.
  ProblemTensors(std::vector<TensorLayout> layouts, Utility& utility, std::uint64_t seed);

  const std::vector<TensorLayout>& layouts() const { return layouts_; }
  GuardedMemory& operator[](std::size_t tensor) { return memory_[tensor]; }

  // Inputs (and scratch that starts as zeros) get their values, everything else becomes NaN.
  void reset();
  // Whether kernels may write to `in` tensors.
  void protect_inputs(bool protect);
  std::vector<Region> regions() const;
  // What was written outside the tensors; empty if nothing.
  std::string damage() const;

 private:
  std::vector<TensorLayout> layouts_;
  std::vector<GuardedMemory> memory_;
  Utility* utility_;
  std::uint64_t seed_;
};

bool is_output(const TensorLayout& tensor);

}  // namespace weir::emulator
