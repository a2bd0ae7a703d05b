// KernelDefinition::resolve: names to numbers, restrictions, and the block program with only run-time names
// left.
#include <algorithm>
#include <limits>

#include "base/suggest.h"
#include "kernels/config_header.h"
#include "kernels/definition_model.h"
#include "kernels/fold_program.h"
#include "kernels/launch_limits.h"

namespace weir {

namespace {

struct Failure {
  Error error;
};
[[noreturn]] void reject(std::string reason) {
  throw Failure{{ErrorKind::rejected, std::move(reason)}};
}
[[noreturn]] void refuse(std::string message) {
  throw Failure{{ErrorKind::usage, std::move(message)}};
}

constexpr std::int64_t kTensorMapComputeCapability = 90;

class Resolver {
 public:
  Resolver(const DefinitionModel& definition, const VariantModel& variant, const Problem& problem,
           const Config& config, const DeviceLimits& device)
      : definition_(definition),
        variant_(variant),
        slots_(static_cast<std::size_t>(variant.names.scope.size())),
        unusable_(slots_.size(), false) {
    candidate_.kernel = definition.name;
    candidate_.source = variant.info.source;
    candidate_.problem = problem;
    candidate_.config = config;
    candidate_.device = device;
  }

  Candidate resolve() {
    bind_device();
    bind_problem();
    bind_config();
    run_steps();
    check_restrictions();
    if (!first_failure_.empty()) refuse(first_failure_);
    check_shapes();
    for (const LaunchModel& launch : variant_.launches) candidate_.launches.push_back(resolve_launch(launch));
    resolve_verify();
    candidate_.useful_flops = static_cast<double>(evaluate(variant_.useful_flops));
    if (variant_.lower_bound_bytes) {
      candidate_.lower_bound_bytes = static_cast<double>(evaluate(*variant_.lower_bound_bytes));
      candidate_.lower_bound_source = variant_.lower_bound_source;
    }
    candidate_.config_header =
        config_header(definition_, candidate_.problem, variant_, &candidate_.config, formula_sources_);
    candidate_.reference_header =
        config_header(definition_, candidate_.problem, variant_, nullptr, formula_sources_);
    return std::move(candidate_);
  }

 private:
  std::int64_t& at(int slot) { return slots_[static_cast<std::size_t>(slot)]; }
  Frame frame() { return {slots_, candidate_.tables, candidate_.formulas}; }

  std::int64_t evaluate(const LocatedExpression& located) {
    try {
      return located.expression.evaluate(frame());
    } catch (const ExpressionError& error) {
      refuse(definition_.at(located.line) + error.what() + where());
    }
  }

  // For which candidate something broke.
  std::string where() const {
    return " (problem " + to_string(candidate_.problem) + "; config " + to_string(candidate_.config) + ")";
  }

  void bind_device() {
    for (const DeviceFact& fact : device_facts())
      at(*variant_.names.scope.slot(fact.name)) = fact.value(candidate_.device);
    const VariantInfo& info = variant_.info;
    if (!info.runs_on(candidate_.device)) {
      const bool below = candidate_.device.compute_capability < info.min_compute_capability;
      reject("the variant '" + info.name + "' needs compute capability " +
             std::to_string(below ? info.min_compute_capability : info.max_compute_capability) +
             (below || info.min_compute_capability == info.max_compute_capability ? "" : " or less") +
             " and the device has " + std::to_string(candidate_.device.compute_capability));
    }
  }

  void bind_problem() {
    for (const auto& [name, value] : definition_.enum_values) at(*variant_.names.scope.slot(name)) = value;
    for (const ParameterModel& parameter : definition_.parameters) {
      const NamedValue* value = find(candidate_.problem.values, parameter.info.name);
      if (value == nullptr) {
        refuse("the problem '" + to_string(candidate_.problem) + "' has no '" + parameter.info.name +
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
      const auto found = candidate_.problem.tables.find(table.name);
      if (found == candidate_.problem.tables.end()) {
        refuse("the problem '" + to_string(candidate_.problem) + "' has no table '" + table.name +
               "'; expected a problem of " + definition_.name);
      }
      candidate_.table_names.push_back(table.name);
      candidate_.tables.push_back(found->second);
    }
  }

  // Scope::add_formula numbered them in this order.
  void bind_formula(const ParameterModel& parameter, const NamedValue& value) {
    const Result<Formula> parsed = Formula::parse(value.text, parameter.signature);
    const Result<Formula> bound =
        parsed ? parsed->bind(formula_constants(definition_, candidate_.problem)) : parsed.error();
    if (!bound) refuse("in the formula '" + value.name + "' '" + value.text + "': " + bound.error().message);
    candidate_.formulas.push_back(parameter.signature.gives_bool ? bound->range() : FormulaRange());
    formula_sources_[value.name] = bound->cuda_source(value.name);
  }

  void bind_config() {
    for (const TunableModel& tunable : variant_.tunables) {
      const NamedValue* value = find(candidate_.config.values, tunable.info.name);
      const auto& values = tunable.info.values;
      if (value == nullptr || std::find(values.begin(), values.end(), value->value) == values.end()) {
        refuse("the config '" + to_string(candidate_.config) + "' has no legal '" + tunable.info.name +
               "'; expected a config of " + definition_.name);
      }
      at(tunable.slot) = value->value;
    }
    if (candidate_.config.values.size() != variant_.tunables.size()) {
      refuse("the config '" + to_string(candidate_.config) + "' has more than the tunables of " +
             definition_.name + "; expected only those");
    }
  }

  bool is_usable(const Expression& expression) const {
    const std::vector<int> used = expression.slots();
    return std::none_of(used.begin(), used.end(),
                        [&](int slot) { return unusable_[static_cast<std::size_t>(slot)]; });
  }

  // A let or shape that cannot be evaluated makes the definition unusable for this candidate, unless a
  // restriction that does not need it rejects the candidate anyway.
  void run_steps() {
    for (const TensorModel& tensor : variant_.tensors) {
      const Element element =
          tensor.element ? *tensor.element : static_cast<Element>(at(tensor.element_slot));
      candidate_.tensors.push_back({.name = tensor.name,
                                    .role = tensor.role,
                                    .element = element,
                                    .alignment_bytes = tensor.alignment_bytes,
                                    .fill = tensor.fill});
      at(tensor.element_bytes_slot) = bytes_of(element);
    }
    for (const Step& step : variant_.steps) {
      const bool is_let = step.kind == Step::Kind::let;
      const int slot = is_let ? variant_.lets[step.index].slot : variant_.tensors[step.index].bytes_slot;
      try {
        const bool done = is_let ? run_let(variant_.lets[step.index])
                                 : run_shape(variant_.tensors[step.index], candidate_.tensors[step.index]);
        if (!done) unusable_[static_cast<std::size_t>(slot)] = true;
      } catch (const Failure& failure) {
        unusable_[static_cast<std::size_t>(slot)] = true;
        if (first_failure_.empty()) first_failure_ = failure.error.message;
      }
    }
  }

  bool run_let(const LetModel& let) {
    if (!is_usable(let.value.expression)) return false;
    at(let.slot) = evaluate(let.value);
    return true;
  }

  bool run_shape(const TensorModel& model, TensorLayout& tensor) {
    for (const auto* expressions : {&model.shape, &model.strides}) {
      for (const LocatedExpression& located : *expressions) {
        if (!is_usable(located.expression)) return false;
      }
    }
    for (const LocatedExpression& located : model.shape) tensor.shape.push_back(evaluate(located));
    for (const LocatedExpression& located : model.strides)
      tensor.strides_elements.push_back(evaluate(located));
    const auto too_large = [&] {
      refuse(definition_.at(model.line) + "the tensor '" + model.name + "' has more than 2^63 bytes" +
             where());
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

  void check_restrictions() {
    for (const RestrictionModel& restriction : variant_.restrictions) {
      const Expression& require = restriction.require.expression;
      if (!is_usable(require) || evaluate(restriction.require) != 0) continue;
      std::string numbers;
      for (const int slot : require.slots()) numbers += (numbers.empty() ? "" : ", ") + name_and_value(slot);
      reject(restriction.reason + " (required: " + require.text() + (numbers.empty() ? "" : "; " + numbers) +
             ")");
    }
  }

  std::string name_and_value(int slot) {
    const std::string& name = variant_.names.by_slot[static_cast<std::size_t>(slot)];
    for (const auto* values : {&candidate_.problem.values, &candidate_.config.values}) {
      if (const NamedValue* value = find(*values, name)) return name + " = " + value->text;
    }
    return name + " = " + std::to_string(at(slot));
  }

  void check_shapes() {
    for (const TensorLayout& tensor : candidate_.tensors) {
      for (const std::int64_t size : tensor.shape) {
        if (size < 1)
          reject("the tensor '" + tensor.name + "' has a dimension of " + std::to_string(size) + " elements");
      }
    }
  }

  std::array<std::int64_t, 3> evaluate(const Extent3& extent) {
    return {evaluate(extent[0]), evaluate(extent[1]), evaluate(extent[2])};
  }

  std::vector<Argument> resolve_arguments(const std::vector<ArgumentModel>& models) {
    std::vector<Argument> arguments;
    for (const ArgumentModel& model : models) arguments.push_back(resolve_argument(model));
    return arguments;
  }

  Argument resolve_argument(const ArgumentModel& model) {
    Argument argument{.kind = model.kind, .tensor = model.index};
    switch (model.kind) {
      case Argument::Kind::tensor:
        break;
      case Argument::Kind::table:
        check_entries(static_cast<std::size_t>(model.index));
        break;
      case Argument::Kind::tensor_map:
        argument.map = resolve_tensor_map(model);
        break;
      case Argument::Kind::f32:
        argument.real = model.parameter.empty()
                            ? static_cast<float>(evaluate(model.value))
                            : static_cast<float>(find(candidate_.problem.values, model.parameter)->real);
        break;
      case Argument::Kind::i32:
      case Argument::Kind::i64:
        argument.value = evaluate(model.value);
        if (model.kind == Argument::Kind::i32 && !fits_32_bits(argument.value)) {
          reject("the argument " + model.value.expression.text() + " = " + std::to_string(argument.value) +
                 " does not fit 32 bits");
        }
        break;
    }
    return argument;
  }

  // Kernels get 32 bits for each entry.
  void check_entries(std::size_t table) {
    const std::vector<std::int64_t>& entries = candidate_.tables[table];
    const auto wide = std::find_if_not(entries.begin(), entries.end(), fits_32_bits);
    if (wide == entries.end()) return;
    refuse("the table '" + candidate_.table_names[table] + "' has the entry " + std::to_string(*wide) +
           " at index " + std::to_string(wide - entries.begin()) +
           "; expected 32 bits in a kernel's argument");
  }

  static bool fits_32_bits(std::int64_t value) {
    return value >= std::numeric_limits<std::int32_t>::min() &&
           value <= std::numeric_limits<std::int32_t>::max();
  }

  TensorMap resolve_tensor_map(const ArgumentModel& model) {
    if (model.used && evaluate(*model.used) == 0) return {};
    std::vector<std::int64_t> box;
    for (const LocatedExpression& extent : model.box) box.push_back(evaluate(extent));
    const TensorLayout& tensor = candidate_.tensors[static_cast<std::size_t>(model.index)];
    TensorMap map = tensor_map(tensor, std::move(box), evaluate(model.swizzle));
    const std::string reason = refusal_of(map, tensor.alignment_bytes);
    if (!reason.empty()) reject("the tensor map of '" + tensor.name + "' " + reason);
    if (candidate_.device.compute_capability < kTensorMapComputeCapability) {
      reject("a tensor map needs compute capability 90; the device has " +
             std::to_string(candidate_.device.compute_capability));
    }
    return map;
  }

  static void reject_if(const std::optional<std::string>& reason) {
    if (reason) reject(*reason);
  }

  Launch resolve_launch(const LaunchModel& model) {
    Launch launch;
    launch.name = model.name;
    launch.entry = model.entry;
    launch.grid = evaluate(model.grid);
    launch.threads = evaluate(model.threads);
    launch.cluster = evaluate(model.cluster);
    launch.shared_bytes = evaluate(model.shared_bytes);
    launch.registers_per_thread = evaluate(model.registers_per_thread);
    launch.blocks_per_sm_limit = evaluate(model.blocks_per_sm);
    const std::string what = "the launch '" + model.name + "'";
    reject_if(
        beyond_launch_limits(what, launch.grid, launch.threads, launch.shared_bytes, candidate_.device));
    reject_if(beyond_cluster_limits(what, launch, candidate_.device));
    if (launch.registers_per_thread < 0 || launch.blocks_per_sm_limit < 0) {
      reject(what + " has a negative number of registers or blocks per SM");
    }
    launch.work_items =
        model.work_items ? evaluate(*model.work_items) : launch.grid[0] * launch.grid[1] * launch.grid[2];
    if (launch.work_items < 1)
      reject(what + " has " + std::to_string(launch.work_items) + " work items; at least 1 is needed");
    launch.schedule = model.schedule;
    launch.arguments = resolve_arguments(model.arguments);
    launch.program = {.item_slot = model.item_slot,
                      .block_slot = model.block_slot,
                      .block_x_slot = model.block_x_slot,
                      .block_y_slot = model.block_y_slot,
                      .block_z_slot = model.block_z_slot};
    launch.program.frame = slots_;
    launch.program.frame.resize(static_cast<std::size_t>(model.slots), 0);
    launch.program.actions = fold_program(model.program, launch.program.frame, slots_.size(),
                                          candidate_.tables, candidate_.formulas);
    return launch;
  }

  void resolve_verify() {
    if (!variant_.verify) return;
    const VerifyModel& model = *variant_.verify;
    VerifyPlan& plan = candidate_.verify;
    plan.source = model.source;
    plan.exact_entry = model.exact_entry;
    plan.low_entry = model.low_entry;
    resolve_reference_launch("the reference", model, plan);
    for (const PrepareModel& prepare : model.prepare) {
      PrepareLaunch launch{.entry = prepare.entry};
      resolve_reference_launch("the preparing launch '" + prepare.entry + "'", prepare, launch);
      plan.prepare.push_back(std::move(launch));
    }
    plan.deterministic = evaluate(model.deterministic) != 0;
  }

  template <typename Model, typename Launch>
  void resolve_reference_launch(const std::string& what, const Model& model, Launch& launch) {
    launch.grid = evaluate(model.grid);
    launch.threads = evaluate(model.threads);
    launch.shared_bytes = evaluate(model.shared_bytes);
    reject_if(
        beyond_launch_limits(what, launch.grid, launch.threads, launch.shared_bytes, candidate_.device));
    launch.arguments = resolve_arguments(model.arguments);
  }

  const DefinitionModel& definition_;
  const VariantModel& variant_;
  Candidate candidate_;
  std::vector<std::int64_t> slots_;
  std::vector<bool> unusable_;  // slots whose let or shape could not be evaluated
  std::string first_failure_;
  std::map<std::string, std::string> formula_sources_;  // CUDA, by the formula's name
};

}  // namespace

Result<Candidate> KernelDefinition::resolve(const Problem& problem, const Config& config,
                                            const DeviceLimits& device) const {
  std::vector<std::string> names;
  for (const VariantModel& variant : model_->variants) {
    names.push_back(variant.info.name);
    if (variant.info.name != config.variant) continue;
    try {
      return Resolver(*model_, variant, problem, config, device).resolve();
    } catch (const Failure& failure) {
      return failure.error;
    }
  }
  return Error{ErrorKind::usage, "found a config of the unknown variant '" + config.variant + "' of " +
                                     model_->name + "; expected " + list_of(names) +
                                     did_you_mean(config.variant, names)};
}

}  // namespace weir
