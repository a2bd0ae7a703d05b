#include <algorithm>

#include "base/suggest.h"
#include "kernels/definition.h"

namespace weir {

std::vector<std::string> list_kernels(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    if (std::filesystem::is_regular_file(entry.path() / "kernel.yaml", failure)) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<KernelDefinition> find_kernel(const std::filesystem::path& folder, const std::string& name_or_path) {
  const std::vector<std::string> names = list_kernels(folder);
  if (std::find(names.begin(), names.end(), name_or_path) != names.end()) {
    return KernelDefinition::load(folder / name_or_path / "kernel.yaml");
  }
  const std::filesystem::path path(name_or_path);
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) return KernelDefinition::load(path / "kernel.yaml");
  const bool looks_like_path = name_or_path.find('/') != std::string::npos || path.extension() == ".yaml" ||
                               path.extension() == ".yml";
  if (looks_like_path || std::filesystem::is_regular_file(path, failure)) return KernelDefinition::load(path);
  return Error{ErrorKind::missing,
               "found no kernel '" + name_or_path + "'; expected one of " + list_of(names) +
                   did_you_mean(name_or_path, names),
               "Kernels of your own are given as a path to their kernel.yaml."};
}

}  // namespace weir
