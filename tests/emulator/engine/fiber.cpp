#include "engine/fiber.h"

namespace weir::emulator {

#ifdef WEIR_EMULATOR_USES_UCONTEXT

void Fiber::prepare(std::byte* stack, std::size_t bytes, void (*entry)()) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = bytes;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
}

void Fiber::switch_to(Fiber& from, Fiber& to) {
  swapcontext(&from.context_, &to.context_);
}

#else

// swapcontext makes two system calls for the signal mask; kernels switch millions of times. This keeps what
// the System V ABI asks a function to keep.
extern "C" void weir_switch_stack(void** save, void* load);
asm(R"(
  .text
  .globl weir_switch_stack
  .hidden weir_switch_stack
  .type weir_switch_stack, @function
weir_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size weir_switch_stack, .-weir_switch_stack
)");

void Fiber::prepare(std::byte* stack, std::size_t bytes, void (*entry)()) {
  constexpr int kSavedRegisters = 6;
  auto** top = reinterpret_cast<void**>(stack + bytes);
  *--top = nullptr;  // a function begins with its stack 8 bytes off a multiple of 16
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  stack_pointer_ = top;
}

void Fiber::switch_to(Fiber& from, Fiber& to) {
  weir_switch_stack(&from.stack_pointer_, to.stack_pointer_);
}

#endif

}  // namespace weir::emulator
