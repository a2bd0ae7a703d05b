// KernelDefinition::source_hash: the YAML text and everything that its sources can include.
#include <fstream>
#include <iterator>
#include <set>

#include "base/digest.h"
#include "kernels/definition_model.h"

namespace weir {

namespace {

// The file names of `#include "…"`; what is inside comments or inactive #if branches counts as well, which
// only makes the hash change more often.
std::vector<std::string> quoted_includes(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    const auto skip_space = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
    const auto skip = [&](std::string_view word) {
      skip_space();
      if (line.substr(0, word.size()) != word) return false;
      line.remove_prefix(word.size());
      return true;
    };
    if (!skip("#") || !skip("include") || !skip("\"")) continue;
    const std::size_t quote = line.find('"');
    if (quote != std::string_view::npos) names.emplace_back(line.substr(0, quote));
  }
  return names;
}

class SourceHasher {
 public:
  explicit SourceHasher(const std::filesystem::path& include_folder) : include_folder_(include_folder) {}

  // `name` is how it was reached, and goes into the hash: the place of the checkout does not.
  std::optional<Error> add(const std::filesystem::path& file, const std::string& name) {
    std::error_code failure;
    const auto canonical = std::filesystem::weakly_canonical(file, failure);
    if (!seen_.insert(canonical).second) return std::nullopt;
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (!stream || !std::filesystem::is_regular_file(file, failure)) {
      return Error{ErrorKind::missing, "cannot read the source '" + file.string() + "'"};
    }
    digest_.add(name);
    digest_.add(text);
    for (const std::string& include : quoted_includes(text)) {
      // As the compiler looks: beside the file, then in the include folder. What is in neither comes with the
      // compiler.
      for (const auto& candidate : {file.parent_path() / include, include_folder_ / include}) {
        if (!std::filesystem::is_regular_file(candidate, failure)) continue;
        if (auto error = add(candidate, include)) return error;
        break;
      }
    }
    return std::nullopt;
  }

  Digest& digest() { return digest_; }

 private:
  std::filesystem::path include_folder_;
  std::set<std::filesystem::path> seen_;
  Digest digest_;
};

}  // namespace

Result<std::string> KernelDefinition::source_hash(const std::filesystem::path& include_folder) const {
  SourceHasher hasher(include_folder);
  hasher.digest().add(model_->yaml);
  for (const VariantModel& variant : model_->variants) {
    for (const auto& source :
         {variant.info.source, variant.verify ? variant.verify->source : std::filesystem::path{}}) {
      if (source.empty()) continue;
      if (auto error = hasher.add(source, source.filename().string())) return *std::move(error);
    }
  }
  return hasher.digest().hex128();
}

}  // namespace weir
