// What an expression's operators do to values, with every failure caught. Private to expression*.cpp; inline,
// because evaluation runs it for every instruction.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/expression_tree.h"

namespace weir {

// The operator applied to values; the reason instead if it fails.
struct Outcome {
  std::int64_t value = 0;
  const char* failure = nullptr;
};

inline std::int64_t integer_square_root(std::int64_t value) {
  // Newton's method from above converges monotonically to floor(sqrt(value)).
  if (value < 2) return value;
  std::int64_t guess = std::int64_t{1}
                       << ((64 - __builtin_clzll(static_cast<unsigned long long>(value)) + 1) / 2);
  for (;;) {
    const std::int64_t next = (guess + value / guess) / 2;
    if (next >= guess) return guess;
    guess = next;
  }
}

// The first index in [from, to) whose entry is not below `value`, or `to`; entries ascend there.
inline Outcome lower_bound(const std::vector<std::int64_t>& table, std::int64_t from, std::int64_t to,
                           std::int64_t value) {
  if (from < 0 || from > to || to > static_cast<std::int64_t>(table.size())) {
    return {0, "lower_bound outside the table"};
  }
  return {std::lower_bound(table.begin() + from, table.begin() + to, value) - table.begin()};
}

[[gnu::always_inline]] inline Outcome apply(Operator op, std::int64_t a) {
  switch (op) {
    case Operator::negate:
      if (a == std::numeric_limits<std::int64_t>::min()) return {0, "overflow of 64 bits"};
      return {-a};
    case Operator::logical_not:
      return {a == 0};
    case Operator::to_bool:
      return {a != 0};
    case Operator::absolute:
      if (a == std::numeric_limits<std::int64_t>::min()) return {0, "overflow of 64 bits"};
      return {a < 0 ? -a : a};
    case Operator::isqrt:
      if (a < 0) return {0, "isqrt of a negative number"};
      return {integer_square_root(a)};
    case Operator::log2:
      if (a <= 0) return {0, "log2 of a number below 1"};
      return {63 - __builtin_clzll(static_cast<unsigned long long>(a))};
    case Operator::real_key:
      return {real_key(static_cast<double>(a))};
    default:
      return {0, "an operator without its operands"};
  }
}

[[gnu::always_inline]] inline Outcome apply(Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t value = 0;
  switch (op) {
    case Operator::add:
      if (__builtin_add_overflow(a, b, &value)) return {0, "overflow of 64 bits"};
      return {value};
    case Operator::subtract:
      if (__builtin_sub_overflow(a, b, &value)) return {0, "overflow of 64 bits"};
      return {value};
    case Operator::multiply:
      if (__builtin_mul_overflow(a, b, &value)) return {0, "overflow of 64 bits"};
      return {value};
    case Operator::divide:
    case Operator::remainder:
    case Operator::ceil_div:
      if (b == 0) return {0, "division by zero"};
      if (b == -1) {
        if (op == Operator::remainder) return {0};
        if (a == std::numeric_limits<std::int64_t>::min()) return {0, "overflow of 64 bits"};
        return {-a};
      }
      if (static_cast<std::uint64_t>(a | b) >> 32 == 0) {
        // Neither is negative or wide: the hardware divides these several times faster.
        const auto narrow_a = static_cast<std::uint32_t>(a);
        const auto narrow_b = static_cast<std::uint32_t>(b);
        if (op == Operator::divide) return {narrow_a / narrow_b};
        if (op == Operator::remainder) return {narrow_a % narrow_b};
        return {narrow_a / narrow_b + std::int64_t{narrow_a % narrow_b != 0}};
      }
      if (op == Operator::divide) return {a / b};
      if (op == Operator::remainder) return {a % b};
      return {a / b + (a % b != 0 && (a < 0) == (b < 0))};
    case Operator::less:
      return {a < b};
    case Operator::less_equal:
      return {a <= b};
    case Operator::greater:
      return {a > b};
    case Operator::greater_equal:
      return {a >= b};
    case Operator::equal:
      return {a == b};
    case Operator::not_equal:
      return {a != b};
    case Operator::minimum:
      return {std::min(a, b)};
    case Operator::maximum:
      return {std::max(a, b)};
    default:
      return {0, "an operator without its operands"};
  }
}

}  // namespace weir
