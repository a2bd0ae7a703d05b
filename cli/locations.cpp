#include "cli/locations.h"

#include <cstdlib>

namespace weir::cli {

std::filesystem::path home_folder() {
  namespace fs = std::filesystem;
  if (const char* home = std::getenv("WEIR_HOME"); home && *home) return home;
  std::error_code ignored;
  const fs::path executable = fs::read_symlink("/proc/self/exe", ignored);
  for (const fs::path& folder : {executable.parent_path(), executable.parent_path().parent_path(),
                                 executable.parent_path().parent_path() / "share" / "weir"}) {
    if (fs::is_directory(folder / "kernels", ignored) &&
        fs::is_directory(folder / "profiles" / "gpus", ignored)) {
      return folder;
    }
  }
  return WEIR_SOURCE_DIR;
}

}  // namespace weir::cli
