// Swizzled addresses of tensor copies and of wgmma's descriptors.
#pragma once

namespace weir::emulator {

// The bits of a 16-byte chunk's number within `width_bytes` (32, 64 or 128; 0: no swizzle) are combined with
// the number of the 128-byte line by exclusive or: absolute address bits, so a pattern repeats after eight
// lines.
inline unsigned swizzled(unsigned address, int width_bytes) {
  const unsigned chunks = static_cast<unsigned>(width_bytes) / 16;
  if (chunks == 0) return address;
  return address ^ (((address >> 7) & (chunks - 1)) << 4);
}

}  // namespace weir::emulator
