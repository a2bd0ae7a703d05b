// Elements of tensors as numbers, on the host.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/element.h"

namespace weir {

// bf16, f16 and f32. Precondition: one of these, and whole elements.
std::vector<float> to_floats(Element element, std::span<const std::byte> bytes);
// Rounded to nearest, ties to even.
std::vector<std::byte> from_floats(Element element, std::span<const float> values);

}  // namespace weir
