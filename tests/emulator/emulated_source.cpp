#include "emulated_source.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>

#include "base/digest.h"
#include "source_rewrite.h"

namespace weir::emulator {
namespace {

namespace fs = std::filesystem;

// Indexing beyond an array and misaligned accesses fault on a GPU, or should.
const std::string kFlags =
    "-std=c++20 -g0 -w -fPIC -shared -fvisibility=hidden -fno-strict-aliasing -fwrapv -ffp-contract=off "
    "-fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-extern-tls-init "
    "-fsanitize=alignment,bounds "
    "-fsanitize-undefined-trap-on-error -fmacro-prefix-map=" WEIR_SOURCE_DIR "/=";

const char* optimization(const SourceRequest& request) {
  return request.quickly_compiled ? " -Og" : " -O1";
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// A folder for the files of one compilation.
class WorkFolder {
 public:
  WorkFolder() {
    static std::atomic<int> number{0};
    path_ =
        fs::path(WEIR_EMULATOR_CACHE) / ("work." + std::to_string(getpid()) + "." + std::to_string(++number));
    fs::create_directories(path_ / "weir");
  }
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  fs::path file(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

Status run_compiler(const std::string& arguments, const fs::path& log, const fs::path& source) {
  const std::string command =
      quoted(WEIR_EMULATOR_COMPILER) + " " + arguments + " 2> " + quoted(log.string());
  if (std::system(command.c_str()) == 0)
    return ok_status();  // NOLINT: test code, one process per compilation
  return Error{ErrorKind::failed, source.string() + " does not compile for the emulator:\n" + contents(log),
               "A CUDA feature that is missing belongs into tests/emulator/include/emulator."};
}

Result<std::string> host_text(const SourceRequest& request, const WorkFolder& folder) {
  std::ofstream(folder.file("weir/config.h")) << request.config_header;
  std::ofstream unit(folder.file("unit.cpp"));
  unit << "#include \"" << fs::absolute(request.source).string() << "\"\n#include \"emulator/entry.h\"\n";
  for (const std::string& entry : request.entries) unit << "WEIR_EMULATOR_ENTRY(" << entry << ")\n";
  unit << "extern \"C\" { thread_local char weir_shared_anchor = 0;\n"
          "WEIR_EMULATOR_API void* weir_touch_shared() { return &weir_shared_anchor; } }\n";
  unit.close();
  const fs::path headers = fs::path(WEIR_EMULATOR_SOURCE) / "include";
  std::string arguments = "-E " + kFlags +
                          " -D__CUDA_ARCH__=" + std::to_string(request.compute_capability * 10) +
                          " -include " + quoted((headers / "emulator/prelude.h").string()) + " -I" +
                          quoted(folder.file("").string()) + " -I" + quoted(headers.string());
  for (const fs::path& include : request.include_folders) arguments += " -I" + quoted(include.string());
  arguments +=
      " " + quoted(folder.file("unit.cpp").string()) + " -o " + quoted(folder.file("unit.ii").string());
  const Status status = run_compiler(arguments, folder.file("log"), request.source);
  if (!status) return status.error();
  std::string text = rewrite_for_host(contents(folder.file("unit.ii")));
  // The name of the work folder would make every text new.
  const std::string name = folder.file("").string();
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos;)
    text.replace(at, name.size(), "");
  return text;
}

// The compiled library, by its text.
Result<fs::path> compile(const SourceRequest& request) {
  const WorkFolder folder;
  const Result<std::string> text = host_text(request, folder);
  if (!text) return text.error();
  Digest digest;
  digest.add(*text);
  digest.add(kFlags);
  digest.add(optimization(request));
  const fs::path library = fs::path(WEIR_EMULATOR_CACHE) / (digest.hex128() + ".so");
  if (fs::exists(library)) return library;
  std::ofstream(folder.file("host.ii")) << *text;
  const Status status = run_compiler(kFlags + optimization(request) + " -fpreprocessed " +
                                         quoted(folder.file("host.ii").string()) + " -o " +
                                         quoted(folder.file("host.so").string()),
                                     folder.file("log"), request.source);
  if (!status) return status.error();
  fs::rename(folder.file("host.so"), library);  // whole, or not at all
  return library;
}

fs::file_time_type last_change(const SourceRequest& request) {
  fs::file_time_type last = fs::last_write_time(request.source);
  std::vector<fs::path> folders = request.include_folders;
  folders.push_back(request.source.parent_path());
  for (const fs::path& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      last = std::max(last, entry.last_write_time());
  }
  return last;
}

}  // namespace

Result<EmulatedSource> EmulatedSource::load(const SourceRequest& request) {
  static std::mutex mutex;
  static std::map<std::pair<SourceRequest, fs::file_time_type>, EmulatedSource> loaded;
  const std::pair key(request, last_change(request));
  const std::lock_guard lock(mutex);
  if (const auto found = loaded.find(key); found != loaded.end()) return found->second;
  Result<EmulatedSource> source = compile_and_open(request);
  if (source) loaded.emplace(key, *source);
  return source;
}

Result<EmulatedSource> EmulatedSource::compile_and_open(const SourceRequest& request) {
  const Result<fs::path> library = compile(request);
  if (!library) return library.error();
  EmulatedSource source;
  source.file_ = *library;
  source.handle_ = {dlopen(library->c_str(), RTLD_NOW | RTLD_LOCAL), [](void* handle) {
                      if (handle != nullptr) dlclose(handle);
                    }};
  if (!source.handle_) return Error{ErrorKind::failed, request.source.string() + ": " + dlerror(), ""};
  for (const std::string& name : request.entries) {
    const auto find = [&](const std::string& prefix) {
      return dlsym(source.handle_.get(), (prefix + name).c_str());
    };
    Function function;
    function.call = reinterpret_cast<Entry>(find("weir_call_"));
    function.signature = reinterpret_cast<const char* (*)()>(find("weir_signature_"))();
    source.entries_[name] = function;
  }
  return source;
}

std::span<std::byte> EmulatedSource::static_shared() const {
  const auto touch = reinterpret_cast<void* (*)()>(dlsym(handle_.get(), "weir_touch_shared"));
  struct Search {
    const std::byte* anchor;
    std::span<std::byte> found;
  } search{static_cast<const std::byte*>(touch()), {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& search = *static_cast<Search*>(data);
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          if (info->dlpi_phdr[i].p_type != PT_TLS || info->dlpi_tls_data == nullptr) continue;
          const std::span<std::byte> block(static_cast<std::byte*>(info->dlpi_tls_data),
                                           info->dlpi_phdr[i].p_memsz);
          if (search.anchor >= block.data() && search.anchor < block.data() + block.size())
            search.found = block;
        }
        return 0;
      },
      &search);
  return search.found;
}

}  // namespace weir::emulator
