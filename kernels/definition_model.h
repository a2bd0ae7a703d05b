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

namespace weir {

struct Formula {
  Expression expression;
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
  int slot = 0;
  int line = 0;
  bool is_element = false;  // an enum of element types
  std::optional<Formula> min, max, multiple_of, fallback;
};

struct TableModel {
  std::string name;
  int line = 0;
  std::optional<Formula> length;
};

struct TensorModel {
  std::string name;
  int line = 0;
  Role role = Role::in;
  std::optional<Element> element;  // else the value of the parameter at element_slot
  int element_slot = -1;
  std::vector<Formula> shape;
  std::vector<Formula> strides;  // empty: row-major
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
  Formula value;
};

// Lets and tensor shapes may use each other; a step is one of them, in the order of evaluation.
struct Step {
  enum class Kind { let, tensor };
  Kind kind = Kind::let;
  std::size_t index = 0;
};

struct RestrictionModel {
  Formula require;
  std::string reason;
};

struct ArgumentModel {
  Argument::Kind kind = Argument::Kind::tensor;
  int tensor = 0;
  Formula value;
  // tensor_map:
  std::vector<Formula> box;
  Formula swizzle;
  std::optional<Formula> used;
  int line = 0;
};

using Extent3 = std::array<Formula, 3>;

struct LaunchModel {
  std::string name;
  std::string entry;
  int line = 0;
  Extent3 grid, threads, cluster;
  Formula shared_bytes, registers_per_thread, blocks_per_sm;
  std::optional<Formula> work_items;
  Schedule schedule = Schedule::static_items;
  std::vector<ArgumentModel> arguments;
  std::vector<Action> program;
  int slots = 0;  // that the program needs
  int item_slot = 0, block_slot = 0, block_x_slot = 0, block_y_slot = 0, block_z_slot = 0;
};

struct VerifyModel {
  std::filesystem::path source;
  std::string exact_entry, low_entry;
  int line = 0;
  Extent3 grid, threads;
  Formula shared_bytes;
  std::vector<ArgumentModel> arguments;
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
  Formula useful_flops;
  std::optional<Formula> lower_bound_bytes;
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

// Device facts by their name in expressions.
struct DeviceFact {
  const char* name;
  std::int64_t (*value)(const DeviceLimits&);
};
const std::vector<DeviceFact>& device_facts();

// "true" and "false" for a boolean, else decimal.
std::string value_text(std::int64_t value, bool boolean);

}  // namespace weir
