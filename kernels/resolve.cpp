// KernelDefinition::resolve: names to numbers, restrictions, and the block program with only run-time names
// left.
#include <algorithm>
#include <limits>
#include <numeric>

#include "base/suggest.h"
#include "kernels/binding.h"
#include "kernels/config_header.h"
#include "kernels/definition_model.h"
#include "kernels/fold_program.h"
#include "kernels/launch_limits.h"

namespace weir {

namespace {

constexpr std::int64_t kTensorMapComputeCapability = 90;

class Resolver {
 public:
  // `binding` has the configuration's values.
  Resolver(const DefinitionModel& definition, const VariantModel& variant, const Config& config,
           Binding& binding)
      : definition_(definition), variant_(variant), binding_(binding) {
    candidate_.kernel = definition.name;
    candidate_.source = variant.info.source;
    candidate_.problem = binding.problem();
    candidate_.config = config;
    candidate_.device = binding.device();
    candidate_.tensors = binding.tensors();
    candidate_.table_names = binding.table_names();
    candidate_.tables = binding.tables();
    candidate_.formulas = binding.formulas();
  }

  Candidate resolve() {
    check_shapes();
    for (const LaunchModel& launch : variant_.launches) candidate_.launches.push_back(resolve_launch(launch));
    resolve_verify();
    candidate_.useful_flops = static_cast<double>(evaluate(variant_.useful_flops));
    if (variant_.lower_bound_bytes) {
      candidate_.lower_bound_bytes = static_cast<double>(evaluate(*variant_.lower_bound_bytes));
      candidate_.lower_bound_source = variant_.lower_bound_source;
    }
    candidate_.config_header = config_header(definition_, candidate_.problem, variant_, &candidate_.config,
                                             binding_.formula_sources());
    candidate_.reference_header =
        config_header(definition_, candidate_.problem, variant_, nullptr, binding_.formula_sources());
    return std::move(candidate_);
  }

 private:
  std::int64_t evaluate(const LocatedExpression& located) { return binding_.evaluate(located); }

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
    if (model.items_ahead) launch.items_ahead = evaluate(*model.items_ahead);
    if (launch.items_ahead < 0) reject(what + " has a negative 'items_ahead'");
    launch.arguments = resolve_arguments(model.arguments);
    launch.program = {.item_slot = model.item_slot,
                      .block_slot = model.block_slot,
                      .block_x_slot = model.block_x_slot,
                      .block_y_slot = model.block_y_slot,
                      .block_z_slot = model.block_z_slot};
    launch.program.frame = binding_.slots();
    launch.program.frame.resize(static_cast<std::size_t>(model.slots), 0);
    launch.program.actions = fold_program(model.program, launch.program.frame, binding_.slots().size(),
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
  Binding& binding_;
  Candidate candidate_;
};

std::vector<std::size_t> every_restriction(const VariantModel& variant) {
  std::vector<std::size_t> numbers(variant.restrictions.size());
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

}  // namespace

Result<Candidate> KernelDefinition::resolve(const Problem& problem, const Config& config,
                                            const DeviceLimits& device) const {
  std::vector<std::string> names;
  for (const VariantModel& variant : model_->variants) {
    names.push_back(variant.info.name);
    if (variant.info.name != config.variant) continue;
    try {
      Binding binding(*model_, variant, problem, device);
      binding.bind(config);
      if (const auto broken = binding.first_broken(every_restriction(variant)))
        return Error{ErrorKind::rejected, binding.reason_of(*broken)};
      if (!binding.first_failure().empty()) refuse(binding.first_failure());
      return Resolver(*model_, variant, config, binding).resolve();
    } catch (const ResolveFailure& failure) {
      return failure.error;
    }
  }
  return Error{ErrorKind::usage, "found a config of the unknown variant '" + config.variant + "' of " +
                                     model_->name + "; expected " + list_of(names) +
                                     did_you_mean(config.variant, names)};
}

}  // namespace weir
