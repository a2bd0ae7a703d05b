// A stack of its own and the place where it stopped.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) || defined(WEIR_EMULATOR_UCONTEXT)
#define WEIR_EMULATOR_USES_UCONTEXT 1
#include <ucontext.h>
#endif

namespace weir::emulator {

class Fiber {
 public:
  // The next switch to the fiber calls `entry`, which never returns, at the top of the stack.
  void prepare(std::byte* stack, std::size_t bytes, void (*entry)());

  // Stops `from` here and continues `to`.
  static void switch_to(Fiber& from, Fiber& to);

 private:
#ifdef WEIR_EMULATOR_USES_UCONTEXT
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
};

}  // namespace weir::emulator
