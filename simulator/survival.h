// The law by which data survives in the L2: the share of a tile that is still there when `distance` bytes of
// L2 space have been taken since its last use, in units of the capacity.
#pragma once

#include <vector>

namespace weir {

// However wide the law: no table shows a loss below half of the capacity.
inline constexpr double kLeastDistance = 0.5;

// Gumbel: survival(x) = exp(-exp((x - 1) / width)). Misses begin slowly below the capacity and reuse ends
// abruptly above it, as measured (docs/model.md).
double survival(double distance, double width);

// The distance at which a line is lost on average: the mean of the Gumbel law.
double mean_lifetime(double width);

// The law in a table, for three capacities: as it is, and smaller and larger by some share (for intervals).
// Its entries are worked out when they are first asked for, which a short prediction does with few.
class SurvivalTable {
 public:
  struct Miss {
    float expected = 0;
    float pessimistic = 0;  // of the smaller capacity
    float optimistic = 0;   // of the larger capacity
  };

  SurvivalTable(double width, double smaller, double larger, int steps = 1024);

  // Below first() everything hits, from last() on everything misses, whatever the capacity.
  double first() const { return first_; }
  double last() const { return last_; }
  // Lives as long as the table.
  const Miss& miss(double distance) {
    const double position = (distance - first_) * scale_;
    if (position <= 0) return kNothing;
    if (position >= steps_) return kAll;
    const auto step = static_cast<std::size_t>(position);
    if (misses_[step].expected < 0) work_out(step);
    return misses_[step];
  }
  static const Miss kNothing, kAll;

 private:
  void work_out(std::size_t step);

  int steps_;
  double width_;
  double smaller_;
  double larger_;
  double first_;
  double last_;
  double scale_;
  std::vector<Miss> misses_;  // expected < 0: not worked out yet
};
inline constexpr SurvivalTable::Miss SurvivalTable::kNothing{};
inline constexpr SurvivalTable::Miss SurvivalTable::kAll{1, 1, 1};

}  // namespace weir
