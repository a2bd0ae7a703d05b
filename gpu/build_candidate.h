// Candidates to executables; needs no GPU.
#pragma once

#include <filesystem>

#include "gpu/backend.h"
#include "gpu/compiler.h"

namespace weir {

// Architecture-specific code (sm_90a) from compute capability 9.0 on: what is tuned for a GPU runs on that
// GPU.
CompileRequest request_for(const std::filesystem::path& source, const std::string& config_header,
                           const std::filesystem::path& include_folder, std::int64_t compute_capability);

// Thread-safe. Errors name the candidate.
Result<Executable> build_candidate(const Compiler& compiler, const Candidate& candidate,
                                   const std::filesystem::path& include_folder,
                                   std::int64_t compute_capability);

}  // namespace weir
