// The text of <weir/config.h>: a candidate's constants for the CUDA source. Private to kernels/.
#pragma once

#include <string>

#include "kernels/definition_model.h"

namespace weir {

// Constants of every compile_time parameter, and of every tunable if `config` is given. `formula_sources` has
// the CUDA code of every formula by its name.
std::string config_header(const DefinitionModel& definition, const Problem& problem,
                          const VariantModel& variant, const Config* config,
                          const std::map<std::string, std::string>& formula_sources);

}  // namespace weir
