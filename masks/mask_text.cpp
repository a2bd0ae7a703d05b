#include "masks/mask_text.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/suggest.h"
#include "kernels/problem.h"
#include "masks/patterns.h"

namespace weir {
namespace {

constexpr const char* kAdvice = "masks are full, butterfly, window, global, random and file, joined by +";

Error usage(const std::string& message) {
  return Error{ErrorKind::usage, message, kAdvice};
}

// "name(inside)".
struct Part {
  std::string name, inside;
};

Result<Part> split_part(std::string_view text) {
  const std::string_view part = trimmed(text);
  const std::size_t open = part.find('(');
  if (open == std::string_view::npos) return Part{std::string(part), ""};
  if (part.back() != ')')
    return usage("found the mask '" + std::string(part) + "' without its closing parenthesis");
  return Part{std::string(trimmed(part.substr(0, open))),
              std::string(trimmed(part.substr(open + 1, part.size() - open - 2)))};
}

// Values of a part, each read once.
class Values {
 public:
  static Result<Values> of(const Part& part, const std::set<std::string>& known) {
    Values values;
    values.part_ = part.name;
    if (part.inside.empty()) return values;
    for (const std::string_view assignment : split_values(part.inside)) {
      const std::size_t equals = assignment.find('=');
      const std::string name(trimmed(assignment.substr(0, equals)));
      if (equals == std::string_view::npos || !known.contains(name)) {
        const std::vector<std::string> names(known.begin(), known.end());
        return usage("found '" + std::string(assignment) + "' in the mask " + part.name + "; expected " +
                     (names.empty() ? "nothing" : list_of(names)));
      }
      values.texts_[name] = trimmed(assignment.substr(equals + 1));
    }
    return values;
  }

  Result<std::int64_t> integer(const std::string& name, std::int64_t fallback, std::int64_t least) const {
    const auto found = texts_.find(name);
    if (found == texts_.end()) return fallback;
    std::int64_t value = 0;
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least) {
      return usage("found " + name + "=" + text + " in the mask " + part_ +
                   "; expected an integer, at least " + std::to_string(least));
    }
    return value;
  }

  Result<double> share(const std::string& name) const {
    const auto found = texts_.find(name);
    const std::string text = found == texts_.end() ? "" : found->second;
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(value >= 0 && value <= 1)) {
      return usage("found " + name + "=" + text + " in the mask " + part_ +
                   "; expected a number from 0 to 1");
    }
    return value;
  }

 private:
  std::string part_;
  std::map<std::string, std::string> texts_;
};

Result<BlockMask> full(const Part& part, const MaskShape& shape) {
  if (const auto values = Values::of(part, {}); !values) return values.error();
  return full_mask(shape);
}

Result<BlockMask> butterfly(const Part& part, const MaskShape& shape) {
  const auto values = Values::of(part, {"stride"});
  if (!values) return values.error();
  const std::int64_t larger = std::max(shape.rows(), shape.columns());
  const auto stride = values->integer("stride", 2 * larger, 1);
  if (!stride) return stride.error();
  return butterfly_mask(shape, *stride);
}

Result<BlockMask> window(const Part& part, const MaskShape& shape) {
  const auto values = Values::of(part, {"left", "right"});
  if (!values) return values.error();
  const auto left = values->integer("left", 0, 0), right = values->integer("right", 0, 0);
  if (!left) return left.error();
  if (!right) return right.error();
  return window_mask(shape, *left, *right);
}

Result<BlockMask> global(const Part& part, const MaskShape& shape) {
  const auto values = Values::of(part, {"rows", "columns"});
  if (!values) return values.error();
  const auto rows = values->integer("rows", 0, 0), columns = values->integer("columns", 0, 0);
  if (!rows) return rows.error();
  if (!columns) return columns.error();
  return global_mask(shape, *rows, *columns);
}

Result<BlockMask> random(const Part& part, const MaskShape& shape) {
  const auto values = Values::of(part, {"density", "seed"});
  if (!values) return values.error();
  const auto density = values->share("density");
  if (!density) return density.error();
  const auto seed = values->integer("seed", 0, 0);
  if (!seed) return seed.error();
  return random_mask(shape, *density, static_cast<std::uint64_t>(*seed));
}

Result<BlockMask> from_file(const Part& part, const MaskShape& shape) {
  std::ifstream file(part.inside);
  if (!file) return Error{ErrorKind::missing, "no mask file '" + part.inside + "'", kAdvice};
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto matrix = static_cast<std::size_t>(shape.rows() * shape.columns());
  const auto all = static_cast<std::size_t>(shape.heads) * matrix;
  const std::unique_ptr<bool[]> blocks(new bool[text.size() + 1]);
  std::size_t count = 0;
  for (const char c : text) {
    if (c == '0' || c == '1') blocks[count++] = c == '1';
  }
  if (count != matrix && count != all) {
    return usage("found " + std::to_string(count) + " blocks in the mask file " + part.inside +
                 "; expected " + std::to_string(shape.rows()) + " x " + std::to_string(shape.columns()) +
                 (shape.heads > 1 ? ", or that for each of " + std::to_string(shape.heads) + " heads" : ""));
  }
  return dense_mask(shape, {blocks.get(), count});
}

Result<BlockMask> mask_of(const Part& part, const MaskShape& shape) {
  if (part.name == "full") return full(part, shape);
  if (part.name == "butterfly") return butterfly(part, shape);
  if (part.name == "window") return window(part, shape);
  if (part.name == "global") return global(part, shape);
  if (part.name == "random") return random(part, shape);
  if (part.name == "file") return from_file(part, shape);
  return usage("found the unknown mask '" + part.name + "'" +
               did_you_mean(part.name, {"full", "butterfly", "window", "global", "random", "file"}));
}

// Where the part ends: at a '+' outside parentheses, or with the text.
std::size_t part_length(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] == '+' && depth == 0) return i;
  }
  return text.size();
}

}  // namespace

Result<BlockMask> parse_mask(std::string_view text, const MaskShape& shape) {
  BlockMask mask(shape);
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t length = part_length(text.substr(at));
    const Result<Part> part = split_part(text.substr(at, length));
    if (!part) return part.error();
    const Result<BlockMask> next = mask_of(*part, shape);
    if (!next) return next.error();
    mask |= *next;
    at += length + 1;
  }
  return mask;
}

}  // namespace weir
