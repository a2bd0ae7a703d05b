#include "kernels/definition.h"

#include <fstream>
#include <iterator>

#include "kernels/definition_loader.h"
#include "kernels/definition_model.h"

namespace weir {

namespace {

constexpr std::uintmax_t kMaxFileBytes = 1'000'000;

}  // namespace

Result<KernelDefinition> KernelDefinition::load(const std::filesystem::path& yaml_file) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(yaml_file, failure);
  if (failure) {
    return Error{ErrorKind::missing,
                 "cannot read the kernel definition '" + yaml_file.string() + "': " + failure.message(),
                 "Give the path of a kernel.yaml."};
  }
  if (size > kMaxFileBytes) {
    return Error{ErrorKind::usage, yaml_file.string() + ":1: found " + std::to_string(size) +
                                       " bytes; expected a kernel definition of at most 1 MB"};
  }
  std::ifstream stream(yaml_file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream)
    return Error{ErrorKind::missing, "cannot read the kernel definition '" + yaml_file.string() + "'"};

  Result<KernelDefinition> definition = parse(text, yaml_file);
  if (!definition) return definition;
  for (const VariantModel& variant : definition->model_->variants) {
    for (const auto& source :
         {variant.info.source, variant.verify ? variant.verify->source : std::filesystem::path{}}) {
      if (source.empty() || std::filesystem::is_regular_file(source)) continue;
      return Error{ErrorKind::missing,
                   yaml_file.string() + ": the source '" + source.string() + "' that it names does not exist",
                   "Correct the name, or remove it to predict only."};
    }
  }
  return definition;
}

Result<KernelDefinition> KernelDefinition::parse(const std::string& yaml_text,
                                                 const std::filesystem::path& pretend_file) {
  auto model = std::make_shared<DefinitionModel>();
  model->file = pretend_file;
  model->yaml = yaml_text;
  try {
    load_definition(parse_yaml(yaml_text), pretend_file.parent_path(), *model);
  } catch (const YamlError& error) {
    return Error{ErrorKind::usage, model->at(error.line()) + error.what()};
  }
  KernelDefinition definition;
  definition.model_ = std::move(model);
  return definition;
}

const std::string& KernelDefinition::name() const {
  return model_->name;
}
const std::string& KernelDefinition::summary() const {
  return model_->summary;
}
const std::filesystem::path& KernelDefinition::file() const {
  return model_->file;
}
const std::vector<ParameterInfo>& KernelDefinition::parameters() const {
  return model_->parameter_infos;
}
const std::vector<std::string>& KernelDefinition::tables() const {
  return model_->table_names;
}
const std::vector<VariantInfo>& KernelDefinition::variants() const {
  return model_->variant_infos;
}

}  // namespace weir
