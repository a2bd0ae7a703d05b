// Compiled kernels on disk, shared by any number of threads and processes. A file is written beside its
// place, synced and renamed, and believed only if its digest holds: a damaged or half-written entry is a
// miss, and is replaced by the next compilation. Beyond its limit the entries go that were not used for
// longest.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
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
  // Creates the folder; an empty path stands for default_folder(). `limit_bytes`: 0 for none; cache_limit.h's
  // if it is not given.
  static Result<CompileCache> open(std::filesystem::path folder,
                                   std::optional<std::int64_t> limit_bytes = std::nullopt);
  // $XDG_CACHE_HOME/weir/cubin, or ~/.cache/weir/cubin.
  static std::filesystem::path default_folder();

  std::optional<CachedKernel> find(const std::string& key) const;
  Result<CachedKernel> store(const std::string& key, std::string_view cubin,
                             const std::vector<EntryResources>& entries) const;

  const std::filesystem::path& folder() const { return folder_; }
  std::int64_t limit_bytes() const { return limit_bytes_; }

 private:
  void keep_within_limit(const std::string& key, std::size_t written_bytes) const;

  std::filesystem::path folder_;
  std::int64_t limit_bytes_ = 0;
  // Written since the folder was last looked through, of all copies of this object; from the limit on, that
  // is due.
  std::shared_ptr<std::atomic<std::int64_t>> unchecked_bytes_;
};

}  // namespace weir
