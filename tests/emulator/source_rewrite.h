// CUDA C++ that the host compiler takes: what a prelude of macros cannot say is replaced in the text.
#pragma once

#include <string>

namespace weir::emulator {

// Of a source after the preprocessor:
// - `extern __shared__ T name[];` becomes a pointer to the block's dynamic shared memory;
// - `__shared__` becomes `static thread_local`: all such variables then lie in one block of memory, which the
//   engine knows and fills with NaN before each block;
// - an asm statement becomes a call that ends the launch: what has a host version is found before it.
std::string rewrite_for_host(const std::string& preprocessed);

}  // namespace weir::emulator
