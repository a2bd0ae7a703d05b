// Where the program finds the files it ships with.
#pragma once

#include <filesystem>

namespace weir::cli {

// The folder that has kernels/ and profiles/: $WEIR_HOME, else beside the executable's build or install tree,
// else the source tree that the program was built from.
std::filesystem::path home_folder();
inline std::filesystem::path kernels_folder() {
  return home_folder() / "kernels";
}
inline std::filesystem::path profiles_folder() {
  return home_folder() / "profiles" / "gpus";
}
inline std::filesystem::path calibrations_folder() {
  return home_folder() / "profiles" / "calibrations";
}

}  // namespace weir::cli
