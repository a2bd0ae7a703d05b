// Dynamic shared memory of any block of the cluster, and which of it was written without a fence for
// asynchronous readers.
#pragma once

#include "engine/scheduler.h"

namespace weir::emulator {

// Preconditions: an address inside the block's dynamic shared memory.
unsigned char* shared_in(const Block& block, unsigned address);

// The running thread writes 16 bytes the ordinary way.
void mark_unfenced(unsigned address);
// Ends the launch if 16 bytes were written without a fence.
void check_fenced(unsigned address, const char* reader, Site site);

}  // namespace weir::emulator
