// The CUDA code of formulas, compiled by the host's compiler with __device__ defined away, against the
// library.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/kernels/random_formula.h"

namespace weir {
namespace {

using formula::Range;
using test::Point;

constexpr int kFormulas = 60;
constexpr int kPoints = 12;

struct Sample {
  std::string text;
  bool gives_bool = false;
  std::vector<Point> points;      // of a bool formula
  std::vector<std::int64_t> box;  // around the first point
};

std::string name_of(std::size_t i) {
  return "f" + std::to_string(i);
}

std::vector<Sample> random_samples() {
  std::vector<Sample> samples;
  // Indices that make products leave 32 bits, where kernels must compute with 64.
  samples.push_back({"q_index * k_index % 1000003 < 500000", true, {}, {}});
  samples.push_back({"q_index * 40000 - k_index * 30000 > 7 * head", true, {}, {}});
  samples.push_back({"abs(q_index - 100000 * k_index) / 3 >= max(q_index, 5)", true, {}, {}});
  samples.push_back({"tanh(0.01 * (q_index - k_index)) * 2.5 + sqrt(head + 1.0) <= 3.1", true, {}, {}});
  rc::check([&] {
    if (samples.size() >= kFormulas) return;
    const bool gives_bool = *rc::gen::arbitrary<bool>();
    samples.push_back(
        {(gives_bool ? test::random_condition(4) : test::random_real(4)).text, gives_bool, {}, {}});
  });
  rc::check([&] {
    for (Sample& sample : samples) {
      if (!sample.points.empty()) continue;
      const int largest = sample.text.size() % 2 == 0 ? 200 : 200'000;
      for (int i = 0; i < kPoints; ++i) {
        sample.points.push_back({*rc::gen::inRange(-4000, 4000) / 1024.0, *rc::gen::inRange(0, largest),
                                 *rc::gen::inRange(0, largest), *rc::gen::inRange(0, 16)});
      }
      const Point& p = sample.points.front();
      for (const std::int64_t first : {p.q_index, p.k_index, p.head}) {
        sample.box.push_back(first);
        sample.box.push_back(first + *rc::gen::inRange(0, 130));
      }
    }
  });
  return samples;
}

void write_program(const std::vector<Sample>& samples, const std::filesystem::path& file) {
  std::ofstream out(file);
  out << "#include <cmath>\n#include <cstdio>\n#include <cstdlib>\n#include <algorithm>\n"
         "#define __device__\n"
         "using std::min, std::max;\n"
         "inline float rsqrtf(float x) { return 1 / std::sqrt(x); }\n"
         "using std::exp, std::exp2, std::floor, std::log, std::log2, std::pow, std::sqrt, std::tanh;\n"
         "namespace config {\n"
      << formula_range_source();
  for (std::size_t i = 0; i < samples.size(); ++i)
    out << test::formula_or_stop(samples[i].text, samples[i].gives_bool).cuda_source(name_of(i));
  out << "}\nint main() {\n";
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    for (const Point& p : sample.points) {
      std::ostringstream indices;
      indices << p.q_index << ", " << p.k_index << ", " << p.head << ")";
      if (sample.gives_bool) {
        out << "std::printf(\"%d\\n\", config::" << name_of(i) << "(" << indices.str() << ");\n";
        continue;
      }
      for (const char* suffix : {"(", "_derivative("})
        out << "std::printf(\"%.9g\\n\", config::" << name_of(i) << suffix << p.score << "f, "
            << indices.str() << ");\n";
    }
    if (!sample.gives_bool) continue;
    out << "std::printf(\"%d\\n\", static_cast<int>(config::" << name_of(i) << "_range(";
    for (std::size_t bound = 0; bound < sample.box.size(); ++bound)
      out << (bound == 0 ? "" : ", ") << sample.box[bound];
    out << ")));\n";
  }
  out << "}\n";
}

// Lines that the compiled program prints.
std::vector<double> run_program(const std::filesystem::path& source) {
  const std::filesystem::path program = source.parent_path() / source.stem();
  const std::filesystem::path output = source.parent_path() / (source.stem().string() + ".txt");
  const std::string command = std::string(WEIR_CXX_COMPILER) + " -std=c++20 -O1 -Werror=overflow -o " +
                              program.string() + " " + source.string() + " && " + program.string() + " > " +
                              output.string();
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream lines(output);
  std::vector<double> numbers;
  for (std::string line; std::getline(lines, line);) numbers.push_back(std::strtod(line.c_str(), nullptr));
  return numbers;
}

// A float carries about 7 digits, of the largest number on the way.
void expect_near_float(double found, double expected, const std::string& what) {
  EXPECT_NEAR(found, expected, 2e-3 * (1 + std::fabs(expected))) << what;
}

TEST(FormulaSource, CompiledCodeAgreesWithTheHost) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("weir_formula_source_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::vector<Sample> samples = random_samples();
  ASSERT_EQ(samples.size(), static_cast<std::size_t>(kFormulas));
  write_program(samples, folder / "formulas.cpp");
  const std::vector<double> found = run_program(folder / "formulas.cpp");
  std::filesystem::remove_all(folder);

  std::size_t next = 0;
  const auto number = [&] { return next < found.size() ? found[next++] : std::nan(""); };
  for (const Sample& sample : samples) {
    const Formula formula = test::formula_or_stop(sample.text, sample.gives_bool);
    const bool has_reals = sample.text.find("tanh") != std::string::npos;
    for (const Point& point : sample.points) {
      const std::vector<double> values = test::values(point, sample.gives_bool);
      if (sample.gives_bool) {
        const double truth = number();
        if (!has_reals) {
          EXPECT_EQ(truth, formula.evaluate(values)) << sample.text;
        }
        continue;
      }
      expect_near_float(number(), formula.evaluate(values), sample.text);
      const double slope = number();
      // The derivative jumps at a corner, where float and double may take different sides.
      Point left = point, right = point;
      left.score -= 1e-4, right.score += 1e-4;
      const Formula derivative = formula.derivative();
      const double low = derivative.evaluate(test::values(left, false));
      const double high = derivative.evaluate(test::values(right, false));
      if (std::fabs(low - high) <= 1e-2 * (1 + std::fabs(low)))
        expect_near_float(slope, derivative.evaluate(values), "derivative of " + sample.text);
    }
    if (!sample.gives_bool) continue;
    EXPECT_EQ(static_cast<Range>(static_cast<int>(number())), formula.range().over(sample.box.data()))
        << sample.text;
  }
  EXPECT_EQ(next, found.size());
}

TEST(FormulaSource, IntegersAreIntWhereTheyFit) {
  const auto source = [](const char* text) { return test::formula_or_stop(text, true).cuda_source("f"); };
  EXPECT_EQ(
      source("k_index <= q_index"),
      "__device__ inline bool f(int q_index, int k_index, int head) {\n  return (k_index <= q_index);\n}\n"
      "__device__ inline Range f_range(int q_index_first, int q_index_last, int k_index_first, int "
      "k_index_last, "
      "int head_first, int head_last) {\n"
      "  [[maybe_unused]] const formula::Interval<int> q_index{q_index_first, q_index_last};\n"
      "  [[maybe_unused]] const formula::Interval<int> k_index{k_index_first, k_index_last};\n"
      "  [[maybe_unused]] const formula::Interval<int> head{head_first, head_last};\n"
      "  return formula::less_equal(k_index, q_index);\n}\n");
  EXPECT_NE(source("q_index * 100 < 5").find("(static_cast<long long>(q_index) * 100) < 5"),
            std::string::npos);
}

}  // namespace
}  // namespace weir
