#include "kernels/element.h"

#include <algorithm>
#include <array>

namespace weir {

namespace {

struct ElementInfo {
  const char* name;
  std::int64_t bytes;
};
// In the order of enum Element.
constexpr std::array<ElementInfo, kElementCount> kElements{{{"bf16", 2},
                                                            {"f16", 2},
                                                            {"f32", 4},
                                                            {"f64", 8},
                                                            {"i32", 4},
                                                            {"i64", 8},
                                                            {"u8", 1},
                                                            {"i8", 1},
                                                            {"fp8_e4m3", 1},
                                                            {"fp8_e5m2", 1}}};

}  // namespace

std::int64_t bytes_of(Element element) {
  return kElements[static_cast<std::size_t>(element)].bytes;
}

const char* to_string(Element element) {
  return kElements[static_cast<std::size_t>(element)].name;
}

std::optional<Element> parse_element(std::string_view text) {
  const auto found = std::find_if(kElements.begin(), kElements.end(),
                                  [&](const ElementInfo& info) { return info.name == text; });
  if (found == kElements.end()) return std::nullopt;
  return static_cast<Element>(found - kElements.begin());
}

}  // namespace weir
