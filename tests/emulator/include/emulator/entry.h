// How the host calls a __global__ function: through an array of pointers to the arguments, like
// cuLaunchKernel.
#pragma once

#include "emulator/engine.h"

namespace weir::emulator {

/// One letter for each kind of parameter: p pointer, i and l 4 and 8 bytes, f and d floating point, s a
/// structure.
template <class T>
constexpr char kKind = __is_same(T, float)    ? 'f'
                       : __is_same(T, double) ? 'd'
                       : __is_class(T)        ? 's'
                       : sizeof(T) == 4       ? 'i'
                                              : 'l';
template <class T>
constexpr char kKind<T*> = 'p';
template <class T>
constexpr char kKind<T* __restrict__> = 'p';

template <int... numbers>
struct Numbers {};

template <class... Parameters>
struct Signature {
  static constexpr char kinds[] = {kKind<Parameters>..., 0};
};

template <class... Parameters, int... numbers>
void call(void (*function)(Parameters...), void** arguments, Numbers<numbers...>) {
  function(*static_cast<Parameters*>(arguments[numbers])...);
}

template <class... Parameters>
const char* signature(void (*)(Parameters...)) {
  return Signature<Parameters...>::kinds;
}

}  // namespace weir::emulator

/// Exports weir_call_<name> and weir_signature_<name>.
#define WEIR_EMULATOR_ENTRY(name)                                                                \
  extern "C" WEIR_EMULATOR_API void weir_call_##name(void** arguments) {                         \
    [arguments]<class... Parameters>(void (*function)(Parameters...)) {                          \
      weir::emulator::call(function, arguments,                                                  \
                           weir::emulator::Numbers<__integer_pack(sizeof...(Parameters))...>{}); \
    }(&name);                                                                                    \
  }                                                                                              \
  extern "C" WEIR_EMULATOR_API const char* weir_signature_##name() {                             \
    return weir::emulator::signature(&name);                                                     \
  }
