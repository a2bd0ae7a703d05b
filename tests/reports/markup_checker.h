// A strict check of markup, stricter than HTML asks: what passes is well-formed XML but for the doctype and
// the content of script and style elements.
#pragma once

#include <string>

namespace weir::report::testing {

// The first fault with its surroundings, or "".
std::string markup_fault(const std::string& text);

}  // namespace weir::report::testing
