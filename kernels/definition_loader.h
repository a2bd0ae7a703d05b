// From YAML to the definition's model. Private to kernels/. All functions throw YamlError.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/definition_model.h"
#include "kernels/yaml_node.h"

namespace weir {

// Fills everything but the file and the YAML text. `folder` is where relative sources are looked up.
void load_definition(const YamlNode& root, const std::filesystem::path& folder, DefinitionModel& definition);

// One entry of `problem`, added to the parameters and their names.
void load_parameter(const YamlNode& node, DefinitionModel& definition);

// One variant: the common sections (`root`) with what `own` adds or replaces; `own` is null if there are no
// variants.
VariantModel load_variant(const YamlNode& root, const YamlNode* own, const std::filesystem::path& folder,
                          const DefinitionModel& definition);

// The keys of a definition and of an entry of `variants`.
const std::vector<std::string>& definition_keys();
const std::vector<std::string>& variant_keys();

// One entry of `launches`. `written` says which tensors earlier launches store or reduce to; this one's are
// added.
LaunchModel load_launch(const YamlNode& node, const VariantModel& variant,
                        const std::vector<std::string>& tables, std::vector<bool>& written);
std::vector<ArgumentModel> load_arguments(const YamlNode& node, const VariantModel& variant,
                                          const std::vector<std::string>& tables);

// `verify` of a definition, as this variant sees it.
VerifyModel load_verify(const YamlNode& node, const std::filesystem::path& folder,
                        const VariantModel& variant, const std::vector<std::string>& tables);

// The actions of a launch's `program`.
std::vector<Action> load_program(const YamlNode& list, const std::vector<TensorModel>& tensors, Names& names,
                                 std::vector<bool>& written);

}  // namespace weir
