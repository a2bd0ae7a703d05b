#include "gpu/compiler.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/digest.h"
#include "gpu/library.h"
#include "gpu/source_files.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

// Long enough for every error that matters; template errors can be megabytes.
constexpr std::size_t kLogLimit = 6000;

std::vector<std::string> code_options(const CompileRequest& request, const Nvrtc& nvrtc) {
  const std::string architecture =
      std::to_string(request.compute_capability) + (request.architecture_specific ? "a" : "");
  std::vector<std::string> options{"--std=c++20", "-default-device", "--ptxas-options=-v",
                                   "--gpu-architecture=sm_" + architecture};
  // Where there is a driver, NVRTC keeps a cache of its own, and what it takes from there comes without
  // ptxas' figures.
  if (nvrtc.release() >= std::pair{12, 9}) options.push_back("--no-cache");
  return options;
}

}  // namespace

Result<Compiler> Compiler::open(const fs::path& cache_folder) {
  Result<Nvrtc> nvrtc = Nvrtc::open();
  if (!nvrtc) return nvrtc.error();
  Result<CompileCache> cache = CompileCache::open(cache_folder);
  if (!cache) return cache.error();
  Compiler compiler;
  std::error_code ignored;
  compiler.nvrtc_bytes_ = fs::file_size(nvrtc->file(), ignored);
  compiler.nvrtc_ = std::make_shared<const Nvrtc>(std::move(nvrtc).value());
  compiler.cache_ = std::make_shared<const CompileCache>(std::move(cache).value());
  compiler.toolkit_headers_ = toolkit_include_folder();
  return compiler;
}

Result<Compiled> Compiler::compile(const CompileRequest& request) const {
  std::string text = request.text;
  if (text.empty()) {
    std::ifstream file(request.source, std::ios::binary);
    if (!file)
      return Error{ErrorKind::missing, "cannot read the kernel source " + request.source.string(), ""};
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  const fs::path folder = request.source.parent_path();
  std::vector<fs::path> folders;
  if (!folder.empty()) folders.push_back(folder);
  folders.insert(folders.end(), request.include_folders.begin(), request.include_folders.end());
  if (!toolkit_headers_.empty()) folders.push_back(toolkit_headers_);

  std::vector<std::string> options = code_options(request, *nvrtc_);
  Digest key;
  key.add(version());
  key.add(std::to_string(nvrtc_bytes_));
  key.add(request.config_header);
  key.add(text);
  for (const std::string& option : options) key.add(option);
  for (const SourceFile& file : included_files(text, folder, folders)) {
    key.add(file.name);
    key.add(file.text);
  }
  const std::string hex = key.hex128();
  if (std::optional<CachedKernel> hit = cache_->find(hex)) return Compiled{hit->cubin, hit->entries, true};

  for (const fs::path& include : folders) options.push_back("--include-path=" + include.string());
  const std::string name = request.source.filename().string();
  Result<NvrtcOutput> output =
      nvrtc_->compile(name, text, {{"weir/config.h", request.config_header}}, options);
  if (!output) return output.error();
  if (!output->ok) {
    return Error{ErrorKind::failed, name + " does not compile:\n" + output->log.substr(0, kLogLimit), ""};
  }
  if (const std::string fault = compile_fault(output->log); !fault.empty()) {
    return Error{ErrorKind::failed, name + ": " + fault, "Smaller tiles need fewer registers."};
  }
  const std::vector<EntryResources> entries = parse_compile_log(output->log);
  if (entries.empty()) {
    return Error{ErrorKind::failed, name + " compiles to no kernel that ptxas reports on",
                 "Declare kernels extern \"C\" __global__."};
  }
  Result<CachedKernel> stored = cache_->store(hex, output->cubin, entries);
  if (!stored) return stored.error();
  return Compiled{stored->cubin, stored->entries, false};
}

Result<Resources> largest_resources(const std::vector<EntryResources>& compiled,
                                    std::span<const std::string> entries) {
  Resources largest;
  for (const std::string& entry : entries) {
    const auto found =
        std::find_if(compiled.begin(), compiled.end(), [&](const auto& e) { return e.entry == entry; });
    if (found == compiled.end()) {
      return Error{ErrorKind::failed, "the compiled code has no entry function " + entry,
                   "Declare it extern \"C\" __global__, with the name that kernel.yaml gives."};
    }
    const Resources& r = found->resources;
    largest.registers_per_thread = std::max(largest.registers_per_thread, r.registers_per_thread);
    largest.spill_bytes = std::max(largest.spill_bytes, r.spill_bytes);
    largest.stack_bytes = std::max(largest.stack_bytes, r.stack_bytes);
    largest.static_shared_bytes = std::max(largest.static_shared_bytes, r.static_shared_bytes);
  }
  return largest;
}

}  // namespace weir
