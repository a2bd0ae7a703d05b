// One variant: tunables, tensors, named values, restrictions, and what is computed from them.
#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "kernels/definition_loader.h"
#include "kernels/section_merge.h"
#include "kernels/yaml_fields.h"

namespace weir {

namespace {

constexpr std::int64_t kMaxConfigurations = 1'000'000;  // all of them are held in memory

class VariantLoader {
 public:
  VariantLoader(const YamlNode& root, const YamlNode* own, const std::filesystem::path& folder,
                const DefinitionModel& definition)
      : root_(root), own_(own), folder_(folder), definition_(definition) {}

  VariantModel load() {
    variant_.names = definition_.base;
    load_head();
    load_tunables();
    load_defaults();
    load_tensor_heads();
    load_lets_and_shapes();
    load_restrictions();
    load_results();
    load_launches();
    if (const YamlNode* verify = child_of(&root_, "verify"))
      variant_.verify = load_verify(*verify, folder_, variant_, definition_.table_names);
    return std::move(variant_);
  }

 private:
  Scope& scope() { return variant_.names.scope; }

  std::filesystem::path source_file(const YamlNode& node, const std::string& what) const {
    return folder_ / read_text(node, what);
  }

  void load_head() {
    if (own_ != nullptr) {
      const Fields fields(*own_, "a variant", variant_keys());
      variant_.info.name = read_name(fields.require("name", "the variant's name"), "the variant's name");
      if (const YamlNode* source = fields.find("source"))
        variant_.info.source = source_file(*source, "'source'");
      const auto capability = [&](const char* key, std::int64_t& value) {
        const YamlNode* node = fields.find(key);
        if (node == nullptr) return;
        value = read_integer(*node, in_quotes(key));
        if (value < 10 || value > 999) {
          throw YamlError(node->line, "found " + describe(*node) + " as " + in_quotes(key) +
                                          "; expected major * 10 + minor, such as 90");
        }
      };
      capability("min_compute_capability", variant_.info.min_compute_capability);
      capability("max_compute_capability", variant_.info.max_compute_capability);
    }
    if (variant_.info.source.empty() && std::filesystem::exists(folder_ / "kernel.cu")) {
      variant_.info.source = folder_ / "kernel.cu";
    }
  }

  void load_tunables() {
    std::int64_t configurations = 1;
    for (const YamlNode* entry : merged_map(root_, own_, "tunables")) {
      TunableModel tunable;
      tunable.info.name = entry->key;
      tunable.line = entry->key_line;
      const std::string what = "the values of the tunable '" + entry->key + "'";
      if (entry->kind != YamlNode::Kind::list || entry->children.empty()) {
        throw YamlError(entry->line,
                        "found " +
                            (entry->kind == YamlNode::Kind::list ? "an empty list" : describe(*entry)) +
                            " as " + what + "; expected a list of integers such as [64, 128]");
      }
      const std::string& first = entry->children.front().text;
      tunable.info.boolean = first == "true" || first == "false";
      for (const YamlNode& child : entry->children) {
        const std::int64_t value =
            tunable.info.boolean ? read_bool(child, "one of " + what) : read_integer(child, "one of " + what);
        auto& values = tunable.info.values;
        if (std::find(values.begin(), values.end(), value) != values.end()) {
          throw YamlError(child.line,
                          "found " + child.text + " twice in " + what + "; expected each value once");
        }
        values.push_back(value);
      }
      tunable.slot = define(variant_.names, entry->key, entry->key_line, "a tunable");
      configurations *= static_cast<std::int64_t>(tunable.info.values.size());
      if (configurations > kMaxConfigurations) {
        throw YamlError(entry->line, "found more than " + std::to_string(kMaxConfigurations) +
                                         " combinations of tunables up to '" + entry->key +
                                         "'; expected fewer values");
      }
      variant_.info.tunables.push_back(tunable.info);
      variant_.tunables.push_back(std::move(tunable));
    }
  }

  void load_defaults() {
    std::set<std::string> given;
    for (const YamlNode* entry : merged_map(root_, own_, "default")) {
      const auto found =
          std::find_if(variant_.tunables.begin(), variant_.tunables.end(),
                       [&](const TunableModel& tunable) { return tunable.info.name == entry->key; });
      if (found == variant_.tunables.end()) {
        std::vector<std::string> names;
        for (const TunableModel& tunable : variant_.tunables) names.push_back(tunable.info.name);
        const std::string hint = did_you_mean(entry->key, names);
        throw YamlError(entry->key_line,
                        "found '" + entry->key + "' in the default" + of_variant() +
                            (hint.empty() ? "; expected one of the tunables " + list_of(names) : hint));
      }
      const std::string what = "the default of '" + entry->key + "'";
      const std::int64_t value = found->info.boolean ? read_bool(*entry, what) : read_integer(*entry, what);
      const auto& values = found->info.values;
      if (std::find(values.begin(), values.end(), value) == values.end()) {
        std::vector<std::string> texts;
        for (const std::int64_t legal : values) texts.push_back(value_text(legal, found->info.boolean));
        throw YamlError(entry->line, "found " + entry->text + " as " + what +
                                         "; expected one of its values " + list_of(texts));
      }
      found->fallback = value;
      given.insert(entry->key);
    }
    for (const TunableModel& tunable : variant_.tunables) {
      if (given.contains(tunable.info.name)) continue;
      throw YamlError(tunable.line, "found the tunable '" + tunable.info.name +
                                        "' without a value in the default" + of_variant() +
                                        "; expected 'default' to give every tunable one of its values");
    }
  }

  // Names and types only; shapes come with the lets.
  void load_tensor_heads() {
    tensor_nodes_ = merged_map(root_, own_, "tensors");
    if (tensor_nodes_.empty())
      throw YamlError(root_.line, "found no 'tensors'; expected at least one tensor");
    for (const YamlNode* entry : tensor_nodes_) {
      TensorModel tensor;
      tensor.name = entry->key;
      tensor.line = entry->key_line;
      const std::string what = "the tensor '" + entry->key + "'";
      const Fields fields(*entry, what,
                          {"role", "element", "shape", "strides", "alignment_bytes", "fill", "summary"});
      tensor.role = static_cast<Role>(read_choice(fields.require("role", "role: in, out, inout or scratch"),
                                                  "the role of " + what, {"in", "out", "inout", "scratch"}));
      load_element(fields.require("element", "element: a type such as f32, or a parameter"), tensor);
      if (const YamlNode* alignment = fields.find("alignment_bytes")) {
        const std::int64_t bytes = read_integer(*alignment, "'alignment_bytes'");
        if (bytes < 1 || bytes > 4096 || (bytes & (bytes - 1)) != 0) {
          throw YamlError(alignment->line, "found " + alignment->text +
                                               " as 'alignment_bytes'; expected a power of two up to 4096");
        }
        tensor.alignment_bytes = bytes;
      }
      if (const YamlNode* fill = fields.find("fill")) {
        tensor.fill = static_cast<Fill>(read_choice(*fill, "'fill'", {"normal", "uniform", "zero", "iota"}));
      }
      const YamlNode& shape = fields.require("shape", "shape: one extent per dimension");
      expect_list(shape, "the shape of " + what);
      if (shape.children.empty()) {
        throw YamlError(shape.line, "found an empty shape of " + what + "; expected at least one dimension");
      }
      define_without_slot(variant_.names, entry->key, entry->key_line, "a tensor");
      tensor.element_bytes_slot = variant_.names.add(tensor.name + ".element_bytes");
      tensor.bytes_slot = variant_.names.add(tensor.name + ".bytes");
      variant_.tensors.push_back(std::move(tensor));
    }
  }

  void load_element(const YamlNode& node, TensorModel& tensor) {
    const std::string name = read_name(node, "the element of '" + tensor.name + "'");
    tensor.element = parse_element(name);
    if (tensor.element) return;
    std::vector<std::string> names;
    for (const ParameterModel& parameter : definition_.parameters) {
      if (!parameter.is_element) continue;
      names.push_back(parameter.info.name);
      if (parameter.info.name == name) tensor.element_slot = parameter.slot;
    }
    if (tensor.element_slot >= 0) return;
    for (std::size_t i = 0; i < kElementCount; ++i) names.emplace_back(to_string(static_cast<Element>(i)));
    throw YamlError(node.line, "found '" + name + "' as the element of '" + tensor.name +
                                   "'; expected one of " + list_of(names));
  }

  // Lets may use the bytes of tensors, and shapes may use lets: each is evaluated as soon as its names are.
  void load_lets_and_shapes() {
    const std::vector<const YamlNode*> lets = merged_map(root_, own_, "let");
    Names all = variant_.names;  // every name, to find unknown ones before those that are only late
    for (const YamlNode* entry : lets) define(all, entry->key, entry->key_line, "a let");
    for (std::size_t i = 0; i < variant_.tensors.size(); ++i) load_shape(i, all.scope);

    std::vector<bool> ready(variant_.tensors.size(), false);
    std::set<int> late;  // slots that have no value yet
    for (const TensorModel& tensor : variant_.tensors) late.insert(tensor.bytes_slot);
    const auto first_let_slot = variant_.names.scope.size();
    for (std::size_t i = 0; i < lets.size(); ++i) late.insert(first_let_slot + static_cast<int>(i));

    const auto usable = [&](const LocatedExpression& located) {
      const std::vector<int> used = located.expression.slots();
      return std::none_of(used.begin(), used.end(), [&](int slot) { return late.contains(slot); });
    };
    const auto take_ready_tensors = [&] {
      for (bool progress = true; progress;) {
        progress = false;
        for (std::size_t i = 0; i < variant_.tensors.size(); ++i) {
          const TensorModel& tensor = variant_.tensors[i];
          if (ready[i] || !std::all_of(tensor.shape.begin(), tensor.shape.end(), usable) ||
              !std::all_of(tensor.strides.begin(), tensor.strides.end(), usable)) {
            continue;
          }
          ready[i] = progress = true;
          late.erase(tensor.bytes_slot);
          variant_.steps.push_back({Step::Kind::tensor, i});
        }
      }
    };

    take_ready_tensors();
    for (const YamlNode* entry : lets) {
      LetModel let;
      let.name = entry->key;
      let.value = read_let(*entry, all.scope);
      if (!usable(let.value)) {
        throw YamlError(
            entry->line,
            "found the bytes of a tensor in the let '" + entry->key +
                "' whose shape needs that let or a later one; expected them to be defined before");
      }
      let.slot = define(variant_.names, entry->key, entry->key_line, "a let");
      late.erase(let.slot);
      variant_.steps.push_back({Step::Kind::let, variant_.lets.size()});
      variant_.lets.push_back(std::move(let));
      take_ready_tensors();
    }
    for (std::size_t i = 0; i < ready.size(); ++i) {
      if (ready[i]) continue;
      throw YamlError(variant_.tensors[i].line,
                      "found a circle: the shape of '" + variant_.tensors[i].name +
                          "' needs its own bytes; expected a shape from other names");
    }
  }

  LocatedExpression read_let(const YamlNode& entry, const Scope& all) {
    const std::string what = "the let '" + entry.key + "'";
    try {
      return read_expression(entry, what, scope());
    } catch (const YamlError&) {
      if (entry.kind != YamlNode::Kind::scalar || !Expression::parse(entry.text, all)) throw;
      throw YamlError(entry.line,
                      "found in " + what + " " + describe(entry) +
                          " the name of the let itself or of a later one; expected earlier names only");
    }
  }

  void load_shape(std::size_t index, const Scope& all) {
    TensorModel& tensor = variant_.tensors[index];
    const Fields fields(*tensor_nodes_[index], "a tensor",
                        {"role", "element", "shape", "strides", "alignment_bytes", "fill", "summary"});
    tensor.shape = read_expressions(*fields.find("shape"), "the shape of '" + tensor.name + "'", all);
    const YamlNode* strides = fields.find("strides");
    if (strides == nullptr) return;
    tensor.strides = read_expressions(*strides, "the strides of '" + tensor.name + "'", all);
    if (tensor.strides.size() != tensor.shape.size()) {
      throw YamlError(strides->line, "found " + std::to_string(tensor.strides.size()) + " strides of '" +
                                         tensor.name + "'; expected " + std::to_string(tensor.shape.size()) +
                                         ", one per dimension");
    }
  }

  void load_restrictions() {
    for (const YamlNode* entry : merged_list(root_, own_, "restrictions")) {
      const Fields fields(*entry, "a restriction", {"require", "reason"});
      RestrictionModel restriction;
      restriction.require =
          read_expression(fields.require("require", "require: an expression"), "'require'", scope());
      restriction.reason =
          read_text(fields.require("reason", "reason: what a person should know"), "'reason'");
      variant_.restrictions.push_back(std::move(restriction));
    }
  }

  void load_results() {
    if (const YamlNode* flops = child_of(&root_, "useful_flops")) {
      variant_.useful_flops = read_expression(*flops, "'useful_flops'", scope());
    }
    const YamlNode* bounds = child_of(&root_, "bounds");
    if (bounds == nullptr) return;
    const Fields fields(*bounds, "'bounds'", {"lower_bound_bytes", "source"});
    variant_.lower_bound_bytes = read_expression(
        fields.require("lower_bound_bytes", "an expression in bytes"), "'lower_bound_bytes'", scope());
    variant_.lower_bound_source = read_text(fields.require("source", "source: who proved it"), "'source'");
  }

  void load_launches() {
    std::vector<bool> written(variant_.tensors.size(), false);
    std::set<std::string> names;
    for (const YamlNode* entry : merged_list(root_, own_, "launches")) {
      LaunchModel launch = load_launch(*entry, variant_, definition_.table_names, written);
      if (!names.insert(launch.name).second) {
        throw YamlError(entry->line, "found a second launch '" + launch.name + "'; expected each name once");
      }
      variant_.launches.push_back(std::move(launch));
    }
    if (variant_.launches.empty())
      throw YamlError(root_.line, "found no 'launches'" + of_variant() + "; expected at least one");
  }

  std::string of_variant() const {
    return variant_.info.name.empty() ? std::string{} : " of the variant '" + variant_.info.name + "'";
  }

  const YamlNode& root_;
  const YamlNode* own_;
  const std::filesystem::path& folder_;
  const DefinitionModel& definition_;
  VariantModel variant_;
  std::vector<const YamlNode*> tensor_nodes_;
};

}  // namespace

const std::vector<std::string>& variant_keys() {
  static const std::vector<std::string> keys{"name",
                                             "source",
                                             "min_compute_capability",
                                             "max_compute_capability",
                                             "summary",
                                             "tensors",
                                             "tunables",
                                             "default",
                                             "let",
                                             "restrictions",
                                             "launches"};
  return keys;
}

VariantModel load_variant(const YamlNode& root, const YamlNode* own, const std::filesystem::path& folder,
                          const DefinitionModel& definition) {
  return VariantLoader(root, own, folder, definition).load();
}

}  // namespace weir
