#include "kernels/config_header.h"

#include <limits>
#include <set>

#include "kernels/element.h"

namespace weir {

namespace {

std::string integer_constant(const std::string& name, std::int64_t value) {
  const bool fits_int =
      value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
  return std::string("constexpr ") + (fits_int ? "int " : "long long ") + name + " = " +
         std::to_string(value) + ";\n";
}

std::string boolean_constant(const std::string& name, std::int64_t value) {
  return "constexpr bool " + name + " = " + value_text(value, true) + ";\n";
}

}  // namespace

bool is_default(const ParameterModel& parameter, const NamedValue& value) {
  return parameter.formula_fallback && parameter.formula_fallback->formula.text() == value.text;
}

std::string config_header(const DefinitionModel& definition, const Problem& problem,
                          const VariantModel& variant, const Config* config,
                          const std::map<std::string, std::string>& formula_sources) {
  std::string text = "#pragma once\nenum class Element { ";
  for (std::size_t i = 0; i < kElementCount; ++i) {
    text += (i == 0 ? "" : ", ") + std::string(to_string(static_cast<Element>(i)));
  }
  text += " };\nnamespace config {\n";
  if (config != nullptr) {
    for (const TunableModel& tunable : variant.tunables) {
      const std::int64_t value = value_of(config->values, tunable.info.name);
      text += tunable.info.boolean ? boolean_constant(tunable.info.name, value)
                                   : integer_constant(tunable.info.name, value);
    }
  }
  std::set<std::string> written;  // values of enums that are not element types
  bool has_ranges = false;
  for (const ParameterModel& parameter : definition.parameters) {
    if (!parameter.info.compile_time) continue;
    const NamedValue& value = *find(problem.values, parameter.info.name);
    switch (parameter.info.type) {
      case ParameterInfo::Type::boolean:
        text += boolean_constant(value.name, value.value);
        break;
      case ParameterInfo::Type::integer:
        text += integer_constant(value.name, value.value);
        break;
      case ParameterInfo::Type::enumeration:
        if (parameter.is_element) {
          text += "constexpr Element " + value.name + " = Element::" + value.text + ";\n";
          break;
        }
        for (const std::string& name : parameter.info.values) {
          if (written.insert(name).second) text += integer_constant(name, definition.enum_values.at(name));
        }
        text += "constexpr int " + value.name + " = " + value.text + ";\n";
        break;
      case ParameterInfo::Type::real:
        text += "constexpr float " + value.name + " = " + float_literal(value.real) + ";\n";
        break;
      case ParameterInfo::Type::formula: {
        if (parameter.signature.gives_bool && !has_ranges) text += formula_range_source();
        has_ranges = has_ranges || parameter.signature.gives_bool;
        text += boolean_constant(value.name + "_is_default", is_default(parameter, value)) +
                formula_sources.at(value.name);
        break;
      }
    }
  }
  return text + "}\n";
}

}  // namespace weir
