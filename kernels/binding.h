// A variant's names with the values that a problem, a device and a configuration give them.
// Private to kernels/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/definition_model.h"

namespace weir {

// Why there is no candidate, thrown inside kernels/ and caught before anything leaves it.
struct ResolveFailure {
  Error error;
};
[[noreturn]] void reject(std::string reason);   // ErrorKind::rejected
[[noreturn]] void refuse(std::string message);  // ErrorKind::usage: the definition or its input is broken

class Binding {
 public:
  // Keeps references to all of them. Throws ResolveFailure.
  Binding(const DefinitionModel& definition, const VariantModel& variant, const Problem& problem,
          const DeviceLimits& device);

  // Values of the tunables, and of what is derived from them. Throws ResolveFailure.
  void bind(const Config& config);

  // Numbers of the restrictions that the configuration breaks: the first of `order`. Those that need a value
  // that cannot be evaluated are left out.
  std::optional<std::size_t> first_broken(const std::vector<std::size_t>& order);
  std::string reason_of(std::size_t restriction) const;
  // What could not be evaluated, of a configuration that no restriction rejects; empty if nothing.
  const std::string& first_failure() const { return first_failure_; }

  // The last tunable in the variant's order that a restriction depends on; -1: none.
  std::vector<int> last_tunables() const;

  std::int64_t evaluate(const LocatedExpression& located);
  Frame frame() { return {slots_, tables_, formulas_}; }
  // For which candidate something broke.
  std::string where() const;

  const Problem& problem() const { return problem_; }
  const DeviceLimits& device() const { return device_; }
  const std::vector<std::int64_t>& slots() const { return slots_; }
  const std::vector<TensorLayout>& tensors() const { return tensors_; }
  const std::vector<std::string>& table_names() const { return table_names_; }
  const std::vector<std::vector<std::int64_t>>& tables() const { return tables_; }
  const std::vector<FormulaRange>& formulas() const { return formulas_; }
  // CUDA, by the formula's name.
  const std::map<std::string, std::string>& formula_sources() const { return formula_sources_; }

 private:
  std::int64_t& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  void bind_device();
  void bind_problem();
  void bind_formula(const ParameterModel& parameter, const NamedValue& value);
  void bind_tensors();
  void bind_tunables();
  void run_steps();
  bool run_let(const LetModel& let);
  bool run_shape(const TensorModel& model, TensorLayout& tensor);
  bool is_usable(const Expression& expression) const;
  std::string name_and_value(int slot) const;

  const DefinitionModel& definition_;
  const VariantModel& variant_;
  const Problem& problem_;
  const DeviceLimits& device_;
  const Config* config_ = nullptr;
  std::vector<std::int64_t> slots_;
  std::vector<int> unusable_;  // slots whose let or shape could not be evaluated
  std::string first_failure_;
  std::vector<TensorLayout> tensors_;
  std::vector<std::string> table_names_;
  std::vector<std::vector<std::int64_t>> tables_;  // in the scope's numbering, as table_names_
  std::vector<FormulaRange> formulas_;
  std::map<std::string, std::string> formula_sources_;
};

}  // namespace weir
