// Physical quantities as people write them: "50 MiB", "3.35 TB/s", "1.98 GHz". Results are in SI base units.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weir {

enum class Dimension { count, bytes, bytes_per_second, hertz, flops_per_second, ops_per_second, seconds };

// The units of a dimension, for messages: "B, KB, MB, GB, TB, KiB, MiB, GiB"; empty for counts.
std::string units_of(Dimension dimension);

// A number, then a space, then a unit of the dimension; a count is a number alone. Errors (usage) say what
// was expected.
Result<double> parse_quantity(std::string_view text, Dimension dimension);

}  // namespace weir
