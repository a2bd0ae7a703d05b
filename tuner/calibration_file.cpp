#include "tuner/calibration_file.h"

#include <yaml-cpp/yaml.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <set>

namespace weir {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string quoted(const std::string& text) {
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << text;
  return emitter.c_str();
}

std::string slope_key(std::size_t resource) {
  return to_string(static_cast<Bottleneck>(resource));
}

// Thrown and caught in this file.
struct Malformed {
  int line = 0;  // from 0
  std::string message;
};

// A map whose every key must be asked for.
class Fields {
 public:
  Fields(const YAML::Node& node, const std::string& what) : node_(node), what_(what) {
    if (!node.IsMap()) throw Malformed{node.Mark().line, what + ": expected a map"};
  }
  ~Fields() = default;

  YAML::Node at(const std::string& key) {
    asked_.insert(key);
    const YAML::Node value = node_[key];
    if (!value) throw Malformed{node_.Mark().line, what_ + ": the key \"" + key + "\" is missing"};
    return value;
  }
  template <typename T>
  T as(const std::string& key, const char* expected) {
    const YAML::Node value = at(key);
    T result{};
    if (!YAML::convert<T>::decode(value, result)) {
      throw Malformed{value.Mark().line, key + ": expected " + expected};
    }
    return result;
  }
  std::string text(const std::string& key) { return as<std::string>(key, "text"); }
  std::int64_t count(const std::string& key) { return as<std::int64_t>(key, "a whole number"); }
  double real(const std::string& key) {
    const double value = as<double>(key, "a number");
    if (!std::isfinite(value)) throw Malformed{at(key).Mark().line, key + ": expected a finite number"};
    return value;
  }
  void expect_no_other() const {
    for (const auto& entry : node_) {
      if (!asked_.contains(entry.first.Scalar()))
        throw Malformed{entry.first.Mark().line, what_ + ": unknown key \"" + entry.first.Scalar() + "\""};
    }
  }

 private:
  const YAML::Node node_;
  std::string what_;
  std::set<std::string> asked_;
};

CalibrationFamily read_family(const YAML::Node& node) {
  Fields fields(node, "family");
  CalibrationFamily family{.kernel = fields.text("kernel"),
                           .rows = fields.count("rows"),
                           .problems = fields.count("problems"),
                           .offset = fields.real("offset")};
  for (std::size_t i = 0; i < family.slopes.size(); ++i) family.slopes[i] = fields.real(slope_key(i));
  fields.expect_no_other();
  return family;
}

Calibration read(const YAML::Node& root) {
  Fields fields(root, "calibration");
  Calibration calibration{.profile = fields.text("profile"),
                          .model_digest = fields.text("model"),
                          .gpu_name = fields.text("gpu"),
                          .driver_version = fields.text("driver"),
                          .date = fields.text("date"),
                          .rows = fields.count("rows")};
  const YAML::Node uuids = fields.at("gpu_uuids");
  if (!uuids.IsSequence()) throw Malformed{uuids.Mark().line, "gpu_uuids: expected a list"};
  for (const auto& uuid : uuids) calibration.gpu_uuids.push_back(uuid.Scalar());
  const YAML::Node families = fields.at("families");
  if (!families.IsSequence()) throw Malformed{families.Mark().line, "families: expected a list"};
  for (const auto& family : families) calibration.families.push_back(read_family(family));
  fields.expect_no_other();
  return calibration;
}

}  // namespace

std::string to_yaml(const Calibration& c) {
  std::string text =
      "# What is left of the time model's error on one GPU model, fitted to stored measurements by weir "
      "calibrate.\n"
      "# log(time / model) = offset + sum of slope x (resource's seconds / model's seconds); "
      "docs/model.md.\n";
  text += "profile: " + quoted(c.profile) + "\n";
  text += "model: " + quoted(c.model_digest) + "\n";
  text += "gpu: " + quoted(c.gpu_name) + "\n";
  text += "gpu_uuids: [";
  for (std::size_t i = 0; i < c.gpu_uuids.size(); ++i) text += (i ? ", " : "") + quoted(c.gpu_uuids[i]);
  text += "]\n";
  text += "driver: " + quoted(c.driver_version) + "\n";
  text += "date: " + quoted(c.date) + "\n";
  text += "rows: " + std::to_string(c.rows) + "\n";
  text += c.families.empty() ? "families: []\n" : "families:\n";
  for (const CalibrationFamily& family : c.families) {
    text += "  - kernel: " + quoted(family.kernel) +
            (family.kernel.empty() ? "  # kernels without a family\n" : "\n");
    text += "    rows: " + std::to_string(family.rows) + "\n";
    text += "    problems: " + std::to_string(family.problems) + "\n";
    text += "    offset: " + number(family.offset) + "\n";
    for (std::size_t i = 0; i < family.slopes.size(); ++i)
      text += "    " + slope_key(i) + ": " + number(family.slopes[i]) + "\n";
  }
  return text;
}

Status save_calibration(const Calibration& calibration, const std::filesystem::path& file) {
  std::error_code error;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), error);
  const std::filesystem::path part = file.string() + ".part";
  {
    std::ofstream stream(part, std::ios::binary);
    stream << to_yaml(calibration);
    if (!stream.flush()) {
      return Error{ErrorKind::unexpected, "cannot write " + part.string(),
                   "Is there space, and may this user write there? --out names another file."};
    }
  }
  std::filesystem::rename(part, file, error);
  if (error) {
    return Error{ErrorKind::unexpected,
                 "cannot rename " + part.string() + " to " + file.string() + ": " + error.message(), ""};
  }
  return ok_status();
}

Result<Calibration> load_calibration(const std::filesystem::path& file) {
  const auto at = [&](int line, const std::string& message) {
    return Error{ErrorKind::usage, file.string() + ":" + std::to_string(line + 1) + ": " + message,
                 "Run weir calibrate again, or use --no-calibration."};
  };
  try {
    return read(YAML::LoadFile(file.string()));
  } catch (const YAML::BadFile&) {
    return Error{ErrorKind::missing, file.string() + ": cannot be read", "Check the path."};
  } catch (const YAML::Exception& error) {
    return at(error.mark.line, "not valid YAML: " + error.msg);
  } catch (const Malformed& error) {
    return at(error.line, error.message);
  }
}

Result<FoundCalibration> find_calibration(const std::filesystem::path& folder, const DeviceProfile& profile) {
  const std::filesystem::path file = folder / (profile.name + ".yaml");
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return FoundCalibration{};
  Result<Calibration> calibration = load_calibration(file);
  if (!calibration) return calibration.error();
  if (calibration->profile != profile.name || calibration->model_digest != model_digest(profile)) {
    return FoundCalibration{.note = file.string() +
                                    " was fitted to another version of the time model or of the profile; "
                                    "times are as the model says until weir calibrate is run again"};
  }
  return FoundCalibration{.calibration = std::move(*calibration)};
}

}  // namespace weir
