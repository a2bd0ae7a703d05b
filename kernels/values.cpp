// KernelDefinition::config and default_config: values of tunables from text and back.
#include <algorithm>

#include "base/suggest.h"
#include "kernels/assignments.h"
#include "kernels/definition_model.h"

namespace weir {

namespace {

std::string tunable_value_text(const TunableModel& tunable, std::int64_t value) {
  return value_text(value, tunable.info.boolean);
}

const TunableModel* find_tunable(const VariantModel& variant, std::string_view name) {
  for (const TunableModel& tunable : variant.tunables) {
    if (tunable.info.name == name) return &tunable;
  }
  return nullptr;
}

std::optional<Error> read_tunables(const VariantModel& variant, const std::vector<Assignment>& given,
                                   bool fill_default, Config& config) {
  std::vector<std::string> names;
  for (const TunableModel& tunable : variant.tunables) names.push_back(tunable.info.name);
  const std::string of = variant.info.name.empty() ? "" : " of the variant '" + variant.info.name + "'";
  for (const Assignment& assignment : given) {
    if (assignment.name == "variant" || find_tunable(variant, assignment.name) != nullptr) continue;
    return usage_error("found the unknown tunable '" + assignment.name + "'; expected tunables" + of + ": " +
                       list_of(names) + did_you_mean(assignment.name, names));
  }
  for (const TunableModel& tunable : variant.tunables) {
    const Assignment* assignment = find_assignment(given, tunable.info.name);
    if (assignment == nullptr && !fill_default) {
      return usage_error("found no value for the tunable '" + tunable.info.name + "'" + of +
                         "; expected every tunable");
    }
    std::optional<std::int64_t> value = tunable.fallback;
    if (assignment != nullptr)
      value = tunable.info.boolean ? parse_boolean(assignment->value) : parse_integer(assignment->value);
    const auto& values = tunable.info.values;
    if (!value || std::find(values.begin(), values.end(), *value) == values.end()) {
      std::vector<std::string> texts;
      for (const std::int64_t each : values) texts.push_back(tunable_value_text(tunable, each));
      return usage_error("found " + tunable.info.name + "=" + assignment->value + of + "; expected one of " +
                         list_of(texts));
    }
    config.values.push_back({tunable.info.name, *value, tunable_value_text(tunable, *value)});
  }
  config.variant = variant.info.name;
  return std::nullopt;
}

// Those of the variants that the device can run, of the highest compute capability first.
std::vector<Config> safe_defaults(const DefinitionModel& model, const DeviceLimits& device) {
  std::vector<const VariantModel*> variants;
  for (const VariantModel& variant : model.variants) {
    if (variant.info.runs_on(device)) variants.push_back(&variant);
  }
  std::stable_sort(variants.begin(), variants.end(), [](const VariantModel* a, const VariantModel* b) {
    return a->info.min_compute_capability > b->info.min_compute_capability;
  });
  std::vector<Config> configs;
  for (const VariantModel* variant : variants) {
    Config& config = configs.emplace_back(Config{variant->info.name, {}});
    for (const TunableModel& tunable : variant->tunables) {
      config.values.push_back(
          {tunable.info.name, tunable.fallback, tunable_value_text(tunable, tunable.fallback)});
    }
  }
  return configs;
}

}  // namespace

Result<Config> KernelDefinition::config(std::string_view text, bool fill_default) const {
  const Result<std::vector<Assignment>> given = split_assignments(text);
  if (!given) return given.error();
  const Assignment* wanted = find_assignment(*given, "variant");
  std::optional<Error> first_error;
  std::vector<std::string> names;
  for (const VariantModel& variant : model_->variants) {
    names.push_back(variant.info.name);
    if (wanted != nullptr && wanted->value != variant.info.name) continue;
    Config config;
    auto error = read_tunables(variant, *given, fill_default, config);
    if (!error) return config;
    if (!first_error) first_error = std::move(error);
  }
  if (first_error) return *std::move(first_error);
  return usage_error(
      "found the unknown variant '" + wanted->value + "' of " + model_->name + "; expected " +
      (names.front().empty() ? "no variant" : list_of(names) + did_you_mean(wanted->value, names)));
}

Result<Config> KernelDefinition::default_config(const DeviceLimits& device) const {
  std::vector<Config> defaults = safe_defaults(*model_, device);
  if (defaults.empty()) {
    return Error{ErrorKind::rejected, "no variant of " + model_->name + " runs on compute capability " +
                                          std::to_string(device.compute_capability)};
  }
  return std::move(defaults.front());
}

Result<Config> KernelDefinition::default_config(const Problem& problem, const DeviceLimits& device) const {
  for (Config& config : safe_defaults(*model_, device)) {
    if (resolve(problem, config, device)) return std::move(config);
  }
  return default_config(device);
}

}  // namespace weir
