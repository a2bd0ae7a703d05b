#include "cli/comparison_file.h"

#include <algorithm>

#include "cli/locations.h"
#include "cli/progress.h"
#include "comparisons/chart.h"
#include "comparisons/grid.h"
#include "comparisons/series.h"
#include "reports/format.h"

namespace weir::cli {
namespace {

// As given, or beside the kernels and profiles, so that a document's commands work from any folder.
std::filesystem::path found(const std::filesystem::path& file) {
  return std::filesystem::exists(file) || file.is_absolute() ? file : home_folder() / file;
}

// A folder stands for the stores in it.
std::vector<std::filesystem::path> stores_of(const std::vector<std::string>& given) {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : given) {
    const std::filesystem::path path = found(name);
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::filesystem::path> inside;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() == ".weir") inside.push_back(entry.path());
    }
    std::sort(inside.begin(), inside.end());
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

}  // namespace

Result<EvaluatedComparison> evaluate_comparison(const ComparisonOptions& options) {
  Result<comparison::Comparison> comparison = comparison::load_comparison(found(options.file));
  if (!comparison) return comparison.error();
  if (!options.tables.empty()) {
    for (const std::string& name : options.tables) {
      const bool exists = std::any_of(comparison->tables.begin(), comparison->tables.end(),
                                      [&](const comparison::Table& table) { return table.name == name; });
      if (!exists)
        return Error{ErrorKind::usage, options.file.string() + " has no table '" + name + "'",
                     "without --table all are shown"};
    }
    std::erase_if(comparison->tables, [&](const comparison::Table& table) {
      return std::find(options.tables.begin(), options.tables.end(), table.name) == options.tables.end();
    });
  }
  comparison::Sources sources{kernels_folder(), calibrations_folder(), {}, {}, options.gpus, {}};
  Result<std::vector<DeviceProfile>> profiles = load_all_profiles(profiles_folder());
  if (!profiles) return profiles.error();
  sources.profiles = std::move(*profiles);
  for (const std::filesystem::path& file : stores_of(options.db)) {
    Result<Store> store = Store::open(file, Store::Mode::read_only);
    if (!store) return store.error();
    sources.stores.push_back(std::move(*store));
  }
  ProgressLine progress("comparing");
  sources.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
  Result<std::vector<comparison::DeviceResult>> devices = comparison::evaluate(*comparison, sources);
  progress.finish();
  if (!devices) return devices.error();
  if (devices->empty()) {
    return Error{ErrorKind::usage, "nothing to compare " + options.file.string() + " on",
                 "give a store with its rows (--db) or a device profile (--gpu)"};
  }
  return EvaluatedComparison{std::move(*comparison), std::move(*devices)};
}

std::vector<NamedChart> charts_of(const EvaluatedComparison& evaluated, const comparison::Table& table) {
  std::vector<NamedChart> charts;
  const std::vector<std::string> groups = groups_of(evaluated.comparison, table);
  for (const comparison::Quantity quantity : table.charts) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const comparison::DeviceResult& device : evaluated.devices) {
        std::string svg = chart(evaluated.comparison, table, groups[g], quantity, device);
        if (svg.empty()) continue;
        std::string quantity_name = to_string(quantity);
        std::replace(quantity_name.begin(), quantity_name.end(), ' ', '-');
        const std::string title = std::string(to_string(quantity)) +
                                  (groups.size() > 1 ? ", " + groups[g] : "") + ", " + device.title;
        const std::string part = groups.size() > 1 ? "-" + std::to_string(g + 1) : "";
        charts.push_back(
            {table.name + "-" + quantity_name + part + "-" + device.profile + ".svg", title, std::move(svg)});
      }
    }
  }
  return charts;
}

std::string comparison_html(const EvaluatedComparison& evaluated) {
  std::string result;
  for (const comparison::Table& table : evaluated.comparison.tables) {
    for (const comparison::Grid& grid : grids(evaluated.comparison, table, evaluated.devices))
      result += html(grid);
    std::string figures;
    for (const NamedChart& chart : charts_of(evaluated, table))
      figures += "<figure><figcaption>" + report::html_escape(chart.title) + "</figcaption>" + chart.svg +
                 "</figure>\n";
    if (!figures.empty()) result += "<div class=\"pair\">" + figures + "</div>\n";
  }
  return result;
}

}  // namespace weir::cli
