// KernelDefinition: what kernel.yaml says. docs/kernel-definition.md is the format's reference.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/candidate.h"

namespace weir {

struct ParameterInfo {
  enum class Type { integer, boolean, enumeration, real, formula };
  std::string name;
  Type type = Type::integer;
  std::string summary;
  std::string default_text;            // empty: must be given
  std::vector<std::string> values;     // of an enumeration
  std::vector<std::string> variables;  // of a formula
  bool gives_bool = false;             // of a formula; otherwise it gives a real number
  bool compile_time = false;
};

struct TunableInfo {
  std::string name;
  std::vector<std::int64_t> values;
  bool boolean = false;  // values 0 and 1, written false and true
};

struct VariantInfo {
  std::string name;  // empty for the single unnamed variant
  std::filesystem::path source;
  std::int64_t min_compute_capability = 0;
  std::int64_t max_compute_capability = 0;  // 0: none
  std::vector<TunableInfo> tunables;        // common and own

  bool runs_on(const DeviceLimits& device) const {
    return device.compute_capability >= min_compute_capability &&
           (max_compute_capability == 0 || device.compute_capability <= max_compute_capability);
  }
};

struct DefinitionModel;  // kernels/definition_model.h

// Parsed and checked once; immutable afterwards and safe to share between threads.
class KernelDefinition {
 public:
  // Every error names file and line, what was found and what was expected.
  static Result<KernelDefinition> load(const std::filesystem::path& yaml_file);
  static Result<KernelDefinition> parse(const std::string& yaml_text,
                                        const std::filesystem::path& pretend_file);

  const std::string& name() const;
  const std::string& summary() const;
  const std::filesystem::path& file() const;
  const std::vector<ParameterInfo>& parameters() const;
  const std::vector<std::string>& tables() const;
  const std::vector<VariantInfo>& variants() const;

  // XXH3-128 of the YAML text and of every source and header it can include, as 32 hex digits: a part of
  // every store key. `include_folder` is the folder that `#include "device/…"` is relative to.
  Result<std::string> source_hash(const std::filesystem::path& include_folder) const;

  // "k=v,k=v" with defaults filled in, in the definition's order. Unknown names, illegal values and missing
  // ones are errors that say what is legal. `tables` holds the problem's integer tables.
  Result<Problem> problem(std::string_view text,
                          std::map<std::string, std::vector<std::int64_t>> tables = {}) const;
  // Its parameters, to find out what its tables must be.
  Result<Problem> problem_without_tables(std::string_view text) const;
  // "k=v,k=v"; every tunable of the variant must be given, unless `fill_default` takes missing ones from the
  // safe default.
  Result<Config> config(std::string_view text, bool fill_default = true) const;
  // The safe default of the best variant for this device.
  Result<Config> default_config(const DeviceLimits& device) const;
  // The same of the first variant, in that order, whose safe default is legal for the problem; of the very
  // first if none is.
  Result<Config> default_config(const Problem& problem, const DeviceLimits& device) const;

  // Every combination of tunable values of every variant that the device can run, in a fixed order, legal or
  // not.
  std::vector<Config> enumerate(const DeviceLimits& device) const;
  // The same without those that a restriction rejects for the problem, in much less time: the others are few
  // in a large space. resolve() may still reject some for the limits of launches.
  Result<std::vector<Config>> enumerate(const Problem& problem, const DeviceLimits& device) const;

  // The candidate, or ErrorKind::rejected with the restriction's reason, or ErrorKind::usage for a broken
  // definition.
  Result<Candidate> resolve(const Problem& problem, const Config& config, const DeviceLimits& device) const;

 private:
  std::shared_ptr<const DefinitionModel> model_;
};

// Shipped kernels: the subfolders of `folder` that have a kernel.yaml, sorted.
std::vector<std::string> list_kernels(const std::filesystem::path& folder);
// A shipped kernel's name, or a path to a kernel.yaml or its folder.
Result<KernelDefinition> find_kernel(const std::filesystem::path& folder, const std::string& name_or_path);

}  // namespace weir
