// The statistics of reports. Each returns nullopt where the value is not defined.
#pragma once

#include <optional>
#include <vector>

namespace weir::report {

// The value at position p * (n - 1) of the sorted values, linear between neighbours (Hyndman and Fan's type
// 7, the default of R and NumPy). Infinite values are allowed, NaN is not. nullopt for no values.
// Precondition: 0 <= p <= 1.
std::optional<double> quantile(std::vector<double> values, double p);
std::optional<double> median(std::vector<double> values);

// 1 for the smallest; equal values share the mean of their ranks.
std::vector<double> ranks(const std::vector<double>& values);

// Spearman's rank correlation: Pearson's over ranks, which is right with ties. nullopt for fewer than three
// pairs or where either side is constant. Precondition: equal sizes.
std::optional<double> spearman(const std::vector<double>& x, const std::vector<double>& y);

// Geometric mean of (1 + excess) minus 1. nullopt for no values. Precondition: every excess > -1.
std::optional<double> geometric_mean_excess(const std::vector<double>& excesses);

// Share of the variance of `values` that knowing each value's group explains (eta squared), 0 to 1. nullopt
// where the values don't vary. Precondition: equal sizes.
std::optional<double> variance_explained(const std::vector<int>& groups, const std::vector<double>& values);

}  // namespace weir::report
