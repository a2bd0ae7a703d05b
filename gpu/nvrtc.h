// NVRTC, opened at run time. Its interface is declared here: neither the toolkit's headers nor a GPU are
// needed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gpu/library.h"

namespace weir {

struct NvrtcHeader {
  std::string name;
  std::string text;
};

struct NvrtcOutput {
  bool ok = false;
  std::string cubin;
  std::string log;
};

// Thread-safe: programs are independent of each other.
class Nvrtc {
 public:
  static Result<Nvrtc> open();

  // The error is for failures of NVRTC itself; a source that does not compile gives ok == false and its log.
  Result<NvrtcOutput> compile(const std::string& name, const std::string& source,
                              const std::vector<NvrtcHeader>& headers,
                              const std::vector<std::string>& options) const;

  std::pair<int, int> release() const;  // 13, 0
  std::string version() const;          // "NVRTC 13.0"
  const std::filesystem::path& file() const { return shared_object_.file(); }
  std::vector<int> architectures() const;  // 75, 80, …

 private:
  using Program = struct NvrtcProgram*;
  using Code = int;
  SharedLibrary shared_object_;
  Code (*version_)(int*, int*) = nullptr;
  const char* (*error_string_)(Code) = nullptr;
  Code (*create_)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  Code (*compile_)(Program, int, const char* const*) = nullptr;
  Code (*destroy_)(Program*) = nullptr;
  Code (*log_size_)(Program, std::size_t*) = nullptr;
  Code (*log_)(Program, char*) = nullptr;
  Code (*cubin_size_)(Program, std::size_t*) = nullptr;
  Code (*cubin_)(Program, char*) = nullptr;
  Code (*architecture_count_)(int*) = nullptr;
  Code (*architectures_)(int*) = nullptr;
};

}  // namespace weir
