// What the attention headers can do and block-sparse attention does not ask for: windows, packed batches,
// softcap and formulas. Include it before them.
#pragma once

#include <weir/config.h>

namespace config {

constexpr bool windowed = false;
constexpr bool packed = false;
constexpr float softcap = 0.0f;
constexpr bool score_is_default = true;
constexpr bool mask_is_default = true;
enum class Range { none, some, all };

// Named in branches that are never taken.
template <class... Values>
__device__ float score(Values...);
template <class... Values>
__device__ float score_derivative(Values...);
template <class... Values>
__device__ bool mask(Values...);
template <class... Values>
__device__ Range mask_range(Values...);

}  // namespace config
