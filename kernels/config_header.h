// The text of <weir/config.h>: a candidate's constants for the CUDA source. Private to kernels/.
#pragma once

#include <string>

#include "kernels/definition_model.h"

namespace weir {

// Constants of every compile_time parameter, and of every tunable if `config` is given.
std::string config_header(const DefinitionModel& definition, const Problem& problem,
                          const VariantModel& variant, const Config* config);

}  // namespace weir
