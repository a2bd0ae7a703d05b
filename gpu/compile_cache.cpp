#include "gpu/compile_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/digest.h"
#include "gpu/cache_limit.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "weir-cubin 1";

std::optional<std::string> read_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) return std::nullopt;
  return bytes;
}

std::string digest_hex(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex128();
}

Error write_error(const fs::path& file) {
  return {ErrorKind::unexpected, "cannot write " + file.string() + ": " + std::strerror(errno),
          "Free space there, or choose another folder with XDG_CACHE_HOME."};
}

// Readers see the old file or the whole new one, also after a power failure.
Status write_file(const fs::path& file, std::string_view bytes) {
  std::string pattern = (file.parent_path() / ".writing-XXXXXX").string();
  const int descriptor = mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0) return write_error(file);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(descriptor, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += static_cast<std::size_t>(written);
  }
  const bool whole = done == bytes.size() && fchmod(descriptor, 0644) == 0 && fsync(descriptor) == 0;
  const bool closed = close(descriptor) == 0;
  if (!whole || !closed || std::rename(pattern.c_str(), file.c_str()) != 0) {
    const Error error = write_error(file);
    unlink(pattern.c_str());
    return error;
  }
  return ok_status();
}

}  // namespace

fs::path CompileCache::default_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && cache[0] == '/') {
    return fs::path(cache) / "weir" / "cubin";
  }
  const char* home = std::getenv("HOME");
  return (home != nullptr && home[0] == '/' ? fs::path(home) / ".cache" : fs::temp_directory_path()) /
         "weir" / "cubin";
}

Result<CompileCache> CompileCache::open(fs::path folder, std::optional<std::int64_t> limit_bytes) {
  if (folder.empty()) folder = default_folder();
  const Result<std::int64_t> limit = limit_bytes ? Result<std::int64_t>(*limit_bytes) : cache_limit_bytes();
  if (!limit) return limit.error();
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    return Error{ErrorKind::unexpected,
                 "cannot create the compile cache " + folder.string() + ": " + failure.message(),
                 "Set XDG_CACHE_HOME to a folder that can be written."};
  }
  CompileCache cache;
  cache.folder_ = fs::absolute(folder);
  cache.limit_bytes_ = *limit;
  cache.unchecked_bytes_ = std::make_shared<std::atomic<std::int64_t>>(*limit);
  return cache;
}

// An entry is two files: <key>.info, lines of text of which the last is the digest of the others, and the
// cubin that it names. The cubin's name contains its digest, so two processes that compile the same key at
// once never mix their files.
std::optional<CachedKernel> CompileCache::find(const std::string& key) const {
  const fs::path file = folder_ / (key + ".info");
  const std::optional<std::string> info = read_file(file);
  if (!info) return std::nullopt;
  const std::size_t tail = info->rfind("digest ");
  if (tail == std::string::npos || info->substr(tail) != "digest " + digest_hex(info->substr(0, tail)) + "\n")
    return std::nullopt;

  CachedKernel kernel;
  std::istringstream lines(info->substr(0, tail));
  std::string line;
  if (!std::getline(lines, line) || line != kFormat) return std::nullopt;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "cubin") {
      std::string digest;
      words >> digest;
      kernel.cubin = folder_ / (key + "-" + digest + ".cubin");
      const std::optional<std::string> cubin = read_file(kernel.cubin);
      if (!cubin || digest_hex(*cubin) != digest) return std::nullopt;
    } else if (word == "entry") {
      EntryResources entry;
      Resources& r = entry.resources;
      words >> entry.entry >> r.registers_per_thread >> r.spill_bytes >> r.stack_bytes >>
          r.static_shared_bytes;
      if (!words) return std::nullopt;
      kernel.entries.push_back(std::move(entry));
    }
  }
  if (kernel.cubin.empty()) return std::nullopt;
  utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // used now; a folder that cannot be written evicts nothing
  return kernel;
}

Result<CachedKernel> CompileCache::store(const std::string& key, std::string_view cubin,
                                         const std::vector<EntryResources>& entries) const {
  const std::string digest = digest_hex(cubin);
  CachedKernel kernel{.cubin = folder_ / (key + "-" + digest + ".cubin"), .entries = entries};
  if (Status written = write_file(kernel.cubin, cubin); !written) return written.error();

  std::ostringstream info;
  info << kFormat << "\ncubin " << digest << "\n";
  for (const EntryResources& entry : entries) {
    const Resources& r = entry.resources;
    info << "entry " << entry.entry << " " << r.registers_per_thread << " " << r.spill_bytes << " "
         << r.stack_bytes << " " << r.static_shared_bytes << "\n";
  }
  const std::string text = info.str();
  if (Status written = write_file(folder_ / (key + ".info"), text + "digest " + digest_hex(text) + "\n");
      !written) {
    return written.error();
  }
  keep_within_limit(key, cubin.size());
  return kernel;
}

// Looking through the folder takes longer than writing to it: it is done after each twentieth of the limit.
void CompileCache::keep_within_limit(const std::string& key, std::size_t written_bytes) const {
  if (limit_bytes_ == 0) return;
  const auto written = static_cast<std::int64_t>(written_bytes);
  if (unchecked_bytes_->fetch_add(written) + written < limit_bytes_ / 20) return;
  unchecked_bytes_->store(0);
  evict_least_recently_used(folder_, limit_bytes_, key);
}

}  // namespace weir
