#include "comparisons/series.h"

#include <algorithm>

namespace weir::comparison {

std::vector<Series> series_of(const Comparison& comparison, const Table& table, const std::string& group,
                              const DeviceResult& device, Quantity quantity) {
  std::vector<Series> all;
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    const WorkloadRow& row = comparison.rows[i];
    if (!row.x || !shows(table, row) || row.group != group) continue;
    auto series =
        std::find_if(all.begin(), all.end(), [&](const Series& known) { return known.name == row.series; });
    if (series == all.end()) series = all.insert(all.end(), Series{row.series, {}, {}});
    const auto add = [&](const Amounts& amounts, std::vector<Point>& points) {
      const auto value = amounts.find(quantity);
      if (value != amounts.end() && value->second > 0)
        points.push_back({*row.x, value->second * table.times});
    };
    add(device.rows[i].predicted, series->predicted);
    add(device.rows[i].measured, series->measured);
  }
  const auto by_x = [](const Point& a, const Point& b) { return a.x < b.x; };
  for (Series& series : all) {
    std::sort(series.predicted.begin(), series.predicted.end(), by_x);
    std::sort(series.measured.begin(), series.measured.end(), by_x);
  }
  return all;
}

std::vector<std::string> groups_of(const Comparison& comparison, const Table& table) {
  std::vector<std::string> groups;
  for (const WorkloadRow& row : comparison.rows) {
    if (shows(table, row) && std::find(groups.begin(), groups.end(), row.group) == groups.end())
      groups.push_back(row.group);
  }
  return groups;
}

}  // namespace weir::comparison
