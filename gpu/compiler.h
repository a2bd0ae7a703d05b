// Kernel sources to cubins, through NVRTC and the compile cache. Needs no GPU.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/compile_cache.h"
#include "gpu/compile_log.h"
#include "gpu/nvrtc.h"

namespace weir {

struct CompileRequest {
  std::filesystem::path source;  // also the name in messages
  std::string text;              // of the source; read from the file if empty
  std::string config_header;     // <weir/config.h>
  std::vector<std::filesystem::path>
      include_folders;                  // the source's own folder comes first without being named
  std::int64_t compute_capability = 0;  // 90 for sm_90
  // Compile for this architecture alone (sm_90a), with the instructions that later ones drop.
  bool architecture_specific = false;
};

struct Compiled {
  std::filesystem::path cubin;
  std::vector<EntryResources> entries;
  bool from_cache = false;
};

class Compiler {
 public:
  // An empty folder stands for CompileCache::default_folder().
  static Result<Compiler> open(const std::filesystem::path& cache_folder);

  // Thread-safe, also between processes. ErrorKind::failed carries the compiler's log.
  Result<Compiled> compile(const CompileRequest& request) const;

  std::string version() const { return nvrtc_->version(); }
  const Nvrtc& nvrtc() const { return *nvrtc_; }
  const CompileCache& cache() const { return *cache_; }

 private:
  std::shared_ptr<const Nvrtc> nvrtc_;
  std::shared_ptr<const CompileCache> cache_;
  std::filesystem::path toolkit_headers_;
  std::uintmax_t nvrtc_bytes_ = 0;  // tells patch releases apart: NVRTC names only major and minor
};

// The largest figures over the entries named; an entry that the compiler did not report is an error.
Result<Resources> largest_resources(const std::vector<EntryResources>& compiled,
                                    std::span<const std::string> entries);

}  // namespace weir
