#include "gpu/source_files.h"

#include <fstream>
#include <iterator>
#include <set>

namespace weir {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> include_names(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = text.find("include", at)) != std::string_view::npos; at += 7) {
    std::size_t before = at;
    while (before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\t')) --before;
    if (before == 0 || text[before - 1] != '#') continue;
    const std::size_t open = text.find_first_not_of(" \t", at + 7);
    if (open == std::string_view::npos || (text[open] != '"' && text[open] != '<')) continue;
    const std::size_t close = text.find(text[open] == '"' ? '"' : '>', open + 1);
    if (close != std::string_view::npos) names.emplace_back(text.substr(open + 1, close - open - 1));
  }
  return names;
}

class Walk {
 public:
  explicit Walk(const std::vector<fs::path>& folders) : folders_(folders) {}

  void follow(std::string_view text, const fs::path& folder) {
    for (const std::string& name : include_names(text)) {
      std::vector<fs::path> candidates{folder};
      candidates.insert(candidates.end(), folders_.begin(), folders_.end());
      for (const fs::path& candidate : candidates) {
        if (candidate.empty()) continue;
        const fs::path file = (candidate / name).lexically_normal();
        if (seen_.count(file) != 0) break;
        std::ifstream stream(file, std::ios::binary);
        std::error_code ignored;
        if (!stream || !fs::is_regular_file(file, ignored)) continue;
        seen_.insert(file);
        files.push_back({name, {std::istreambuf_iterator<char>(stream), {}}});
        const std::string contents = files.back().text;  // `files` grows while we follow
        follow(contents, file.parent_path());
        break;
      }
    }
  }

  std::vector<SourceFile> files;

 private:
  const std::vector<fs::path>& folders_;
  std::set<fs::path> seen_;
};

}  // namespace

std::vector<SourceFile> included_files(std::string_view source_text, const fs::path& source_folder,
                                       const std::vector<fs::path>& include_folders) {
  Walk walk(include_folders);
  walk.follow(source_text, source_folder);
  return std::move(walk.files);
}

}  // namespace weir
