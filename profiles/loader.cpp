// YAML -> DeviceProfile. A profile is a map from key to {value, source} with, where they apply, calibrated or
// carried_over_from; kFields lists the keys (profiles/FORMAT.md).
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <variant>

#include "base/suggest.h"
#include "profiles/device_profile.h"
#include "profiles/quantity.h"

namespace weir {
namespace {

using Text = std::string DeviceProfile::*;
using Texts = std::vector<std::string> DeviceProfile::*;
using Integer = std::int64_t DeviceProfile::*;
using Real = double DeviceProfile::*;

struct Field {
  const char* key;
  std::variant<Text, Texts, Integer, Real> member;
  Dimension dimension = Dimension::count;
};

const Field kFields[] = {
    {"title", &DeviceProfile::title},
    {"device_names", &DeviceProfile::device_names},
    {"compute_capability", &DeviceProfile::compute_capability},
    {"sm_count", &DeviceProfile::sm_count},
    {"max_threads_per_sm", &DeviceProfile::max_threads_per_sm},
    {"max_blocks_per_sm", &DeviceProfile::max_blocks_per_sm},
    {"registers_per_sm", &DeviceProfile::registers_per_sm},
    {"shared_bytes_per_sm", &DeviceProfile::shared_bytes_per_sm, Dimension::bytes},
    {"shared_bytes_per_block", &DeviceProfile::shared_bytes_per_block, Dimension::bytes},
    {"shared_reserved_bytes_per_block", &DeviceProfile::shared_reserved_bytes_per_block, Dimension::bytes},
    {"sm_clock", &DeviceProfile::sm_clock_hertz, Dimension::hertz},
    {"tensor_rate", &DeviceProfile::tensor_flops_per_second, Dimension::flops_per_second},
    {"mma_sync_fraction", &DeviceProfile::mma_sync_fraction},
    {"fp32_rate", &DeviceProfile::fp32_flops_per_second, Dimension::flops_per_second},
    {"special_rate", &DeviceProfile::special_ops_per_second, Dimension::ops_per_second},
    {"shared_bandwidth", &DeviceProfile::shared_bytes_per_second, Dimension::bytes_per_second},
    {"l2_bytes", &DeviceProfile::l2_bytes, Dimension::bytes},
    {"l2_partitions", &DeviceProfile::l2_partitions},
    {"l2_line_bytes", &DeviceProfile::l2_line_bytes, Dimension::bytes},
    {"sector_bytes", &DeviceProfile::sector_bytes, Dimension::bytes},
    {"l2_bandwidth", &DeviceProfile::l2_bytes_per_second, Dimension::bytes_per_second},
    {"l2_private_weight", &DeviceProfile::l2_private_weight},
    {"l2_shared_weight", &DeviceProfile::l2_shared_weight},
    {"l2_survival_width", &DeviceProfile::l2_survival_width},
    {"l2_dirty_fraction", &DeviceProfile::l2_dirty_fraction},
    {"l2_foreign_dirty_bytes", &DeviceProfile::l2_foreign_dirty_bytes, Dimension::bytes},
    {"dram_bytes", &DeviceProfile::dram_bytes, Dimension::bytes},
    {"dram_bandwidth", &DeviceProfile::dram_bytes_per_second, Dimension::bytes_per_second},
    {"dram_efficiency", &DeviceProfile::dram_efficiency},
    {"dram_read_granule_bytes", &DeviceProfile::dram_read_granule_bytes, Dimension::bytes},
    {"dram_write_granule_bytes", &DeviceProfile::dram_write_granule_bytes, Dimension::bytes},
    {"dram_latency", &DeviceProfile::dram_latency_seconds, Dimension::seconds},
    {"l2_latency", &DeviceProfile::l2_latency_seconds, Dimension::seconds},
    {"launch_latency", &DeviceProfile::launch_latency_seconds, Dimension::seconds},
    {"block_overhead", &DeviceProfile::block_overhead_seconds, Dimension::seconds},
    {"step_overhead", &DeviceProfile::step_overhead_seconds, Dimension::seconds},
};

const Field* find_field(std::string_view key) {
  const auto found = std::ranges::find_if(kFields, [&](const Field& field) { return field.key == key; });
  return found == std::end(kFields) ? nullptr : found;
}

std::string nearest_key(std::string_view key) {
  std::vector<std::string> keys;
  for (const Field& field : kFields) keys.emplace_back(field.key);
  return nearest_name(key, keys);
}

class Loader {
 public:
  explicit Loader(const std::filesystem::path& file) : file_(file) {}

  Result<DeviceProfile> load() {
    YAML::Node root;
    try {
      root = YAML::LoadFile(file_.string());
    } catch (const YAML::BadFile&) {
      return Error{ErrorKind::missing, file_.string() + ": cannot be read", "Check the path."};
    } catch (const YAML::ParserException& error) {
      return at(error.mark.line, "not valid YAML: " + error.msg);
    }
    if (!root.IsMap()) return at(0, "expected a map from key to {value, source}");
    profile_.name = file_.stem().string();

    for (const auto& entry : root) {
      if (Status status = read(entry.first, entry.second); !status.ok()) return status.error();
    }
    for (const Field& field : kFields) {
      if (!seen_.contains(field.key)) {
        return at(0, std::string("the key \"") + field.key + "\" is missing", "Every key is required.");
      }
    }
    if (const auto broken = validate(profile_); !broken.empty()) {
      return at(line_of_rule(broken.front()), broken.front());
    }
    return std::move(profile_);
  }

 private:
  Status read(const YAML::Node& key_node, const YAML::Node& node) {
    const std::string key = key_node.Scalar();
    const int line = key_node.Mark().line;
    const Field* field = find_field(key);
    if (!field) {
      const std::string nearest = nearest_key(key);
      return at(line, "unknown key \"" + key + "\"",
                nearest.empty() ? "" : "Did you mean \"" + nearest + "\"?");
    }
    if (!seen_.emplace(key, line).second) return at(line, key + " is given twice");
    if (!node.IsMap()) return at(line, key + ": expected {value: …, source: …}");
    for (const auto& part : node) {
      const std::string name = part.first.Scalar();
      if (name != "value" && name != "source" && name != "calibrated" && name != "carried_over_from") {
        return at(part.first.Mark().line, key + ": unknown key \"" + name +
                                              "\"; expected value, source, calibrated, carried_over_from");
      }
    }
    const YAML::Node value = node["value"], source = node["source"];
    if (!value || value.IsNull()) return at(line, key + ": the value is missing");
    if (!source || !source.IsScalar() || source.Scalar().empty()) {
      return at(line, key + ": the source is missing",
                "Say which datasheet, query or measurement it comes from.");
    }
    Source& recorded = profile_.sources[key] = {.text = source.Scalar()};
    if (Status status = read_origin(key, node, recorded); !status.ok()) return status.error();
    return std::visit([&](auto member) { return set(member, *field, value); }, field->member);
  }

  // Measured here, measured elsewhere, or neither.
  Status read_origin(const std::string& key, const YAML::Node& node, Source& source) {
    const YAML::Node run = node["calibrated"], donor = node["carried_over_from"];
    if (run && donor) {
      return at(donor.Mark().line, key + ": a value is calibrated here or carried over, not both");
    }
    if (donor) {
      if (!donor.IsScalar() || donor.Scalar().empty()) {
        return at(donor.Mark().line, key + ": carried_over_from names a profile");
      }
      source.carried_over_from = donor.Scalar();
    }
    if (!run) return ok_status();
    const auto part = [&](const char* name) {
      const YAML::Node text = run.IsMap() ? run[name] : YAML::Node();
      return text && text.IsScalar() ? text.Scalar() : std::string();
    };
    source.calibrated = CalibrationRun{part("gpu"), part("driver"), part("date")};
    const bool complete = run.IsMap() && run.size() == 3 && !part("gpu").empty() && !part("driver").empty() &&
                          !part("date").empty();
    if (complete) return ok_status();
    return at(run.Mark().line, key + ": calibrated is {gpu: …, driver: …, date: …}: where it was measured");
  }

  Status set(Text member, const Field& field, const YAML::Node& value) {
    if (!value.IsScalar()) return at(value.Mark().line, std::string(field.key) + ": expected text");
    profile_.*member = value.Scalar();
    return ok_status();
  }

  Status set(Texts member, const Field& field, const YAML::Node& value) {
    if (!value.IsSequence() || value.size() == 0) {
      return at(value.Mark().line, std::string(field.key) + ": expected a list of texts");
    }
    for (const auto& item : value) (profile_.*member).push_back(item.Scalar());
    return ok_status();
  }

  Status set(Real member, const Field& field, const YAML::Node& value) {
    const Result<double> number = quantity(field, value);
    if (!number.ok()) return number.error();
    profile_.*member = *number;
    return ok_status();
  }

  Status set(Integer member, const Field& field, const YAML::Node& value) {
    const Result<double> number = quantity(field, value);
    if (!number.ok()) return number.error();
    if (*number != std::floor(*number) || std::abs(*number) > 9e15) {
      return at(value.Mark().line,
                std::string(field.key) + ": \"" + value.Scalar() + "\" is not a whole number");
    }
    profile_.*member = static_cast<std::int64_t>(*number);
    return ok_status();
  }

  Result<double> quantity(const Field& field, const YAML::Node& value) {
    if (!value.IsScalar()) return at(value.Mark().line, std::string(field.key) + ": expected one value");
    Result<double> number = parse_quantity(value.Scalar(), field.dimension);
    if (!number.ok()) return at(value.Mark().line, std::string(field.key) + ": " + number.error().message);
    return number;
  }

  // The line of the first key that a broken rule names.
  int line_of_rule(const std::string& rule) const {
    std::size_t first = std::string::npos;
    int line = 0;
    for (const auto& [key, key_line] : seen_) {
      if (const std::size_t position = rule.find(key); position < first) {
        first = position;
        line = key_line;
      }
    }
    return line;
  }

  Error at(int zero_based_line, const std::string& message, const std::string& advice = "") const {
    return {ErrorKind::usage, file_.string() + ":" + std::to_string(zero_based_line + 1) + ": " + message,
            advice};
  }

  std::filesystem::path file_;
  DeviceProfile profile_;
  std::map<std::string, int, std::less<>> seen_;
};

std::vector<std::filesystem::path> profile_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<DeviceProfile> load_profile(const std::filesystem::path& file) {
  return Loader(file).load();
}

Result<DeviceProfile> find_profile(const std::filesystem::path& folder, const std::string& name_or_path) {
  std::string names;
  for (const std::filesystem::path& file : profile_files(folder)) {
    if (file.stem() == name_or_path) return load_profile(file);
    names += (names.empty() ? "" : ", ") + file.stem().string();
  }
  if (std::filesystem::is_regular_file(name_or_path)) return load_profile(name_or_path);
  return Error{ErrorKind::missing, "no GPU profile \"" + name_or_path + "\"",
               names.empty() ? "There are no profiles in " + folder.string() + "."
                             : "Known profiles: " + names + "; or give the path of a profile file."};
}

Result<std::vector<DeviceProfile>> load_all_profiles(const std::filesystem::path& folder) {
  std::vector<DeviceProfile> profiles;
  for (const std::filesystem::path& file : profile_files(folder)) {
    Result<DeviceProfile> profile = load_profile(file);
    if (!profile.ok()) return profile.error();
    profiles.push_back(std::move(*profile));
  }
  return profiles;
}

}  // namespace weir
