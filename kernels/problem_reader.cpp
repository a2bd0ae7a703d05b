// KernelDefinition::problem: values of parameters from text, in the order of the definition.
#include <algorithm>

#include "base/suggest.h"
#include "kernels/assignments.h"
#include "kernels/definition_model.h"

namespace weir {

namespace {

using Type = ParameterInfo::Type;
using Tables = std::map<std::string, std::vector<std::int64_t>>;

// What a parameter takes, for messages.
std::string legal(const ParameterModel& parameter) {
  switch (parameter.info.type) {
    case Type::boolean:
      return "true or false";
    case Type::enumeration:
      return "one of " + list_of(parameter.info.values);
    case Type::formula:
      return std::string(parameter.info.gives_bool ? "a condition" : "a formula") + " of " +
             list_of(parameter.info.variables);
    case Type::real: {
      std::string text = "a number";
      if (parameter.real_min) text += ", at least " + parameter.real_min->formula.text();
      if (parameter.real_max) text += ", at most " + parameter.real_max->formula.text();
      return text;
    }
    case Type::integer:
      break;
  }
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

  std::optional<Error> read(const ParameterModel& parameter) {
    const Assignment* given = find_assignment(given_, parameter.info.name);
    if (given == nullptr && !parameter.fallback && !parameter.formula_fallback) {
      return usage_error("the problem of " + definition_.name + " has no value for '" + parameter.info.name +
                         "'; expected " + legal(parameter) +
                         (parameter.info.summary.empty() ? "" : " (" + parameter.info.summary + ")"));
    }
    switch (parameter.info.type) {
      case Type::real:
        return read_real(parameter, given);
      case Type::formula:
        return read_formula(parameter, given);
      default:
        return read_integer(parameter, given);
    }
  }

  Frame frame() { return {slots_, {}}; }
  Problem take() { return std::move(problem_); }

 private:
  std::optional<Error> read_integer(const ParameterModel& parameter, const Assignment* given) {
    std::int64_t value = 0;
    std::string found;
    if (given != nullptr) {
      found = given->value;
      const auto parsed = parse(parameter, given->value);
      if (!parsed) return illegal(parameter, found);
      value = *parsed;
    } else {
      value = parameter.fallback->expression.evaluate(frame());
      found = std::to_string(value) + " (the default " + parameter.fallback->expression.text() + ")";
    }
    const auto text = text_of(parameter, value);
    if (!text) return illegal(parameter, found);
    slots_[static_cast<std::size_t>(parameter.slot)] = value;
    problem_.values.push_back({parameter.info.name, value, *text});
    return std::nullopt;
  }

  std::optional<Error> read_real(const ParameterModel& parameter, const Assignment* given) {
    const std::optional<double> value =
        given != nullptr ? parse_real(given->value) : number(*parameter.formula_fallback);
    const std::optional<double> least = parameter.real_min ? number(*parameter.real_min) : value;
    const std::optional<double> most = parameter.real_max ? number(*parameter.real_max) : value;
    if (!value || !least || !most || *value < *least || *value > *most) {
      return illegal(parameter, given != nullptr ? given->value
                                                 : (value ? real_text(*value) : "no number") +
                                                       " (the default " + parameter.info.default_text + ")");
    }
    slots_[static_cast<std::size_t>(parameter.slot)] = real_key(*value);
    problem_.values.push_back({parameter.info.name, 0, real_text(*value), *value});
    return std::nullopt;
  }

  std::optional<Error> read_formula(const ParameterModel& parameter, const Assignment* given) {
    Result<Formula> formula = given != nullptr ? Formula::parse(given->value, parameter.signature)
                                               : Result<Formula>(parameter.formula_fallback->formula);
    const std::string what = "in the formula " + parameter.info.name + "=" +
                             (given != nullptr ? given->value : parameter.info.default_text) + " of " +
                             definition_.name + ", ";
    if (!formula) return usage_error(what + formula.error().message);
    const Result<Formula> bound = formula->bind(formula_constants(definition_, problem_));
    if (!bound) return usage_error(what + bound.error().message);
    problem_.values.push_back({parameter.info.name, 0, formula->text()});
    slots_[static_cast<std::size_t>(parameter.slot)] = is_default(parameter, problem_.values.back());
    return std::nullopt;
  }

  // Of a limit or a default; nothing if it is none.
  std::optional<double> number(const LocatedFormula& located) const {
    const Result<Formula> bound = located.formula.bind(formula_constants(definition_, problem_));
    return bound ? parse_real(real_text(bound->evaluate({}))) : std::nullopt;
  }

  Error illegal(const ParameterModel& parameter, const std::string& found) const {
    return usage_error("found " + parameter.info.name + "=" + found + " in the problem of " +
                       definition_.name + "; expected " + legal(parameter) +
                       did_you_mean(found, parameter.info.values));
  }

  std::optional<std::int64_t> parse(const ParameterModel& parameter, const std::string& text) const {
    if (parameter.info.type == Type::integer) return parse_integer(text);
    if (parameter.info.type == Type::boolean) return parse_boolean(text);
    const auto& values = parameter.info.values;
    if (std::find(values.begin(), values.end(), text) == values.end()) return std::nullopt;
    return definition_.enum_values.at(text);
  }

  // Nothing if the value is illegal.
  std::optional<std::string> text_of(const ParameterModel& parameter, std::int64_t value) {
    if (parameter.info.type == Type::boolean) {
      if (value != 0 && value != 1) return std::nullopt;
      return value_text(value, true);
    }
    if (parameter.info.type == Type::enumeration) {
      for (const std::string& name : parameter.info.values) {
        if (definition_.enum_values.at(name) == value) return name;
      }
      return std::nullopt;
    }
    if (parameter.min && value < parameter.min->expression.evaluate(frame())) return std::nullopt;
    if (parameter.max && value > parameter.max->expression.evaluate(frame())) return std::nullopt;
    if (parameter.multiple_of) {
      const std::int64_t unit = parameter.multiple_of->expression.evaluate(frame());
      if (unit < 1 || value % unit != 0) return std::nullopt;
    }
    return std::to_string(value);
  }

  const DefinitionModel& definition_;
  const std::vector<Assignment>& given_;
  std::vector<std::int64_t> slots_;
  Problem problem_;
};

// A table that was not given and has no entries need not be given.
std::optional<Error> check_table(const DefinitionModel& definition, const TableModel& table,
                                 const Frame& frame, Tables& tables) {
  constexpr std::int64_t kAnyLength = -1;
  const std::int64_t length = table.length ? table.length->expression.evaluate(frame) : kAnyLength;
  if (!tables.contains(table.name) && length != 0) {
    return usage_error("the problem of " + definition.name + " has no table '" + table.name +
                       "'; expected a list of integers");
  }
  const auto found = static_cast<std::int64_t>(tables[table.name].size());
  if (!table.length || found == length) return std::nullopt;
  return usage_error("found " + std::to_string(found) + " entries in the table '" + table.name +
                     "'; expected " + std::to_string(length) + " (" + table.length->expression.text() + ")");
}

std::optional<Error> check_tables(const DefinitionModel& definition, const Frame& frame, Tables& tables) {
  const std::vector<std::string>& known = definition.table_names;
  for (const auto& [name, entries] : tables) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return usage_error("found the unknown table '" + name + "' of " + definition.name + "; expected " +
                       list_of(known) + did_you_mean(name, known));
  }
  for (const TableModel& table : definition.tables) {
    if (auto error = check_table(definition, table, frame, tables)) return error;
  }
  return std::nullopt;
}

std::optional<Error> check_names(const DefinitionModel& definition, const std::vector<Assignment>& given) {
  std::vector<std::string> names;
  for (const ParameterModel& parameter : definition.parameters) names.push_back(parameter.info.name);
  for (const Assignment& assignment : given) {
    if (std::find(names.begin(), names.end(), assignment.name) != names.end()) continue;
    if (assignment.name == "tables" && !definition.tables.empty()) continue;
    return usage_error("found the unknown problem parameter '" + assignment.name + "' of " + definition.name +
                       "; expected " + list_of(names) + did_you_mean(assignment.name, names));
  }
  return std::nullopt;
}

}  // namespace

std::vector<FormulaConstant> formula_constants(const DefinitionModel& definition, const Problem& problem) {
  std::vector<FormulaConstant> constants;
  for (std::size_t i = 0; i < problem.values.size() && i < definition.parameters.size(); ++i) {
    const Type type = definition.parameters[i].info.type;
    if (type == Type::formula || type == Type::enumeration) continue;
    constants.push_back({problem.values[i].value, problem.values[i].real});
  }
  return constants;
}

namespace {

// Parameters alone; then `check` with the frame of their values, and the problem so far.
template <class Check>
Result<Problem> read_problem(const DefinitionModel& definition, std::string_view text, const Check& check) {
  const Result<std::vector<Assignment>> given = split_assignments(text);
  if (!given) return given.error();
  if (auto error = check_names(definition, *given)) return *std::move(error);
  ProblemReader reader(definition, *given);
  try {
    for (const ParameterModel& parameter : definition.parameters) {
      if (auto error = reader.read(parameter)) return *std::move(error);
    }
    if (std::optional<Error> error = check(reader.frame(), *given)) return *std::move(error);
  } catch (const ExpressionError& error) {
    return usage_error("in the problem parameters of " + definition.name + ": " + error.what());
  }
  return reader.take();
}

}  // namespace

Result<Problem> KernelDefinition::problem_without_tables(std::string_view text) const {
  return read_problem(*model_, text, [](const Frame&, const auto&) { return std::nullopt; });
}

Result<Problem> KernelDefinition::problem(std::string_view text, Tables tables) const {
  std::optional<std::string> hash;  // that the text says
  Result<Problem> problem = read_problem(*model_, text, [&](const Frame& frame, const auto& given) {
    if (const Assignment* said = find_assignment(given, "tables")) hash = said->value;
    return check_tables(*model_, frame, tables);
  });
  if (!problem) return problem;
  problem->tables = std::move(tables);
  if (hash && *hash != tables_hash(*problem)) {
    return usage_error("found tables=" + *hash + ", but the given tables have the hash " +
                       tables_hash(*problem) + "; expected the tables that the problem was written with");
  }
  return problem;
}

}  // namespace weir
