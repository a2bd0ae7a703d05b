// The tensors and tables of one problem in guarded memory, filled as the GPU backend fills them
// (gpu/problem_memory.h).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/launch.h"
#include "kernels/candidate.h"
#include "utility.h"

namespace weir::emulator {

class ProblemTensors {
 public:
  // Fills the inputs. Seed 0 gives the values that the GPU backend uses.
  ProblemTensors(const Candidate& candidate, Utility& utility, std::uint64_t seed);

  const std::vector<TensorLayout>& layouts() const { return layouts_; }
  GuardedMemory& operator[](std::size_t tensor) { return memory_[tensor]; }
  // Of 32-bit integers; null if the table has no entries.
  std::byte* table(std::size_t number) const { return tables_[number].data(); }

  // Everything but `in` tensors: inout ones and scratch that starts as zeros get their values, all else
  // becomes NaN. `keep_zeroed`: scratch that started as zeros stays as it was left.
  void reset(bool keep_zeroed = false);
  // Whether kernels may write to `in` tensors.
  void protect_inputs(bool protect);
  // The tensors in their order, then the tables.
  std::vector<Region> regions() const;
  // What was written outside the tensors; empty if nothing.
  std::string damage() const;

 private:
  void fill(std::size_t tensor);

  std::vector<TensorLayout> layouts_;
  std::vector<GuardedMemory> memory_;
  std::vector<std::string> table_names_;
  std::vector<GuardedMemory> tables_;
  Utility* utility_;
  std::uint64_t seed_;
};

bool is_output(const TensorLayout& tensor);

}  // namespace weir::emulator
