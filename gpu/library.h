// Shared libraries of the CUDA toolkit, found and opened at run time by absolute path.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/result.h"

namespace weir {

// An open library. It stays open until the process ends: CUDA's libraries do not survive being closed.
class SharedLibrary {
 public:
  static Result<SharedLibrary> open(const std::filesystem::path& file);

  void* find(const char* symbol) const;
  // Sets `function` to the symbol, or returns false and leaves it alone.
  template <typename Function>
  bool find(const char* symbol, Function& function) const {
    void* address = find(symbol);
    if (address == nullptr) return false;
    function = reinterpret_cast<Function>(address);
    return true;
  }
  const std::filesystem::path& file() const { return file_; }

 private:
  void* handle_ = nullptr;
  std::filesystem::path file_;
};

// Folders that may hold the toolkit's libraries, in the order in which they are searched: $CUDA_HOME,
// $CUDA_PATH, /usr/local/cuda, /usr/local/cuda-* (newest first), the nvidia packages of the Python
// installations on $PATH, and those of $CONDA_PREFIX. Only folders that exist.
std::vector<std::filesystem::path> toolkit_library_folders();

// Opens the first file that exists of `names` in the search order, and before it, from the same search, the
// newest file that starts with each of `companions`: libraries which it would itself open by bare name, and
// not find outside the loader's path. As a last resort the loader's own search is tried. The error lists the
// folders.
Result<SharedLibrary> open_toolkit_library(std::initializer_list<const char*> names,
                                           std::initializer_list<const char*> companions,
                                           const std::string& advice);

// The toolkit's headers (cuda_bf16.h and the like), if they are installed; empty otherwise.
std::filesystem::path toolkit_include_folder();

}  // namespace weir
