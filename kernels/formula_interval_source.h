// The text of formula_interval.inc, for <weir/config.h>. Private to kernels/.
#pragma once

namespace weir {

extern const char* const kFormulaIntervalSource;

}  // namespace weir
