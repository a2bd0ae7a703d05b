// What kernel.yaml says, checked, with every name bound to a slot: what the loaders fill and resolve() reads.
// Private to kernels/.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernels/definition.h"
#include "kernels/expression.h"
#include "kernels/formula.h"

namespace weir {

struct LocatedExpression {
  Expression expression;
  int line = 0;
};

struct LocatedFormula {
  Formula formula;
  int line = 0;
};

// Names in scope, and where each was defined. Slots of a nested scope (a copy) must be skipped by its owner.
struct Names {
  Scope scope;
  std::map<std::string, int> lines;  // of names that people defined
  std::vector<std::string> by_slot;

  int add(const std::string& name);  // without checks
};

struct ParameterModel {
  ParameterInfo info;
  int slot = -1;  // formulas have none
  int line = 0;
  bool is_element = false;                                           // an enum of element types
  std::optional<LocatedExpression> min, max, multiple_of, fallback;  // of integers, booleans and enums
  std::optional<LocatedFormula> real_min, real_max;                  // without variables
  std::optional<LocatedFormula> formula_fallback;                    // of a real number or a formula
  FormulaSignature signature;  // of a formula; what a real number's limits and default may use
};

// Whether a formula is the one that the definition takes by default.
bool is_default(const ParameterModel& parameter, const NamedValue& value);

struct TableModel {
  std::string name;
  int line = 0;
  std::optional<LocatedExpression> length;
};

struct TensorModel {
  std::string name;
  int line = 0;
  Role role = Role::in;
  std::optional<Element> element;  // else the value of the parameter at element_slot
  int element_slot = -1;
  std::vector<LocatedExpression> shape;
  std::vector<LocatedExpression> strides;  // empty: row-major
  std::int64_t alignment_bytes = 16;
  Fill fill = Fill::normal;
  int element_bytes_slot = -1;
  int bytes_slot = -1;
};

struct TunableModel {
  TunableInfo info;
  int slot = 0;
  int line = 0;
  std::int64_t fallback = 0;  // in the safe default
};

struct LetModel {
  std::string name;
  int slot = 0;
  LocatedExpression value;
};

// Lets and tensor shapes may use each other; a step is one of them, in the order of evaluation.
struct Step {
  enum class Kind { let, tensor };
  Kind kind = Kind::let;
  std::size_t index = 0;
};

struct RestrictionModel {
  LocatedExpression require;
  std::string reason;
};

struct ArgumentModel {
  Argument::Kind kind = Argument::Kind::tensor;
  int index = 0;            // of the tensor or the table
  LocatedExpression value;  // of an integer
  std::string parameter;    // a real one, the value of an f32; empty: that is the integer's
  // tensor_map:
  std::vector<LocatedExpression> box;
  LocatedExpression swizzle;
  std::optional<LocatedExpression> used;
};

using Extent3 = std::array<LocatedExpression, 3>;

struct LaunchModel {
  std::string name;
  std::string entry;
  int line = 0;
  Extent3 grid, threads, cluster;
  LocatedExpression shared_bytes, registers_per_thread, blocks_per_sm;
  std::optional<LocatedExpression> work_items;
  Schedule schedule = Schedule::static_items;
  std::optional<LocatedExpression> items_ahead;
  std::vector<ArgumentModel> arguments;
  std::vector<Action> program;
  int slots = 0;  // that the program needs
  int item_slot = 0, block_slot = 0, block_x_slot = 0, block_y_slot = 0, block_z_slot = 0;
};

struct PrepareModel {
  std::string entry;
  Extent3 grid, threads;
  LocatedExpression shared_bytes;
  std::vector<ArgumentModel> arguments;
};

struct VerifyModel {
  std::filesystem::path source;
  std::string exact_entry, low_entry;
  int line = 0;
  Extent3 grid, threads;
  LocatedExpression shared_bytes;
  std::vector<ArgumentModel> arguments;
  std::vector<PrepareModel> prepare;
  LocatedExpression deterministic;
};

struct VariantModel {
  VariantInfo info;
  Names names;  // all but those of block programs
  std::vector<TunableModel> tunables;
  std::vector<TensorModel> tensors;
  std::vector<LetModel> lets;
  std::vector<Step> steps;
  std::vector<RestrictionModel> restrictions;
  std::vector<LaunchModel> launches;
  std::optional<VerifyModel> verify;
  LocatedExpression useful_flops;
  std::optional<LocatedExpression> lower_bound_bytes;
  std::string lower_bound_source;
};

struct DefinitionModel {
  std::string name;
  std::string summary;
  std::filesystem::path file;
  std::string yaml;
  Names base;  // device facts, enum values and parameters: the beginning of every variant's names
  std::map<std::string, std::int64_t> enum_values;
  std::vector<ParameterModel> parameters;
  std::vector<TableModel> tables;
  std::vector<VariantModel> variants;

  // What the public accessors show.
  std::vector<ParameterInfo> parameter_infos;
  std::vector<std::string> table_names;
  std::vector<VariantInfo> variant_infos;

  // "file:line: "
  std::string at(int line) const { return file.string() + ":" + std::to_string(line) + ": "; }
};

// Values of the parameters that formulas may use, in the order of every FormulaSignature::parameters: those
// of the problem so far that are integers, booleans or real numbers.
std::vector<FormulaConstant> formula_constants(const DefinitionModel& definition, const Problem& problem);

// Device facts by their name in expressions.
struct DeviceFact {
  const char* name;
  std::int64_t (*value)(const DeviceLimits&);
};
const std::vector<DeviceFact>& device_facts();

// "true" and "false" for a boolean, else decimal.
std::string value_text(std::int64_t value, bool boolean);

}  // namespace weir
