#include "simulator/block_schedule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <queue>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t kLongLaunchWaves = 24;  // launches of more waves are shortened …
constexpr std::size_t kFollowedWaves = 16;    // … to this many, which decide how evenly the SMs end
constexpr double kFinished = 1e-9;            // of a unit's work

struct Running {
  double left = 1;  // share of its work
  std::uint32_t kind = 0;
};

struct Multiprocessor {
  std::vector<Running> running;
  double time = 0;  // up to which `left` is right
};

}  // namespace

double schedule_seconds(std::size_t sms, std::size_t slots, std::span<const std::uint32_t> kinds,
                        std::span<const double> durations) {
  const auto duration = [&](std::uint32_t kind, std::size_t residents) {
    return durations[kind * slots + residents - 1];
  };
  for (const double seconds : durations) {
    if (!(seconds > 0 && std::isfinite(seconds)))
      throw std::invalid_argument("schedule_seconds: a unit takes " + std::to_string(seconds) + " s");
  }
  double full_waves = 0;
  const std::size_t wave = sms * slots;
  if (kinds.size() > kLongLaunchWaves * wave) {
    const std::size_t skipped = kinds.size() - kFollowedWaves * wave;
    for (const std::uint32_t kind : kinds.first(skipped)) full_waves += duration(kind, slots);
    full_waves /= static_cast<double>(wave);
    kinds = kinds.subspan(skipped);
  }

  std::vector<Multiprocessor> multiprocessors(sms);
  std::size_t next = 0;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    for (std::size_t sm = 0; sm < sms && next < kinds.size(); ++sm)
      multiprocessors[sm].running.push_back({.kind = kinds[next++]});
  }
  // The next end of a unit on each SM that has one.
  std::priority_queue<std::pair<double, std::size_t>, std::vector<std::pair<double, std::size_t>>,
                      std::greater<>>
      ends;
  const auto until_next_end = [&](const Multiprocessor& sm) {
    double soonest = std::numeric_limits<double>::infinity();
    for (const Running& unit : sm.running)
      soonest = std::min(soonest, unit.left * duration(unit.kind, sm.running.size()));
    return soonest;
  };
  const auto await_next_end = [&](std::size_t index) {
    const Multiprocessor& sm = multiprocessors[index];
    if (!sm.running.empty()) ends.emplace(sm.time + until_next_end(sm), index);
  };
  for (std::size_t index = 0; index < sms; ++index) await_next_end(index);

  double end = 0;
  while (!ends.empty()) {
    const auto [time, index] = ends.top();
    ends.pop();
    Multiprocessor& sm = multiprocessors[index];
    const std::size_t residents = sm.running.size();
    // Not the difference of two times, in which a short unit's end may be lost after a long one's.
    const double passed = until_next_end(sm);
    for (Running& unit : sm.running) unit.left -= passed / duration(unit.kind, residents);
    const std::size_t finished =
        std::erase_if(sm.running, [](const Running& unit) { return unit.left < kFinished; });
    sm.time = end = time;
    for (std::size_t i = 0; i < finished && next < kinds.size(); ++i)
      sm.running.push_back({.kind = kinds[next++]});
    await_next_end(index);
  }
  return full_waves + end;
}

}  // namespace weir
