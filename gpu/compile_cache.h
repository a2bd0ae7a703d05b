// Compiled kernels on disk, shared by any number of threads and processes. A file is written beside its
// place, synced and renamed, and believed only if its digest holds: a damaged or half-written entry is a
// miss, and is replaced by the next compilation.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/compile_log.h"

namespace weir {

struct CachedKernel {
  std::filesystem::path cubin;
  std::vector<EntryResources> entries;
};

class CompileCache {
 public:
  // Creates the folder; an empty path stands for default_folder().
  static Result<CompileCache> open(std::filesystem::path folder);
  // $XDG_CACHE_HOME/weir/cubin, or ~/.cache/weir/cubin.
  static std::filesystem::path default_folder();

  std::optional<CachedKernel> find(const std::string& key) const;
  Result<CachedKernel> store(const std::string& key, std::string_view cubin,
                             const std::vector<EntryResources>& entries) const;

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace weir
