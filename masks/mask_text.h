// Block masks as people name them.
//
//   butterfly + window(left=2) + global(rows=1,columns=1)
//
// keeps what any of its parts keeps. The parts, with what may be left out:
//
//   full
//   butterfly(stride=<power of two>)            default: as large as the mask
//   window(left=0,right=0)                      blocks beside the diagonal
//   global(rows=0,columns=0)                    of blocks
//   random(density=<0 to 1>,seed=0)
//   file(PATH)                                  0 and 1 for each block, row after row, head after head; what
//   is
//                                               neither is skipped; one head's matrix serves all
#pragma once

#include <string_view>

#include "base/result.h"
#include "masks/block_mask.h"

namespace weir {

// Errors say what was found and what is possible.
Result<BlockMask> parse_mask(std::string_view text, const MaskShape& shape);

}  // namespace weir
