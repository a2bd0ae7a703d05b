// A CUDA source, compiled for the host and loaded.
#pragma once

#include <compare>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace weir::emulator {

struct SourceRequest {
  std::filesystem::path source;
  std::string config_header;  // <weir/config.h>; may be empty
  std::vector<std::string> entries;
  std::vector<std::filesystem::path> include_folders;
  std::int64_t compute_capability = 0;  // __CUDA_ARCH__ / 10
  // For code that mostly calls the engine, as kernels do: compiling it takes longer than running it.
  bool quickly_compiled = false;

  auto operator<=>(const SourceRequest&) const = default;
};

class EmulatedSource {
 public:
  using Entry = void (*)(void** arguments);

  // Compiled code is kept in the build folder by the text that the compiler saw. Thread-safe, also between
  // processes. ErrorKind::failed carries the compiler's messages. A process asks the compiler once for the
  // same request, as long as no file in the folders of the source and of its headers changes.
  static Result<EmulatedSource> load(const SourceRequest& request);

  // The file, whose name tells compiled texts apart.
  const std::filesystem::path& shared_object() const { return file_; }
  // Preconditions: one of the request's entries.
  Entry entry(const std::string& name) const { return entries_.at(name).call; }
  // One letter per parameter, see emulator/entry.h.
  const std::string& signature(const std::string& name) const { return entries_.at(name).signature; }
  // The source's own __shared__ variables, of the calling thread.
  std::span<std::byte> static_shared() const;

 private:
  static Result<EmulatedSource> compile_and_open(const SourceRequest& request);

  struct Function {
    Entry call = nullptr;
    std::string signature;
  };
  std::filesystem::path file_;
  std::shared_ptr<void> handle_;
  std::map<std::string, Function> entries_;
};

}  // namespace weir::emulator
