#include "reports/statistics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace weir::report {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void require_equal_sizes(std::size_t a, std::size_t b) {
  if (a != b) throw std::invalid_argument("statistics: the two sides differ in size");
}

}  // namespace

std::optional<double> quantile(std::vector<double> values, double p) {
  if (!(p >= 0 && p <= 1)) throw std::invalid_argument("quantile: p must be between 0 and 1");
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double position = p * static_cast<double>(values.size() - 1);
  const auto index = static_cast<std::size_t>(position);
  const double fraction = position - static_cast<double>(index);
  const double lower = values[index];
  if (fraction == 0 || index + 1 == values.size() || values[index + 1] == lower) return lower;
  return lower + fraction * (values[index + 1] - lower);
}

std::optional<double> median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double shared = (static_cast<double>(begin + 1) + static_cast<double>(end)) / 2;
    for (std::size_t i = begin; i < end; ++i) result[order[i]] = shared;
    begin = end;
  }
  return result;
}

std::optional<double> spearman(const std::vector<double>& x, const std::vector<double>& y) {
  require_equal_sizes(x.size(), y.size());
  if (x.size() < 3) return std::nullopt;
  const std::vector<double> rank_x = ranks(x);
  const std::vector<double> rank_y = ranks(y);
  const double center = (static_cast<double>(x.size()) + 1) / 2;  // the mean rank, with or without ties
  double covariance = 0, variance_x = 0, variance_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    covariance += (rank_x[i] - center) * (rank_y[i] - center);
    variance_x += (rank_x[i] - center) * (rank_x[i] - center);
    variance_y += (rank_y[i] - center) * (rank_y[i] - center);
  }
  if (variance_x == 0 || variance_y == 0) return std::nullopt;
  return std::clamp(covariance / std::sqrt(variance_x * variance_y), -1.0, 1.0);
}

std::optional<double> geometric_mean_excess(const std::vector<double>& excesses) {
  if (excesses.empty()) return std::nullopt;
  double logarithms = 0;
  for (const double excess : excesses) logarithms += std::log1p(excess);
  return std::expm1(logarithms / static_cast<double>(excesses.size()));
}

std::optional<double> variance_explained(const std::vector<int>& groups, const std::vector<double>& values) {
  require_equal_sizes(groups.size(), values.size());
  if (values.empty()) return std::nullopt;
  const double center = mean(values);
  double total = 0;
  std::map<int, std::vector<double>> by_group;
  for (std::size_t i = 0; i < values.size(); ++i) {
    total += (values[i] - center) * (values[i] - center);
    by_group[groups[i]].push_back(values[i]);
  }
  // Rounding alone leaves a relative spread of about 1e-16.
  if (total <= 1e-24 * static_cast<double>(values.size()) * (1 + center * center)) return std::nullopt;
  double between = 0;
  for (const auto& [group, members] : by_group) {
    const double offset = mean(members) - center;
    between += static_cast<double>(members.size()) * offset * offset;
  }
  return std::clamp(between / total, 0.0, 1.0);
}

}  // namespace weir::report
