#include "tests/kernels/random_formula.h"

#include <rapidcheck.h>

#include <cmath>
#include <stdexcept>

namespace weir::test {

namespace {

using Value = std::function<double(const Point&)>;

int below(int limit) {
  return *rc::gen::inRange(0, limit);
}
std::int64_t integer_of(double value) {
  return static_cast<std::int64_t>(value);
}

RandomFormula combined(const std::string& op, const RandomFormula& a, const RandomFormula& b,
                       double (*apply)(double, double)) {
  const Value x = a.value, y = b.value;
  return {"(" + a.text + " " + op + " " + b.text + ")", [=](const Point& p) { return apply(x(p), y(p)); }};
}
RandomFormula called(const std::string& function, const RandomFormula& a, double (*apply)(double)) {
  const Value x = a.value;
  return {function + "(" + a.text + ")", [=](const Point& p) { return apply(x(p)); }};
}
RandomFormula called(const std::string& function, const RandomFormula& a, const RandomFormula& b,
                     double (*apply)(double, double)) {
  const Value x = a.value, y = b.value;
  return {function + "(" + a.text + ", " + b.text + ")", [=](const Point& p) { return apply(x(p), y(p)); }};
}
RandomFormula chosen(const RandomFormula& condition, const RandomFormula& a, const RandomFormula& b) {
  const Value c = condition.value, x = a.value, y = b.value;
  return {"(" + condition.text + " ? " + a.text + " : " + b.text + ")",
          [=](const Point& p) { return c(p) != 0 ? x(p) : y(p); }};
}

RandomFormula constant(std::int64_t value) {
  return {std::to_string(value), [=](const Point&) { return static_cast<double>(value); }};
}

RandomFormula index() {
  switch (below(3)) {
    case 0:
      return {"q_index", [](const Point& p) { return static_cast<double>(p.q_index); }};
    case 1:
      return {"k_index", [](const Point& p) { return static_cast<double>(p.k_index); }};
    default:
      return {"head", [](const Point& p) { return static_cast<double>(p.head); }};
  }
}

RandomFormula divided(int depth) {
  const RandomFormula a = random_integer(depth);
  const bool remainder = below(2) == 0;
  const RandomFormula b = below(3) > 0 ? constant(1 + below(9))
                                       : called("max", constant(1), random_integer(depth),
                                                [](double x, double y) { return std::fmax(x, y); });
  return combined(
      remainder ? "%" : "/", a, b,
      remainder ? [](double x, double y) { return static_cast<double>(integer_of(x) % integer_of(y)); }
                : [](double x, double y) { return static_cast<double>(integer_of(x) / integer_of(y)); });
}

}  // namespace

RandomFormula random_integer(int depth) {
  if (depth == 0) return below(3) == 0 ? constant(below(40)) : index();
  const auto child = [&] { return random_integer(depth - 1); };
  switch (below(9)) {
    case 0:
      return combined("+", child(), child(), [](double x, double y) { return x + y; });
    case 1:
    case 2:
      return combined("-", child(), child(), [](double x, double y) { return x - y; });
    case 3:
      return combined("*", child(), constant(below(50)), [](double x, double y) { return x * y; });
    case 4:
      return divided(depth - 1);
    case 5: {
      const bool least = below(2) == 0;
      return called(
          least ? "min" : "max", child(), child(),
          least ? [](double x, double y) { return std::fmin(x, y); }
                : [](double x, double y) { return std::fmax(x, y); });
    }
    case 6:
      return called("abs", child(), [](double x) { return std::fabs(x); });
    case 7:
      return chosen(random_condition(depth - 1), child(), child());
    default: {
      const RandomFormula a = child();
      const Value x = a.value;
      return {"-" + a.text, [=](const Point& p) { return -x(p); }};
    }
  }
}

RandomFormula random_condition(int depth) {
  const auto child = [&] { return random_condition(depth - 1); };
  if (depth > 0 && below(2) == 0) {
    switch (below(4)) {
      case 0:
        return combined("&&", child(), child(),
                        [](double x, double y) { return x != 0 && y != 0 ? 1.0 : 0.0; });
      case 1:
        return combined("||", child(), child(),
                        [](double x, double y) { return x != 0 || y != 0 ? 1.0 : 0.0; });
      case 2:
        return chosen(child(), child(), child());
      default: {
        const RandomFormula a = child();
        const Value x = a.value;
        return {"!" + a.text, [=](const Point& p) { return x(p) != 0 ? 0.0 : 1.0; }};
      }
    }
  }
  const RandomFormula a = random_integer(std::max(0, depth - 1));
  const RandomFormula b = random_integer(std::max(0, depth - 1));
  switch (below(6)) {
    case 0:
      return combined("<", a, b, [](double x, double y) { return x < y ? 1.0 : 0.0; });
    case 1:
      return combined("<=", a, b, [](double x, double y) { return x <= y ? 1.0 : 0.0; });
    case 2:
      return combined(">", a, b, [](double x, double y) { return x > y ? 1.0 : 0.0; });
    case 3:
      return combined(">=", a, b, [](double x, double y) { return x >= y ? 1.0 : 0.0; });
    case 4:
      return combined("==", a, b, [](double x, double y) { return x == y ? 1.0 : 0.0; });
    default:
      return combined("!=", a, b, [](double x, double y) { return x != y ? 1.0 : 0.0; });
  }
}

RandomFormula random_real(int depth) {
  if (depth == 0) {
    if (below(3) > 0) return {"score", [](const Point& p) { return p.score; }};
    const double value = *rc::gen::element(0.5, 1.25, 0.125, 3.0, 0.001);
    return {real_text(value) + (value == 3.0 ? ".0" : ""), [=](const Point&) { return value; }};
  }
  const auto child = [&] { return random_real(depth - 1); };
  const auto bounded = [&] { return called("tanh", child(), [](double x) { return std::tanh(x); }); };
  const auto positive = [&] {
    return combined("+", called("abs", child(), [](double x) { return std::fabs(x); }),
                    RandomFormula{"0.5", [](const Point&) { return 0.5; }},
                    [](double x, double y) { return x + y; });
  };
  switch (below(14)) {
    case 0:
      return combined("+", child(), child(), [](double x, double y) { return x + y; });
    case 1:
      return combined("-", child(), child(), [](double x, double y) { return x - y; });
    case 2:
      return combined("*", child(), bounded(), [](double x, double y) { return x * y; });
    case 3:
      return combined("/", child(), positive(), [](double x, double y) { return x / y; });
    case 4:
      return bounded();
    case 5:
      return called("exp", bounded(), [](double x) { return std::exp(x); });
    case 6:
      return called("exp2", bounded(), [](double x) { return std::exp2(x); });
    case 7:
      return called("log", positive(), [](double x) { return std::log(x); });
    case 8:
      return called("log2", positive(), [](double x) { return std::log2(x); });
    case 9:
      return called("sqrt", positive(), [](double x) { return std::sqrt(x); });
    case 10:
      return called("rsqrt", positive(), [](double x) { return 1 / std::sqrt(x); });
    case 11:
      return called("pow", positive(), bounded(), [](double x, double y) { return std::pow(x, y); });
    case 12:
      return chosen(random_condition(1), child(), child());
    default:
      return combined(
          "-", child(),
          called("min", random_integer(1), child(), [](double x, double y) { return std::fmin(x, y); }),
          [](double x, double y) { return x - y; });
  }
}

FormulaSignature signature(bool gives_bool) {
  FormulaSignature signature;
  if (!gives_bool) signature.variables.push_back({"score", FormulaType::real});
  for (const char* name : {"q_index", "k_index", "head"})
    signature.variables.push_back({name, FormulaType::integer});
  signature.gives_bool = gives_bool;
  return signature;
}

std::vector<double> values(const Point& point, bool gives_bool) {
  std::vector<double> all{static_cast<double>(point.q_index), static_cast<double>(point.k_index),
                          static_cast<double>(point.head)};
  if (!gives_bool) all.insert(all.begin(), point.score);
  return all;
}

Formula formula_or_stop(const std::string& text, bool gives_bool) {
  Result<Formula> parsed = Formula::parse(text, signature(gives_bool));
  if (!parsed) throw std::runtime_error(text + ": " + parsed.error().message);
  Result<Formula> bound = parsed->bind({});
  if (!bound) throw std::runtime_error(text + ": " + bound.error().message);
  return *bound;
}

}  // namespace weir::test
