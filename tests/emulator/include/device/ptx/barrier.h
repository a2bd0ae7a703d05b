// Host versions of named barriers (PTX `bar.sync` and `bar.arrive`).
#pragma once

namespace ptx {

/// Waits until `threads` threads of the block have arrived at barrier `id`; both the same for a whole warp.
inline void bar_sync(int id, int threads, WEIR_SITE) {
  weir::emulator::barrier_sync(id, threads, weir::emulator::Vote::none, false, site);
}
/// Arrives without waiting.
inline void bar_arrive(int id, int threads, WEIR_SITE) {
  weir::emulator::barrier_arrive(id, threads, site);
}

}  // namespace ptx
