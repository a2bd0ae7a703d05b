// Element types of tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

enum class Element { bf16, f16, f32, f64, i32, i64, u8, i8, fp8_e4m3, fp8_e5m2 };
inline constexpr std::size_t kElementCount = 10;

std::int64_t bytes_of(Element element);
const char* to_string(Element element);
std::optional<Element> parse_element(std::string_view text);

}  // namespace weir
