// The GPU backend's own kernels (gpu/utility.cu), emulated: the same inputs and the same comparison.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "emulated_source.h"
#include "engine/guarded_memory.h"
#include "gpu/utility_kernels.h"
#include "kernels/candidate.h"

namespace weir::emulator {

class Utility {
 public:
  static Result<Utility> load();

  void fill(GuardedMemory& memory, const TensorLayout& tensor, std::uint64_t seed);
  // The values as f32, as references take and give them.
  void widen(const GuardedMemory& memory, const TensorLayout& tensor, GuardedMemory& wide);
  // `element` is the type of `memory`; the reference is f32, laid out like the tensor.
  Comparison compare(const GuardedMemory& memory, Element element, const GuardedMemory& reference,
                     const TensorLayout& tensor);

 private:
  template <class... Values>
  void run(const char* entry, Values... values);

  EmulatedSource source_;
};

}  // namespace weir::emulator
