// KernelDefinition::problem, config, default_config and enumerate: values of parameters and tunables from
// text and back.
#include <algorithm>
#include <charconv>

#include "kernels/definition_model.h"
#include "kernels/suggest.h"

namespace weir {

namespace {

struct Assignment {
  std::string name;
  std::string value;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Error usage(std::string message) {
  return {ErrorKind::usage, std::move(message)};
}

// "k=v,k=v".
Result<std::vector<Assignment>> split(std::string_view text) {
  std::vector<Assignment> assignments;
  if (trimmed(text).empty()) return assignments;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = trimmed(text.substr(begin, end - begin));
    const std::size_t equals = part.find('=');
    Assignment assignment{
        std::string(trimmed(part.substr(0, equals))),
        equals == std::string_view::npos ? "" : std::string(trimmed(part.substr(equals + 1)))};
    if (assignment.name.empty() || assignment.value.empty()) {
      return usage("found '" + std::string(part) + "'; expected name=value, separated by commas");
    }
    for (const Assignment& other : assignments) {
      if (other.name == assignment.name) {
        return usage("found '" + assignment.name + "' twice; expected each name once");
      }
    }
    assignments.push_back(std::move(assignment));
    begin = end + 1;
  }
  return assignments;
}

const Assignment* find(const std::vector<Assignment>& assignments, std::string_view name) {
  const auto found = std::find_if(assignments.begin(), assignments.end(),
                                  [&](const Assignment& assignment) { return assignment.name == name; });
  return found == assignments.end() ? nullptr : &*found;
}

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> boolean(std::string_view text) {
  if (text == "true" || text == "1") return 1;
  if (text == "false" || text == "0") return 0;
  return std::nullopt;
}

// What a parameter takes, for messages.
std::string legal(const ParameterModel& parameter) {
  if (parameter.info.type == ParameterInfo::Type::boolean) return "true or false";
  if (parameter.info.type == ParameterInfo::Type::enumeration)
    return "one of " + list_of(parameter.info.values);
  std::string text = "an integer";
  if (parameter.min) text += ", at least " + parameter.min->expression.text();
  if (parameter.max) text += ", at most " + parameter.max->expression.text();
  if (parameter.multiple_of) text += ", a multiple of " + parameter.multiple_of->expression.text();
  return text;
}

// Fills in one problem after another parameter.
class ProblemReader {
 public:
  ProblemReader(const DefinitionModel& definition, const std::vector<Assignment>& given)
      : definition_(definition),
        given_(given),
        slots_(static_cast<std::size_t>(definition.base.scope.size())) {
    for (const auto& [name, value] : definition.enum_values) {
      slots_[static_cast<std::size_t>(*definition.base.scope.slot(name))] = value;
    }
  }

  std::optional<Error> read(const ParameterModel& parameter, Problem& problem) {
    const std::string& name = parameter.info.name;
    std::int64_t value = 0;
    std::string found;
    if (const Assignment* assignment = find(given_, name)) {
      found = assignment->value;
      const auto parsed = parse(parameter, assignment->value);
      if (!parsed) return illegal(parameter, found);
      value = *parsed;
    } else if (parameter.fallback) {
      value = parameter.fallback->expression.evaluate(frame());
      found = std::to_string(value) + " (the default " + parameter.fallback->expression.text() + ")";
    } else {
      return usage("the problem of " + definition_.name + " has no value for '" + name + "'; expected " +
                   legal(parameter) +
                   (parameter.info.summary.empty() ? "" : " (" + parameter.info.summary + ")"));
    }
    const auto text = text_of(parameter, value);
    if (!text) return illegal(parameter, found);
    slots_[static_cast<std::size_t>(parameter.slot)] = value;
    problem.values.push_back({name, value, *text});
    return std::nullopt;
  }

  Frame frame() { return {slots_, {}}; }

 private:
  Error illegal(const ParameterModel& parameter, const std::string& found) const {
    return usage("found " + parameter.info.name + "=" + found + " in the problem of " + definition_.name +
                 "; expected " + legal(parameter) + did_you_mean(found, parameter.info.values));
  }

  std::optional<std::int64_t> parse(const ParameterModel& parameter, const std::string& text) const {
    switch (parameter.info.type) {
      case ParameterInfo::Type::integer:
        return integer(text);
      case ParameterInfo::Type::boolean:
        return boolean(text);
      case ParameterInfo::Type::enumeration:
        break;
    }
    const auto& values = parameter.info.values;
    if (std::find(values.begin(), values.end(), text) == values.end()) return std::nullopt;
    return definition_.enum_values.at(text);
  }

  // Nothing if the value is illegal.
  std::optional<std::string> text_of(const ParameterModel& parameter, std::int64_t value) {
    switch (parameter.info.type) {
      case ParameterInfo::Type::integer:
        if (parameter.min && value < parameter.min->expression.evaluate(frame())) return std::nullopt;
        if (parameter.max && value > parameter.max->expression.evaluate(frame())) return std::nullopt;
        if (parameter.multiple_of) {
          const std::int64_t unit = parameter.multiple_of->expression.evaluate(frame());
          if (unit < 1 || value % unit != 0) return std::nullopt;
        }
        return std::to_string(value);
      case ParameterInfo::Type::boolean:
        if (value != 0 && value != 1) return std::nullopt;
        return value_text(value, true);
      case ParameterInfo::Type::enumeration:
        for (const std::string& name : parameter.info.values) {
          if (definition_.enum_values.at(name) == value) return name;
        }
        return std::nullopt;
    }
    return std::nullopt;
  }

  const DefinitionModel& definition_;
  const std::vector<Assignment>& given_;
  std::vector<std::int64_t> slots_;
};

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
    return usage("found the unknown tunable '" + assignment.name + "'; expected tunables" + of + ": " +
                 list_of(names) + did_you_mean(assignment.name, names));
  }
  for (const TunableModel& tunable : variant.tunables) {
    const Assignment* assignment = find(given, tunable.info.name);
    if (assignment == nullptr && !fill_default) {
      return usage("found no value for the tunable '" + tunable.info.name + "'" + of +
                   "; expected every tunable");
    }
    std::optional<std::int64_t> value = tunable.fallback;
    if (assignment != nullptr)
      value = tunable.info.boolean ? boolean(assignment->value) : integer(assignment->value);
    const auto& values = tunable.info.values;
    if (!value || std::find(values.begin(), values.end(), *value) == values.end()) {
      std::vector<std::string> texts;
      for (const std::int64_t each : values) texts.push_back(tunable_value_text(tunable, each));
      return usage("found " + tunable.info.name + "=" + assignment->value + of + "; expected one of " +
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

Result<Problem> KernelDefinition::problem(std::string_view text,
                                          std::map<std::string, std::vector<std::int64_t>> tables) const {
  const Result<std::vector<Assignment>> split_text = split(text);
  if (!split_text) return split_text.error();
  std::vector<std::string> names;
  for (const ParameterModel& parameter : model_->parameters) names.push_back(parameter.info.name);
  const Assignment* given_hash = nullptr;
  for (const Assignment& assignment : *split_text) {
    if (std::find(names.begin(), names.end(), assignment.name) != names.end()) continue;
    if (assignment.name == "tables" && !model_->tables.empty()) {
      given_hash = &assignment;
      continue;
    }
    return usage("found the unknown problem parameter '" + assignment.name + "' of " + model_->name +
                 "; expected " + list_of(names) + did_you_mean(assignment.name, names));
  }

  Problem problem;
  ProblemReader reader(*model_, *split_text);
  try {
    for (const ParameterModel& parameter : model_->parameters) {
      if (auto error = reader.read(parameter, problem)) return *std::move(error);
    }
    for (const auto& [name, entries] : tables) {
      if (std::find(model_->table_names.begin(), model_->table_names.end(), name) ==
          model_->table_names.end()) {
        return usage("found the unknown table '" + name + "' of " + model_->name + "; expected " +
                     list_of(model_->table_names) + did_you_mean(name, model_->table_names));
      }
    }
    for (const TableModel& table : model_->tables) {
      const auto found = tables.find(table.name);
      if (found == tables.end()) {
        return usage("the problem of " + model_->name + " has no table '" + table.name +
                     "'; expected a list of integers");
      }
      if (!table.length) continue;
      const std::int64_t length = table.length->expression.evaluate(reader.frame());
      if (length != static_cast<std::int64_t>(found->second.size())) {
        return usage("found " + std::to_string(found->second.size()) + " entries in the table '" +
                     table.name + "'; expected " + std::to_string(length) + " (" +
                     table.length->expression.text() + ")");
      }
    }
  } catch (const ExpressionError& error) {
    return usage("in the problem parameters of " + model_->name + ": " + error.what());
  }
  problem.tables = std::move(tables);
  if (given_hash != nullptr && given_hash->value != tables_hash(problem)) {
    return usage("found tables=" + given_hash->value + ", but the given tables have the hash " +
                 tables_hash(problem) + "; expected the tables that the problem was written with");
  }
  return problem;
}

Result<Config> KernelDefinition::config(std::string_view text, bool fill_default) const {
  const Result<std::vector<Assignment>> given = split(text);
  if (!given) return given.error();
  const Assignment* wanted = find(*given, "variant");
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
  return usage("found the unknown variant '" + wanted->value + "' of " + model_->name + "; expected " +
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

std::vector<Config> KernelDefinition::enumerate(const DeviceLimits& device) const {
  std::vector<Config> configs;
  for (const VariantModel& variant : model_->variants) {
    if (!variant.info.runs_on(device)) continue;
    std::vector<std::size_t> digits(variant.tunables.size(), 0);  // the last one counts fastest
    for (bool more = true; more;) {
      Config config{variant.info.name, {}};
      for (std::size_t i = 0; i < digits.size(); ++i) {
        const TunableModel& tunable = variant.tunables[i];
        const std::int64_t value = tunable.info.values[digits[i]];
        config.values.push_back({tunable.info.name, value, tunable_value_text(tunable, value)});
      }
      configs.push_back(std::move(config));
      more = false;
      for (std::size_t i = digits.size(); i-- > 0;) {
        if (++digits[i] < variant.tunables[i].info.values.size()) {
          more = true;
          break;
        }
        digits[i] = 0;
      }
    }
  }
  return configs;
}

}  // namespace weir
