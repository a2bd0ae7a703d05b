// weir kernels: the kernels that Weir knows, their problems and tunables.
#include <fmt/format.h>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"

namespace weir::cli {
namespace {

const char* type_name(ParameterInfo::Type type) {
  switch (type) {
    case ParameterInfo::Type::integer:
      return "int";
    case ParameterInfo::Type::boolean:
      return "bool";
    case ParameterInfo::Type::enumeration:
      return "enum";
    case ParameterInfo::Type::real:
      return "real";
    case ParameterInfo::Type::formula:
      return "formula";
  }
  return "";
}

std::string legal_values(const ParameterInfo& parameter) {
  if (parameter.type == ParameterInfo::Type::formula)
    return fmt::format("{} of {}", parameter.gives_bool ? "bool" : "real",
                       fmt::join(parameter.variables, ", "));
  return parameter.values.empty() ? type_name(parameter.type)
                                  : fmt::format("{}", fmt::join(parameter.values, " | "));
}

std::string capabilities(const VariantInfo& variant) {
  const auto text = [](std::int64_t capability) {
    return fmt::format("{}.{}", capability / 10, capability % 10);
  };
  const std::int64_t first = variant.min_compute_capability, last = variant.max_compute_capability;
  if (first == 0 && last == 0) return "";
  if (last == 0) return fmt::format(" (compute capability {} and up)", text(first));
  if (first == last) return fmt::format(" (compute capability {})", text(first));
  return fmt::format(" (compute capability {} to {})", text(first), text(last));
}

void print(const KernelDefinition& definition) {
  fmt::print("{}: {}\n  problem\n", definition.name(), definition.summary());
  for (const ParameterInfo& p : definition.parameters()) {
    fmt::print("    {:<12} {:<14} {:<18} {}\n", p.name, legal_values(p),
               p.default_text.empty() ? "required" : "default " + p.default_text, p.summary);
  }
  for (const VariantInfo& v : definition.variants()) {
    fmt::print("  tunables{}{}\n", v.name.empty() ? "" : " of variant " + v.name, capabilities(v));
    for (const TunableInfo& t : v.tunables) fmt::print("    {:<16} {}\n", t.name, fmt::join(t.values, " "));
  }
}

Json describe(const KernelDefinition& definition) {
  Json problem = Json::array(), variants = Json::array();
  for (const ParameterInfo& p : definition.parameters()) {
    problem.push_back(Json{{"name", p.name},
                           {"type", type_name(p.type)},
                           {"values", p.values},
                           {"default", p.default_text},
                           {"summary", p.summary}});
    if (p.type != ParameterInfo::Type::formula) continue;
    problem.back()["variables"] = p.variables;
    problem.back()["gives"] = p.gives_bool ? "bool" : "real";
  }
  for (const VariantInfo& v : definition.variants()) {
    Json tunables = Json::object();
    for (const TunableInfo& t : v.tunables) tunables[t.name] = t.values;
    variants.push_back(Json{{"name", v.name},
                            {"min_compute_capability", v.min_compute_capability},
                            {"max_compute_capability", v.max_compute_capability},
                            {"tunables", tunables}});
  }
  return Json{{"kernel", definition.name()},
              {"summary", definition.summary()},
              {"file", definition.file().string()},
              {"problem", problem},
              {"variants", variants}};
}

int run(const std::vector<std::string>& wanted, bool json) {
  std::vector<std::string> names = wanted.empty() ? list_kernels(kernels_folder()) : wanted;
  Json all = Json::array();
  for (const std::string& name : names) {
    Result<KernelDefinition> definition = find_kernel(kernels_folder(), name);
    if (!definition) return complain(definition.error());
    if (json) {
      all.push_back(describe(*definition));
    } else {
      print(*definition);
    }
  }
  if (json) fmt::print("{}\n", all.dump(2));
  return kOk;
}

}  // namespace

void register_kernels(CLI::App& app, int& exit_code) {
  struct Options {
    std::vector<std::string> kernels;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("kernels", "The kernels that Weir knows, their problems and tunables");
  command->add_option("kernel", options->kernels,
                      "Shipped kernels or paths to kernel.yaml (default: all shipped)");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run(options->kernels, options->json); });
}

}  // namespace weir::cli
