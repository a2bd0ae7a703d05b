// Sections of a definition that variants add to. Private to kernels/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/yaml_node.h"

namespace weir {

// Null if there is no such child, or no map.
const YamlNode* child_of(const YamlNode* map, std::string_view key);

// The entries of a section of maps: the common ones (`root`), each replaced in its place by the variant's of
// the same key, and then those that only the variant (`own`, may be null) has. The nodes belong to root and
// own.
std::vector<const YamlNode*> merged_map(const YamlNode& root, const YamlNode* own, const std::string& key);

// The same for lists; entries with the same `name` replace each other, and those without a name are all kept.
std::vector<const YamlNode*> merged_list(const YamlNode& root, const YamlNode* own, const std::string& key);

}  // namespace weir
