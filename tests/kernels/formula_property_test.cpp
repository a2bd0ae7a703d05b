// Random formulas against an interpreter of their own, brute force over boxes, and finite differences.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

#include "tests/kernels/random_formula.h"

namespace weir {
namespace {

using formula::Range;
using test::Point;
using test::RandomFormula;

Point random_point() {
  return {*rc::gen::inRange(-4000, 4000) / 1000.0, *rc::gen::inRange(0, 300), *rc::gen::inRange(0, 300),
          *rc::gen::inRange(0, 16)};
}

struct Box {
  std::int64_t first[3], last[3];
};

Box random_box(int largest_index) {
  Box box;
  for (int i = 0; i < 3; ++i) {
    box.first[i] = *rc::gen::inRange(0, largest_index);
    box.last[i] = box.first[i] + *rc::gen::inRange(0, 7);
  }
  return box;
}

Range over(const Formula& formula, const Box& box) {
  const std::int64_t bounds[6]{box.first[0], box.last[0],  box.first[1],
                               box.last[1],  box.first[2], box.last[2]};
  return formula.range().over(bounds);
}

// What is true of every point, point by point.
Range brute_force(const std::function<double(const Point&)>& value, const Box& box) {
  bool any = false, every = true;
  for (std::int64_t q = box.first[0]; q <= box.last[0]; ++q) {
    for (std::int64_t k = box.first[1]; k <= box.last[1]; ++k) {
      for (std::int64_t head = box.first[2]; head <= box.last[2]; ++head) {
        const bool truth = value({0, q, k, head}) != 0;
        any = any || truth;
        every = every && truth;
      }
    }
  }
  return every ? Range::all : any ? Range::some : Range::none;
}

TEST(FormulaProperty, IntegersAndConditionsHaveTheTreesValue) {
  EXPECT_TRUE(rc::check([] {
    const RandomFormula random =
        *rc::gen::arbitrary<bool>() ? test::random_condition(4) : test::random_integer(4);
    const Point point = random_point();
    RC_LOG() << random.text << '\n';
    const Formula formula = test::formula_or_stop(random.text, true);
    RC_ASSERT(formula.evaluate(test::values(point, true)) == (random.value(point) != 0 ? 1 : 0));
  }));
}

TEST(FormulaProperty, RealFormulasHaveTheTreesValue) {
  EXPECT_TRUE(rc::check([] {
    const RandomFormula random = test::random_real(4);
    const Point point = random_point();
    RC_LOG() << random.text << '\n';
    const double value = test::formula_or_stop(random.text, false).evaluate(test::values(point, false));
    RC_ASSERT(std::fabs(value - random.value(point)) <= 1e-9 * (1 + std::fabs(value)));
  }));
}

TEST(FormulaProperty, CanonicalTextReadsBackAsItself) {
  EXPECT_TRUE(rc::check([] {
    const bool gives_bool = *rc::gen::arbitrary<bool>();
    const RandomFormula random = gives_bool ? test::random_condition(4) : test::random_real(4);
    const auto parsed = Formula::parse(random.text, test::signature(gives_bool));
    RC_ASSERT(parsed.ok());
    const auto again = Formula::parse(parsed->text(), test::signature(gives_bool));
    RC_LOG() << random.text << '\n' << parsed->text() << '\n';
    RC_ASSERT(again.ok());
    RC_ASSERT(again->text() == parsed->text());
    const Point point = random_point();
    const std::vector<double> values = test::values(point, gives_bool);
    RC_ASSERT(again->evaluate(values) == parsed->evaluate(values));
  }));
}

TEST(FormulaProperty, ARangeIsNeverWrong) {
  EXPECT_TRUE(rc::check([] {
    const RandomFormula random = test::random_condition(4);
    const Box box = random_box(60);
    RC_LOG() << random.text << '\n';
    const Range found = over(test::formula_or_stop(random.text, true), box);
    if (found != Range::some) RC_ASSERT(found == brute_force(random.value, box));
  }));
}

// Masks for which a range has to tell exactly what a box is, because kernels skip tiles by it.
TEST(FormulaProperty, RangesOfUsualMasksAreExact) {
  EXPECT_TRUE(rc::check([] {
    const std::int64_t shift = *rc::gen::inRange(0, 20), window = *rc::gen::inRange(1, 12);
    const std::string s = std::to_string(shift), w = std::to_string(window);
    const auto distance = [=](const Point& p) { return p.q_index + shift - p.k_index; };
    const RandomFormula mask = *rc::gen::elementOf(std::vector<RandomFormula>{
        {"k_index <= q_index + " + s, [=](const Point& p) { return distance(p) >= 0; }},
        {"q_index + " + s + " - k_index < " + w, [=](const Point& p) { return distance(p) < window; }},
        {"k_index <= q_index + " + s + " && q_index + " + s + " - k_index < " + w,
         [=](const Point& p) { return distance(p) >= 0 && distance(p) < window; }},
        {"abs(q_index - k_index) < " + w,
         [=](const Point& p) { return std::abs(p.q_index - p.k_index) < window; }},
        {"k_index < " + s + " || k_index <= q_index",
         [=](const Point& p) { return p.k_index < shift || p.k_index <= p.q_index; }},
        {"q_index / " + w + " == k_index / " + w,
         [=](const Point& p) { return p.q_index / window == p.k_index / window; }},
        {"2 * q_index - k_index - q_index >= 0", [](const Point& p) { return p.q_index >= p.k_index; }},
        {"head % 2 == 0 || k_index <= q_index",
         [](const Point& p) { return p.head % 2 == 0 || p.k_index <= p.q_index; }},
    });
    Box box = random_box(60);
    if (mask.text.find("head") != std::string::npos) box.last[2] = box.first[2];
    RC_LOG() << mask.text << " q " << box.first[0] << ".." << box.last[0] << " k " << box.first[1] << ".."
             << box.last[1] << '\n';
    RC_ASSERT(over(test::formula_or_stop(mask.text, true), box) == brute_force(mask.value, box));
  }));
}

TEST(FormulaProperty, RangesOfRealComparisonsHoldForFloats) {
  EXPECT_TRUE(rc::check([] {
    const int scale = *rc::gen::inRange(1, 40), limit = *rc::gen::inRange(-50, 200);
    const std::string text = "tanh(0.01 * (q_index - k_index)) * " + std::to_string(scale) +
                             ".5 + sqrt(head + 1.0) <= " + std::to_string(limit) + " * 0.1";
    const auto value = [=](const Point& p) -> double {
      const float distance = static_cast<float>(p.q_index - p.k_index), head = static_cast<float>(p.head);
      return std::tanh(0.01f * distance) * (static_cast<float>(scale) + 0.5f) + std::sqrt(head + 1.0f) <=
             static_cast<float>(limit) * 0.1f;
    };
    const Box box = random_box(60);
    const Range found = over(test::formula_or_stop(text, true), box);
    if (found != Range::some) RC_ASSERT(found == brute_force(value, box));
  }));
}

TEST(FormulaProperty, DerivativesAgreeWithFiniteDifferences) {
  EXPECT_TRUE(rc::check([] {
    const RandomFormula random = test::random_real(3);
    const Formula formula = test::formula_or_stop(random.text, false);
    const Formula derivative = formula.derivative();
    const Point point = random_point();
    constexpr double kStep = 1e-5;
    const auto at = [&](const Formula& f, double shift) {
      Point moved = point;
      moved.score += shift;
      return f.evaluate(test::values(moved, false));
    };
    const double left = at(derivative, -kStep), right = at(derivative, kStep), middle = at(derivative, 0);
    const double scale = 1 + std::fabs(left) + std::fabs(right);
    if (std::fabs(left - right) > 1e-2 * scale) return;  // a corner is near
    RC_LOG() << random.text << "\n" << derivative.text() << '\n';
    const double difference = (at(formula, kStep) - at(formula, -kStep)) / (2 * kStep);
    RC_ASSERT(std::fabs(difference - middle) <= 2e-2 * scale);
  }));
}

}  // namespace
}  // namespace weir
