// Tunables as reports see them: read back from a config's text ("tile_m=128,tile_n=64,variant=sm90").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/record.h"

namespace weir::report {

// In the order of the text. A part without '=' is a name with an empty value: the text is untrusted.
std::vector<std::pair<std::string, std::string>> parse_config(std::string_view config);

// What `other` sets differently: "tile_n=64,stages=4", or "(without variant)" parts; empty where they agree.
std::string config_difference(std::string_view base, std::string_view other);

// A tunable that takes at least two values among some rows.
struct VariedTunable {
  std::string name;
  std::vector<std::string> values;  // in natural order
  std::vector<int> value_of_row;    // index into values, parallel to the rows
  double reads_explained = 0;  // share of the variance of log(DRAM reads) that the tunable alone explains
  double time_explained = 0;   // the same for log(time)

  double influence() const { return reads_explained + time_explained; }
};

// The varied tunables of timed rows, most influential first. Reads are the measured ones where all rows have
// counters, else the predicted ones.
std::vector<VariedTunable> varied_tunables(const std::vector<Record>& records,
                                           const std::vector<std::size_t>& rows);

}  // namespace weir::report
