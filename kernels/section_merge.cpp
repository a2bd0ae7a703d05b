#include "kernels/section_merge.h"

#include <algorithm>

#include "kernels/yaml_fields.h"

namespace weir {

const YamlNode* child_of(const YamlNode* map, std::string_view key) {
  if (map == nullptr) return nullptr;
  for (const YamlNode& child : map->children) {
    if (child.key == key) return &child;
  }
  return nullptr;
}

std::vector<const YamlNode*> merged_map(const YamlNode& root, const YamlNode* own, const std::string& key) {
  std::vector<const YamlNode*> entries;
  for (const YamlNode* section : {child_of(&root, key), child_of(own, key)}) {
    if (section == nullptr) continue;
    expect_map(*section, "'" + key + "'");
    check_split_by_comma(*section);
    for (const YamlNode& entry : section->children) {
      const auto same = std::find_if(entries.begin(), entries.end(),
                                     [&](const YamlNode* other) { return other->key == entry.key; });
      if (same != entries.end()) {
        *same = &entry;
      } else {
        entries.push_back(&entry);
      }
    }
  }
  return entries;
}

std::vector<const YamlNode*> merged_list(const YamlNode& root, const YamlNode* own, const std::string& key) {
  const auto name_of = [](const YamlNode& entry) {
    const YamlNode* name = child_of(&entry, "name");
    return name == nullptr ? std::string{} : name->text;
  };
  std::vector<const YamlNode*> entries;
  for (const YamlNode* section : {child_of(&root, key), child_of(own, key)}) {
    if (section == nullptr) continue;
    expect_list(*section, "'" + key + "'");
    const std::size_t common = entries.size();
    for (const YamlNode& entry : section->children) {
      const std::string name = name_of(entry);
      const auto end = entries.begin() + static_cast<std::ptrdiff_t>(common);
      const auto same = std::find_if(entries.begin(), end, [&](const YamlNode* other) {
        return !name.empty() && name_of(*other) == name;
      });
      if (same != end) {
        *same = &entry;
      } else {
        entries.push_back(&entry);
      }
    }
  }
  return entries;
}

}  // namespace weir
