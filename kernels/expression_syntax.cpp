#include "kernels/expression_syntax.h"

namespace weir {

const std::array<std::vector<BinarySymbol>, 6>& binary_levels() {
  static const std::array<std::vector<BinarySymbol>, 6> levels{{
      {{"||", Symbol::logical_or}},
      {{"&&", Symbol::logical_and}},
      {{"==", Symbol::equal}, {"!=", Symbol::not_equal}},
      {{"<=", Symbol::less_equal},
       {">=", Symbol::greater_equal},
       {"<", Symbol::less},
       {">", Symbol::greater}},
      {{"+", Symbol::add}, {"-", Symbol::subtract}},
      {{"*", Symbol::multiply}, {"/", Symbol::divide}, {"%", Symbol::remainder}},
  }};
  return levels;
}

IntegerToken read_digits(std::string_view text, std::size_t position) {
  IntegerToken token;
  for (; token.length < text.size() && is_digit(text[token.length]); ++token.length) {
    if (__builtin_mul_overflow(token.value, 10, &token.value) ||
        __builtin_add_overflow(token.value, text[token.length] - '0', &token.value)) {
      throw ParseError{position, "found a number above 9223372036854775807; expected 64 bits"};
    }
  }
  return token;
}

std::string_view number_like(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && (text[length] == '.' || continues_name(text[length]))) ++length;
  return text.substr(0, length);
}

}  // namespace weir
