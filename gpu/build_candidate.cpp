#include "gpu/build_candidate.h"

namespace weir {

std::vector<ExecutableLaunch> executable_launches(const Candidate& candidate) {
  std::vector<ExecutableLaunch> launches;
  for (const Launch& launch : candidate.launches) {
    launches.push_back({.name = launch.name,
                        .entry = launch.entry,
                        .grid = launch.grid,
                        .threads = launch.threads,
                        .cluster = launch.cluster,
                        .shared_bytes = launch.shared_bytes,
                        .arguments = launch.arguments});
  }
  return launches;
}

CompileRequest request_for(const std::filesystem::path& source, const std::string& config_header,
                           const std::filesystem::path& include_folder, std::int64_t compute_capability) {
  constexpr std::int64_t kFirstWithSpecificCode = 90;
  return {.source = source,
          .config_header = config_header,
          .include_folders = {include_folder},
          .compute_capability = compute_capability,
          .architecture_specific = compute_capability >= kFirstWithSpecificCode};
}

Result<Executable> build_candidate(const Compiler& compiler, const Candidate& candidate,
                                   const std::filesystem::path& include_folder,
                                   std::int64_t compute_capability) {
  Executable executable{.kernel = candidate.kernel,
                        .problem = to_string(candidate.problem),
                        .config = to_string(candidate.config),
                        .launches = executable_launches(candidate),
                        .tensors = candidate.tensors,
                        .deterministic = candidate.verify.deterministic};
  if (candidate.source.empty() || executable.launches.empty()) {
    return Error{ErrorKind::failed, candidate.kernel + " has no source to compile: it can only be predicted",
                 "Give a variant's source and its launches' entries in kernel.yaml."};
  }
  std::vector<std::string> entries;
  for (const ExecutableLaunch& launch : executable.launches) entries.push_back(launch.entry);

  const Result<Compiled> compiled = compiler.compile(
      request_for(candidate.source, candidate.config_header, include_folder, compute_capability));
  const Result<Resources> resources =
      compiled ? largest_resources(compiled.value().entries, entries) : compiled.error();
  if (!resources) {
    Error error = resources.error();
    error.message = candidate.kernel + " with " + executable.config + ": " + error.message;
    return error;
  }
  executable.cubin = compiled.value().cubin;
  executable.resources = resources.value();
  return executable;
}

}  // namespace weir
