// A problem's reference on the GPU: what computes inputs from other inputs, and what results are compared
// with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/compiler.h"
#include "gpu/driver.h"
#include "gpu/loaded_program.h"
#include "gpu/problem_memory.h"
#include "gpu/utility_kernels.h"
#include "kernels/candidate.h"

namespace weir {

// True of out and inout tensors.
bool is_output(const TensorLayout& tensor);

class Reference {
 public:
  // Compiles and loads the verify plan's source. A launch may take `seconds`. The driver and the stream stay
  // in use.
  static Result<Reference> load(const Driver& driver, const Compiler& compiler, const Candidate& candidate,
                                const std::filesystem::path& include_folder, std::int64_t compute_capability,
                                cuda::Stream stream, double seconds);

  // Runs the plan's preparing launches, in order, on the problem's own tensors.
  Status prepare_inputs(const Addresses& addresses) const;

  // Runs an entry point from restored inputs: an f32 buffer for every out and inout tensor, in the tensors'
  // order. An element that it does not write is NaN.
  Result<std::vector<BufferHandle>> run(const std::string& entry, ProblemMemory& memory,
                                        UtilityKernels& kernels) const;

 private:
  Status launch(const PrepareLaunch& launch, const Addresses& addresses) const;

  const Driver* driver_ = nullptr;
  cuda::Stream stream_ = nullptr;
  double seconds_ = 0;
  std::string kernel_;
  VerifyPlan plan_;
  ModuleHandle module_;
};

}  // namespace weir
