// `verify`: the reference, and what is launched before it.
#include "kernels/definition_loader.h"
#include "kernels/yaml_fields.h"

namespace weir {

namespace {

class VerifyLoader {
 public:
  VerifyLoader(const std::filesystem::path& folder, const VariantModel& variant,
               const std::vector<std::string>& tables)
      : folder_(folder), variant_(variant), tables_(tables) {}

  VerifyModel load(const YamlNode& node) const {
    const Fields fields(node, "'verify'",
                        {"source", "exact", "low", "grid", "threads", "shared_bytes", "arguments", "prepare",
                         "deterministic", "rule"});
    VerifyModel verify;
    verify.line = node.line;
    verify.source =
        folder_ / read_text(fields.require("source", "source: the reference's file"), "'source' of 'verify'");
    verify.exact_entry = read_name(fields.require("exact", "exact: a function's name"), "'exact'");
    verify.low_entry = read_name(fields.require("low", "low: a function's name"), "'low'");
    load_geometry(fields, "'verify'", "the reference's", verify);
    if (const YamlNode* list = fields.find("prepare")) {
      expect_list(*list, "'prepare'");
      for (const YamlNode& entry : list->children) verify.prepare.push_back(load_prepare(entry));
    }
    if (const YamlNode* deterministic = fields.find("deterministic"))
      verify.deterministic = read_expression(*deterministic, "'deterministic' of 'verify'", scope());
    if (const YamlNode* rule = fields.find("rule")) read_choice(*rule, "'rule'", {"twice_low_precision"});
    return verify;
  }

 private:
  const Scope& scope() const { return variant_.names.scope; }

  PrepareModel load_prepare(const YamlNode& node) const {
    const Fields fields(node, "an entry of 'prepare'",
                        {"entry", "grid", "threads", "shared_bytes", "arguments", "summary"});
    PrepareModel prepare;
    prepare.entry = read_name(fields.require("entry", "entry: a function of the reference's source"),
                              "'entry' of 'prepare'");
    load_geometry(fields, "'prepare'", "the function's", prepare);
    return prepare;
  }

  // What the reference and a preparing launch have in common.
  template <typename Model>
  void load_geometry(const Fields& fields, const std::string& of, const std::string& whose,
                     Model& model) const {
    model.grid =
        read_extent3(fields.require("grid", "grid: " + whose + " blocks"), "'grid' of " + of, scope());
    model.threads = read_extent3(fields.require("threads", "threads: " + whose + " block"),
                                 "'threads' of " + of, scope());
    if (const YamlNode* shared = fields.find("shared_bytes"))
      model.shared_bytes = read_expression(*shared, "'shared_bytes' of " + of, scope());
    model.arguments = load_arguments(
        fields.require("arguments", "arguments: " + whose + " arguments in order"), variant_, tables_);
  }

  const std::filesystem::path& folder_;
  const VariantModel& variant_;
  const std::vector<std::string>& tables_;
};

}  // namespace

VerifyModel load_verify(const YamlNode& node, const std::filesystem::path& folder,
                        const VariantModel& variant, const std::vector<std::string>& tables) {
  return VerifyLoader(folder, variant, tables).load(node);
}

}  // namespace weir
