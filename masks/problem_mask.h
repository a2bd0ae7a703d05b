// A problem whose tables a mask's name gives.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/definition.h"
#include "masks/block_mask.h"

namespace weir {

// The shape that a problem's seq_q, seq_kv, block_q, block_kv, mask_heads and causal say; an error if its
// kernel has no such parameters, or no tables for a mask.
Result<MaskShape> mask_shape(const KernelDefinition& definition, std::string_view problem);

// The mask's tables that the definition has.
std::map<std::string, std::vector<std::int64_t>> tables_for(const KernelDefinition& definition,
                                                            const BlockMask& mask);

// The tables that are given and, unless `mask` is empty, those of the mask that it names (masks/mask_text.h).
Result<std::map<std::string, std::vector<std::int64_t>>> with_mask(
    const KernelDefinition& definition, std::string_view problem,
    std::map<std::string, std::vector<std::int64_t>> tables, std::string_view mask);

// KernelDefinition::problem with these tables.
Result<Problem> masked_problem(const KernelDefinition& definition, std::string_view problem,
                               std::map<std::string, std::vector<std::int64_t>> tables,
                               std::string_view mask);

}  // namespace weir
