#include "gpu/cache_limit.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <string_view>
#include <vector>

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDefaultLimit = 4'000'000'000;

struct Entry {
  std::vector<fs::path> files;  // the one that names the others first
  std::int64_t bytes = 0;
  fs::file_time_type last_use = fs::file_time_type::min();
};

// <key>.info and <key>-<digest>.cubin; what an interrupted writer left behind has a name of its own.
std::string key_of(const std::string& file) {
  return file.front() == '.' ? file : file.substr(0, file.find_first_of("-."));
}

std::map<std::string, Entry> entries_of(const fs::path& folder) {
  std::map<std::string, Entry> entries;
  std::error_code failure;
  for (const fs::directory_entry& file : fs::directory_iterator(folder, failure)) {
    const auto bytes = file.file_size(failure);
    if (failure) continue;  // another process removed it
    const auto written = file.last_write_time(failure);
    if (failure) continue;
    Entry& entry = entries[key_of(file.path().filename().string())];
    const bool names_others = file.path().extension() == ".info";
    entry.files.insert(names_others ? entry.files.begin() : entry.files.end(), file.path());
    entry.bytes += static_cast<std::int64_t>(bytes);
    entry.last_use = std::max(entry.last_use, written);
  }
  return entries;
}

}  // namespace

Result<std::int64_t> cache_limit_bytes() {
  const char* text = std::getenv("WEIR_CACHE_BYTES");
  if (text == nullptr) return kDefaultLimit;
  const std::string_view digits = text;
  std::int64_t bytes = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), bytes);
  if (failure != std::errc() || end != digits.data() + digits.size() || bytes < 0) {
    return Error{ErrorKind::usage, "WEIR_CACHE_BYTES is '" + std::string(digits) + "'",
                 "Set it to a number of bytes, or to 0 for no limit."};
  }
  return bytes;
}

std::int64_t evict_least_recently_used(const fs::path& folder, std::int64_t limit_bytes,
                                       const std::string& keep) {
  const std::map<std::string, Entry> entries = entries_of(folder);
  std::int64_t total = 0;
  std::vector<const Entry*> oldest_first;
  for (const auto& [key, entry] : entries) {
    total += entry.bytes;
    if (key != keep) oldest_first.push_back(&entry);
  }
  if (total <= limit_bytes) return total;
  std::ranges::sort(oldest_first, {}, [](const Entry* entry) { return entry->last_use; });
  const std::int64_t wanted = limit_bytes - limit_bytes / 10;
  for (const Entry* entry : oldest_first) {
    if (total <= wanted) break;
    std::error_code ignored;  // gone is gone
    for (const fs::path& file : entry->files) fs::remove(file, ignored);
    total -= entry->bytes;
  }
  return total;
}

}  // namespace weir
