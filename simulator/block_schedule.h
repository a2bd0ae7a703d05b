// When the last block of a launch ends: blocks start in order on the first SM that has room, and those on one
// SM share it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weir {

// `kinds[u]` is the kind of unit u, in the order of dispatch; a unit of kind k takes durations[k * slots + n
// - 1] seconds while n units are on its SM, and its progress is carried over when n changes. Units start one
// per SM in turn. A launch of many waves is not followed unit by unit: all but the last waves run on full
// SMs, and their time is the mean over the slots. Preconditions: sms > 0 and slots > 0.
// Throws std::invalid_argument unless all durations are positive and finite.
double schedule_seconds(std::size_t sms, std::size_t slots, std::span<const std::uint32_t> kinds,
                        std::span<const double> durations);

}  // namespace weir
