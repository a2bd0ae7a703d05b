// From queries, keys and values to an adaptive mask, and to what it costs: the share of the attention that it
// really keeps, and the error of the output.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/definition.h"
#include "masks/block_mask.h"

namespace weir {

using TensorBytes = std::map<std::string, std::vector<std::byte>>;  // by tensor name, as they lie in memory

// Runs a candidate on the inputs that it has tensors for, and gives its out tensors: on a GPU
// (gpu/kernel_runner.h) or its emulation.
using RunKernel = std::function<Result<TensorBytes>(const Candidate& candidate, const TensorBytes& inputs)>;

struct AdaptiveKernels {
  KernelDefinition mass;    // attention_block_mass
  KernelDefinition dense;   // attention_forward
  KernelDefinition sparse;  // attention_block_sparse

  static Result<AdaptiveKernels> find(const std::filesystem::path& kernels_folder);
};

struct AdaptiveAttention {
  BlockMask mask;              // of every head of every sequence
  std::string problem;         // of attention_block_sparse, to which the mask belongs
  double estimated_share = 0;  // that the mask keeps of the estimated masses, averaged over rows of blocks
  // That it keeps of the exact softmax's weights, averaged over the rows that see any key: exp of the
  // difference of the log-sum-exps with and without the mask.
  double kept_share = 0;
  double output_error = 0;  // root mean square over that of dense attention's output
};

// `problem` is one of attention_block_sparse; each head of each sequence gets a mask of its own. The inputs
// are q, k and v. Kernels run in their safe default configurations. Errors: usage for a wrong problem or
// wrong sizes, those of `run`.
Result<AdaptiveAttention> adapt(const AdaptiveKernels& kernels, std::string_view problem,
                                const DeviceLimits& device, const TensorBytes& inputs, double share,
                                const RunKernel& run);

// Queries and keys that attend in blocks, as trained ones do: sequences are cut into segments of `segment`
// rows, each about one of `topics` topics, and rows of one topic are alike. Values are normal. The same for
// the same seed. Errors: usage for a wrong problem.
Result<TensorBytes> topical_inputs(const KernelDefinition& sparse, std::string_view problem,
                                   std::int64_t segment, std::int64_t topics, std::uint64_t seed);

}  // namespace weir
