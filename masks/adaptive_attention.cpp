#include "masks/adaptive_attention.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/element_values.h"
#include "masks/adaptive_mask.h"
#include "masks/problem_mask.h"

namespace weir {
namespace {

// The values that the definition has parameters for, of all or of all but one.
std::string problem_for(const KernelDefinition& definition, const Problem& values) {
  std::string text;
  for (const ParameterInfo& parameter : definition.parameters()) {
    const NamedValue* value = find(values.values, parameter.name);
    if (value != nullptr) text += (text.empty() ? "" : ",") + parameter.name + "=" + value->text;
  }
  return text;
}

Result<Candidate> safe_candidate(const KernelDefinition& definition, const Problem& problem,
                                 const DeviceLimits& device) {
  const Result<Config> config = definition.default_config(problem, device);
  if (!config) return config.error();
  return definition.resolve(problem, *config, device);
}

Result<TensorBytes> run_safely(const KernelDefinition& definition, const Problem& problem,
                               const DeviceLimits& device, const TensorBytes& inputs, const RunKernel& run) {
  const Result<Candidate> candidate = safe_candidate(definition, problem, device);
  if (!candidate) return candidate.error();
  for (const TensorLayout& tensor : candidate->tensors) {
    if (tensor.role != Role::in) continue;
    const auto input = inputs.find(tensor.name);
    const auto wanted = static_cast<std::size_t>(extent_bytes(tensor));
    if (input == inputs.end() || input->second.size() != wanted) {
      return Error{ErrorKind::usage,
                   "the input " + tensor.name + " has " +
                       std::to_string(input == inputs.end() ? 0 : input->second.size()) + " bytes; " +
                       definition.name() + " of " + to_string(problem) + " needs " + std::to_string(wanted),
                   ""};
    }
  }
  return run(*candidate, inputs);
}

Element element_of(const Problem& problem) {
  return parse_element(find(problem.values, "dtype")->text).value();
}

struct Outputs {
  std::vector<float> o, lse;
};

Result<Outputs> attention(const KernelDefinition& definition, const Problem& problem,
                          const DeviceLimits& device, const TensorBytes& inputs, const RunKernel& run) {
  const Result<TensorBytes> outputs = run_safely(definition, problem, device, inputs, run);
  if (!outputs) return outputs.error();
  return Outputs{to_floats(element_of(problem), outputs->at("o")),
                 to_floats(Element::f32, outputs->at("lse"))};
}

double kept_weights(const std::vector<float>& sparse_lse, const std::vector<float>& dense_lse) {
  double kept = 0;
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < dense_lse.size(); ++i) {
    if (dense_lse[i] == -INFINITY) continue;
    kept += std::exp(static_cast<double>(sparse_lse[i]) - static_cast<double>(dense_lse[i]));
    ++rows;
  }
  return rows == 0 ? 1 : kept / static_cast<double>(rows);
}

double relative_error(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return size > 0 ? std::sqrt(error / size) : std::sqrt(error);
}

}  // namespace

Result<AdaptiveKernels> AdaptiveKernels::find(const std::filesystem::path& kernels_folder) {
  Result<KernelDefinition> mass = find_kernel(kernels_folder, "attention_block_mass");
  if (!mass) return mass.error();
  Result<KernelDefinition> dense = find_kernel(kernels_folder, "attention_forward");
  if (!dense) return dense.error();
  Result<KernelDefinition> sparse = find_kernel(kernels_folder, "attention_block_sparse");
  if (!sparse) return sparse.error();
  return AdaptiveKernels{std::move(*mass), std::move(*dense), std::move(*sparse)};
}

Result<AdaptiveAttention> adapt(const AdaptiveKernels& kernels, std::string_view problem,
                                const DeviceLimits& device, const TensorBytes& inputs, double share,
                                const RunKernel& run) {
  Result<Problem> asked = kernels.sparse.problem_without_tables(problem);
  if (!asked) return asked.error();
  const std::int64_t heads = value_of(asked->values, "batch") * value_of(asked->values, "heads_q");
  for (NamedValue& value : asked->values) {
    if (value.name == "mask_heads") value = {"mask_heads", heads, std::to_string(heads)};
  }
  const std::string sparse_text = problem_for(kernels.sparse, *asked);
  const Result<MaskShape> shape = mask_shape(kernels.sparse, sparse_text);
  if (!shape) return shape.error();

  const Result<Problem> mass = kernels.mass.problem(problem_for(kernels.mass, *asked));
  if (!mass) return mass.error();
  const Result<TensorBytes> estimated = run_safely(kernels.mass, *mass, device, inputs, run);
  if (!estimated) return estimated.error();
  const std::vector<float> masses = to_floats(Element::f32, estimated->at("masses"));
  BlockMask mask = adaptive_mask(*shape, masses, share);

  const Result<Problem> dense = kernels.dense.problem(problem_for(kernels.dense, *asked));
  if (!dense) return dense.error();
  const Result<Problem> sparse = kernels.sparse.problem(sparse_text, tables_for(kernels.sparse, mask));
  if (!sparse) return sparse.error();
  const Result<Outputs> exact = attention(kernels.dense, *dense, device, inputs, run);
  if (!exact) return exact.error();
  const Result<Outputs> kept = attention(kernels.sparse, *sparse, device, inputs, run);
  if (!kept) return kept.error();
  const double estimated_share = kept_share(mask, masses);
  return AdaptiveAttention{std::move(mask), sparse_text, estimated_share, kept_weights(kept->lse, exact->lse),
                           relative_error(kept->o, exact->o)};
}

Result<TensorBytes> topical_inputs(const KernelDefinition& sparse, std::string_view problem,
                                   std::int64_t segment, std::int64_t topics, std::uint64_t seed) {
  const Result<Problem> asked = sparse.problem_without_tables(problem);
  if (!asked) return asked.error();
  const auto value = [&](const char* name) { return value_of(asked->values, name); };
  const std::int64_t columns = value("head_dim");
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> directions(static_cast<std::size_t>(topics * columns));
  for (float& direction : directions) direction = normal(random);

  // Rows of one topic have products of about the head's columns, others of about their root: scaled, a
  // difference of the root of head_dim in the exponent.
  const auto rows = [&](std::int64_t length, std::int64_t heads, bool has_topics) {
    std::vector<float> values;
    values.reserve(static_cast<std::size_t>(value("batch") * length * heads * columns));
    for (std::int64_t sequence = 0; sequence < value("batch"); ++sequence) {
      for (std::int64_t row = 0; row < length; ++row) {
        const std::int64_t topic = (row / segment * 7 + sequence) % topics;
        for (std::int64_t i = 0; i < heads * columns; ++i) {
          const float about = directions[static_cast<std::size_t>(topic * columns + i % columns)];
          values.push_back((has_topics ? about : 0.0f) + (has_topics ? 0.5f : 1.0f) * normal(random));
        }
      }
    }
    return from_floats(element_of(*asked), values);
  };
  TensorBytes inputs;
  inputs["q"] = rows(value("seq_q"), value("heads_q"), true);
  inputs["k"] = rows(value("seq_kv"), value("heads_kv"), true);
  inputs["v"] = rows(value("seq_kv"), value("heads_kv"), false);
  return inputs;
}

}  // namespace weir
