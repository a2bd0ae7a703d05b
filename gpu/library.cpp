#include "gpu/library.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

namespace weir {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

// Subfolders whose name starts with `start`, the last in alphabetical order first.
std::vector<fs::path> subfolders(const fs::path& folder, const std::string& start) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (starts_with(entry.path().filename().string(), start) && entry.is_directory(ignored))
      found.push_back(entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

std::vector<fs::path> toolkit_roots() {
  std::vector<fs::path> roots;
  for (const char* name : {"CUDA_HOME", "CUDA_PATH"}) {
    if (const std::string value = environment(name); !value.empty()) roots.emplace_back(value);
  }
  roots.emplace_back("/usr/local/cuda");
  for (const fs::path& root : subfolders("/usr/local", "cuda-")) roots.push_back(root);
  return roots;
}

// <prefix>/lib/python3.*/site-packages/nvidia/<package>: how pip lays the toolkit out.
std::vector<fs::path> python_packages() {
  std::vector<fs::path> prefixes;
  std::istringstream path(environment("PATH"));
  for (std::string bin; std::getline(path, bin, ':');) {
    if (!bin.empty()) prefixes.push_back(fs::path(bin).parent_path());
  }
  if (const std::string conda = environment("CONDA_PREFIX"); !conda.empty()) prefixes.emplace_back(conda);
  if (const std::string home = environment("HOME"); !home.empty())
    prefixes.push_back(fs::path(home) / ".local");
  std::vector<fs::path> packages;
  for (const fs::path& prefix : prefixes) {
    for (const fs::path& python : subfolders(prefix / "lib", "python3")) {
      for (const char* site : {"site-packages", "dist-packages"}) {
        for (const fs::path& package : subfolders(python / site / "nvidia", "")) packages.push_back(package);
      }
    }
  }
  return packages;
}

// The file of `folder` that starts with `stem`, the one with the longest name (the full version) first.
fs::path newest(const fs::path& folder, const std::string& stem) {
  fs::path best;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool variant =
        name.find(".alt.") != std::string::npos;  // builtins for another optimiser, not the default
    if (!variant && starts_with(name, stem) && name > best.filename().string()) best = entry.path();
  }
  return best;
}

}  // namespace

Result<SharedLibrary> SharedLibrary::open(const fs::path& file) {
  SharedLibrary library;
  library.handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library.handle_ == nullptr) {
    const char* reason = dlerror();
    return Error{ErrorKind::missing, reason ? reason : "cannot open " + file.string(), ""};
  }
  const link_map* map = nullptr;
  const bool known =
      dlinfo(library.handle_, RTLD_DI_LINKMAP, &map) == 0 && map != nullptr && map->l_name[0] == '/';
  library.file_ = known ? fs::path(map->l_name) : file;
  return library;
}

void* SharedLibrary::find(const char* symbol) const {
  return handle_ ? dlsym(handle_, symbol) : nullptr;
}

std::vector<fs::path> toolkit_library_folders() {
  std::vector<fs::path> candidates;
  for (const fs::path& root : toolkit_roots()) {
    for (const char* sub : {"lib64", "lib", "targets/x86_64-linux/lib", "extras/CUPTI/lib64"})
      candidates.push_back(root / sub);
  }
  for (const fs::path& package : python_packages()) candidates.push_back(package / "lib");
  if (const std::string conda = environment("CONDA_PREFIX"); !conda.empty())
    candidates.push_back(fs::path(conda) / "lib");

  std::vector<fs::path> folders;
  std::set<fs::path> seen;
  for (const fs::path& candidate : candidates) {
    std::error_code missing;
    const fs::path real = fs::canonical(candidate, missing);
    if (!missing && seen.insert(real).second) folders.push_back(real);
  }
  return folders;
}

Result<SharedLibrary> open_toolkit_library(std::initializer_list<const char*> names,
                                           std::initializer_list<const char*> companions,
                                           const std::string& advice) {
  const std::vector<fs::path> folders = toolkit_library_folders();
  std::string reasons;
  for (const char* name : names) {
    for (const fs::path& folder : folders) {
      std::error_code ignored;
      if (!fs::exists(folder / name, ignored)) continue;
      for (const char* companion : companions) {
        if (fs::path file = newest(folder, companion); !file.empty()) {
          if (Result<SharedLibrary> opened = SharedLibrary::open(file); !opened)
            reasons += "\n  " + opened.error().message;
        }
      }
      Result<SharedLibrary> library = SharedLibrary::open(folder / name);
      if (library) return library;
      reasons += "\n  " + library.error().message;
    }
  }
  for (const char* name : names) {
    if (Result<SharedLibrary> library = SharedLibrary::open(name)) return library;
  }
  std::string searched;
  for (const fs::path& folder : folders) searched += (searched.empty() ? "" : ", ") + folder.string();
  return Error{ErrorKind::missing,
               std::string("cannot open ") + *names.begin() + "; searched " +
                   (searched.empty() ? "no folder, for no CUDA toolkit was found" : searched) + reasons,
               advice};
}

fs::path toolkit_include_folder() {
  std::vector<fs::path> candidates;
  for (const fs::path& root : toolkit_roots()) candidates.push_back(root / "include");
  for (const fs::path& package : python_packages()) candidates.push_back(package / "include");
  std::error_code ignored;
  for (const fs::path& folder : candidates) {
    if (fs::exists(folder / "cuda_fp16.h", ignored)) return folder;
  }
  return {};
}

}  // namespace weir
