#include "kernels/binding.h"

#include <algorithm>

namespace weir {

void reject(std::string reason) {
  throw ResolveFailure{{ErrorKind::rejected, std::move(reason)}};
}
void refuse(std::string message) {
  throw ResolveFailure{{ErrorKind::usage, std::move(message)}};
}

Binding::Binding(const DefinitionModel& definition, const VariantModel& variant, const Problem& problem,
                 const DeviceLimits& device)
    : definition_(definition),
      variant_(variant),
      problem_(problem),
      device_(device),
      slots_(static_cast<std::size_t>(variant.names.scope.size())) {
  bind_device();
  bind_problem();
  bind_tensors();
}

void Binding::bind(const Config& config) {
  config_ = &config;
  bind_tunables();
  run_steps();
}

std::int64_t Binding::evaluate(const LocatedExpression& located) {
  try {
    return located.expression.evaluate(frame());
  } catch (const ExpressionError& error) {
    refuse(definition_.at(located.line) + error.what() + where());
  }
}

std::string Binding::where() const {
  return " (problem " + to_string(problem_) + "; config " + (config_ == nullptr ? "" : to_string(*config_)) +
         ")";
}

void Binding::bind_device() {
  for (const DeviceFact& fact : device_facts())
    at(*variant_.names.scope.slot(fact.name)) = fact.value(device_);
  const VariantInfo& info = variant_.info;
  if (!info.runs_on(device_)) {
    const bool below = device_.compute_capability < info.min_compute_capability;
    reject("the variant '" + info.name + "' needs compute capability " +
           std::to_string(below ? info.min_compute_capability : info.max_compute_capability) +
           (below || info.min_compute_capability == info.max_compute_capability ? "" : " or less") +
           " and the device has " + std::to_string(device_.compute_capability));
  }
}

void Binding::bind_problem() {
  for (const auto& [name, value] : definition_.enum_values) at(*variant_.names.scope.slot(name)) = value;
  for (const ParameterModel& parameter : definition_.parameters) {
    const NamedValue* value = find(problem_.values, parameter.info.name);
    if (value == nullptr) {
      refuse("the problem '" + to_string(problem_) + "' has no '" + parameter.info.name +
             "'; expected a problem of " + definition_.name);
    }
    if (parameter.info.type == ParameterInfo::Type::formula) {
      bind_formula(parameter, *value);
      at(parameter.slot) = is_default(parameter, *value);
    } else {
      at(parameter.slot) =
          parameter.info.type == ParameterInfo::Type::real ? real_key(value->real) : value->value;
    }
  }
  for (const TableModel& table : definition_.tables) {
    const auto found = problem_.tables.find(table.name);
    if (found == problem_.tables.end()) {
      refuse("the problem '" + to_string(problem_) + "' has no table '" + table.name +
             "'; expected a problem of " + definition_.name);
    }
    table_names_.push_back(table.name);
    tables_.push_back(found->second);
  }
}

// Scope::add_formula numbered them in this order.
void Binding::bind_formula(const ParameterModel& parameter, const NamedValue& value) {
  const Result<Formula> parsed = Formula::parse(value.text, parameter.signature);
  const Result<Formula> bound =
      parsed ? parsed->bind(formula_constants(definition_, problem_)) : parsed.error();
  if (!bound) refuse("in the formula '" + value.name + "' '" + value.text + "': " + bound.error().message);
  formulas_.push_back(parameter.signature.gives_bool ? bound->range() : FormulaRange());
  formula_sources_[value.name] = bound->cuda_source(value.name);
}

void Binding::bind_tunables() {
  for (std::size_t i = 0; i < variant_.tunables.size(); ++i) {
    const TunableModel& tunable = variant_.tunables[i];
    const bool in_order = i < config_->values.size() && config_->values[i].name == tunable.info.name;
    const NamedValue* value = in_order ? &config_->values[i] : find(config_->values, tunable.info.name);
    const auto& values = tunable.info.values;
    if (value == nullptr || std::find(values.begin(), values.end(), value->value) == values.end()) {
      refuse("the config '" + to_string(*config_) + "' has no legal '" + tunable.info.name +
             "'; expected a config of " + definition_.name);
    }
    at(tunable.slot) = value->value;
  }
  if (config_->values.size() != variant_.tunables.size()) {
    refuse("the config '" + to_string(*config_) + "' has more than the tunables of " + definition_.name +
           "; expected only those");
  }
}

bool Binding::is_usable(const Expression& expression) const {
  if (unusable_.empty()) return true;
  const std::vector<int> used = expression.slots();
  return std::none_of(used.begin(), used.end(), [&](int slot) {
    return std::find(unusable_.begin(), unusable_.end(), slot) != unusable_.end();
  });
}

void Binding::bind_tensors() {
  for (const TensorModel& tensor : variant_.tensors) {
    const Element element = tensor.element ? *tensor.element : static_cast<Element>(at(tensor.element_slot));
    tensors_.push_back({.name = tensor.name,
                        .role = tensor.role,
                        .element = element,
                        .alignment_bytes = tensor.alignment_bytes,
                        .fill = tensor.fill});
    at(tensor.element_bytes_slot) = bytes_of(element);
  }
}

// A let or shape that cannot be evaluated makes the definition unusable for this candidate, unless a
// restriction that does not need it rejects the candidate anyway.
void Binding::run_steps() {
  unusable_.clear();
  first_failure_.clear();
  for (const Step& step : variant_.steps) {
    const bool is_let = step.kind == Step::Kind::let;
    const int slot = is_let ? variant_.lets[step.index].slot : variant_.tensors[step.index].bytes_slot;
    try {
      const bool done = is_let ? run_let(variant_.lets[step.index])
                               : run_shape(variant_.tensors[step.index], tensors_[step.index]);
      if (!done) unusable_.push_back(slot);
    } catch (const ResolveFailure& failure) {
      unusable_.push_back(slot);
      if (first_failure_.empty()) first_failure_ = failure.error.message;
    }
  }
}

bool Binding::run_let(const LetModel& let) {
  if (!is_usable(let.value.expression)) return false;
  at(let.slot) = evaluate(let.value);
  return true;
}

bool Binding::run_shape(const TensorModel& model, TensorLayout& tensor) {
  for (const auto* expressions : {&model.shape, &model.strides}) {
    for (const LocatedExpression& located : *expressions) {
      if (!is_usable(located.expression)) return false;
    }
  }
  tensor.shape.clear();
  tensor.strides_elements.clear();
  for (const LocatedExpression& located : model.shape) tensor.shape.push_back(evaluate(located));
  for (const LocatedExpression& located : model.strides) tensor.strides_elements.push_back(evaluate(located));
  const auto too_large = [&] {
    refuse(definition_.at(model.line) + "the tensor '" + model.name + "' has more than 2^63 bytes" + where());
  };
  if (model.strides.empty()) {
    tensor.strides_elements.assign(tensor.shape.size(), 1);
    for (std::size_t i = tensor.shape.size() - 1; i > 0; --i) {
      if (__builtin_mul_overflow(tensor.strides_elements[i], tensor.shape[i],
                                 &tensor.strides_elements[i - 1]))
        too_large();
    }
  }
  // What extent_bytes() computes, with the overflow checks that it leaves out.
  std::int64_t bytes = 1;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::int64_t reach = 0;
    if (tensor.strides_elements[i] < 0) {
      refuse(definition_.at(model.line) + "the tensor '" + model.name + "' has the negative stride " +
             std::to_string(tensor.strides_elements[i]) + where());
    }
    if (__builtin_mul_overflow(std::max<std::int64_t>(tensor.shape[i] - 1, 0), tensor.strides_elements[i],
                               &reach) ||
        __builtin_add_overflow(bytes, reach, &bytes)) {
      too_large();
    }
  }
  if (__builtin_mul_overflow(bytes, bytes_of(tensor.element), &bytes)) too_large();
  at(model.bytes_slot) = extent_bytes(tensor);
  return true;
}

std::optional<std::size_t> Binding::first_broken(const std::vector<std::size_t>& order) {
  for (const std::size_t number : order) {
    const LocatedExpression& require = variant_.restrictions[number].require;
    if (is_usable(require.expression) && evaluate(require) == 0) return number;
  }
  return std::nullopt;
}

std::string Binding::reason_of(std::size_t restriction) const {
  const Expression& require = variant_.restrictions[restriction].require.expression;
  std::string numbers;
  for (const int slot : require.slots()) numbers += (numbers.empty() ? "" : ", ") + name_and_value(slot);
  return variant_.restrictions[restriction].reason + " (required: " + require.text() +
         (numbers.empty() ? "" : "; " + numbers) + ")";
}

std::string Binding::name_and_value(int slot) const {
  const std::string& name = variant_.names.by_slot[static_cast<std::size_t>(slot)];
  for (const auto* values : {&problem_.values, &config_->values}) {
    if (const NamedValue* value = find(*values, name)) return name + " = " + value->text;
  }
  return name + " = " + std::to_string(slots_[static_cast<std::size_t>(slot)]);
}

std::vector<int> Binding::last_tunables() const {
  std::vector<int> last(slots_.size(), -1);
  const auto last_of = [&](const Expression& expression) {
    int found = -1;
    for (const int slot : expression.slots()) found = std::max(found, last[static_cast<std::size_t>(slot)]);
    return found;
  };
  for (std::size_t i = 0; i < variant_.tunables.size(); ++i)
    last[static_cast<std::size_t>(variant_.tunables[i].slot)] = static_cast<int>(i);
  for (const Step& step : variant_.steps) {
    if (step.kind == Step::Kind::let) {
      const LetModel& let = variant_.lets[step.index];
      last[static_cast<std::size_t>(let.slot)] = last_of(let.value.expression);
      continue;
    }
    const TensorModel& tensor = variant_.tensors[step.index];
    int& bytes = last[static_cast<std::size_t>(tensor.bytes_slot)];
    for (const auto* expressions : {&tensor.shape, &tensor.strides}) {
      for (const LocatedExpression& located : *expressions)
        bytes = std::max(bytes, last_of(located.expression));
    }
  }
  std::vector<int> result;
  for (const RestrictionModel& restriction : variant_.restrictions)
    result.push_back(last_of(restriction.require.expression));
  return result;
}

}  // namespace weir
