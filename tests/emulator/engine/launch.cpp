#include "engine/launch.h"

#include <signal.h>

#include <numeric>
#include <vector>

#include "engine/scheduler.h"

namespace weir::emulator {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

// What a faulting address is, in the kernel's terms.
std::string describe(int signal, const void* address) {
  Scheduler& scheduler = *Scheduler::current();
  if (signal == SIGILL) return "an index beyond the end of an array, or a misaligned access";
  if (signal == SIGFPE) return "an integer division by zero";
  const auto* byte = static_cast<const std::byte*>(address);
  const auto relation = [&](const GuardedMemory& memory) {
    const std::byte* end = memory.data() + memory.bytes();
    if (byte >= end) return std::to_string(byte - end) + " bytes past its end";
    if (byte < memory.data()) return std::to_string(memory.data() - byte) + " bytes before its start";
    return "at byte " + std::to_string(byte - memory.data()) + ", which the kernel may only read";
  };
  for (const Region& region : scheduler.request().memory) {
    if (region.memory->surrounds(address)) {
      return "an access to tensor " + region.name + " of " + std::to_string(region.memory->bytes()) +
             " bytes, " + relation(*region.memory);
    }
  }
  if (scheduler.dynamic_shared().surrounds(address)) {
    return "an access to dynamic shared memory of " + std::to_string(scheduler.request().shared_bytes) +
           " bytes, " + relation(scheduler.dynamic_shared());
  }
  if (scheduler.on_stacks(address)) return "an overflow of its stack";
  char text[32];
  std::snprintf(text, sizeof text, "%p", address);
  return std::string("an access to address ") + text + ", which is no memory of the kernel";
}

void on_fault(int signal, siginfo_t* info, void*) {
  Scheduler& scheduler = *Scheduler::current();
  const Thread& thread = scheduler.thread();
  scheduler.note_failure(describe(signal, info->si_addr) + ", after " +
                         (thread.operation == nullptr ? "" : std::string(thread.operation) + " at ") +
                         text_of(thread.site));
  scheduler.leave();
}

// While it lives, faults end the emulated block. They are handled on a stack of their own: the fault may be
// an overflow of the fiber's.
class FaultHandlers {
 public:
  FaultHandlers() : stack_(kStackBytes) {
    stack_t stack{};
    stack.ss_sp = stack_.data();
    stack.ss_size = stack_.size();
    sigaltstack(&stack, &old_stack_);
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    // The handler never returns, so the signal must not stay blocked.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &old_[i]);
  }
  ~FaultHandlers() {
    for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &old_[i], nullptr);
    sigaltstack(&old_stack_, nullptr);
  }

 private:
  static constexpr std::size_t kStackBytes = 256 * 1024;
  std::vector<std::byte> stack_;
  stack_t old_stack_{};
  struct sigaction old_[std::size(kSignals)]{};
};

}  // namespace

LaunchReport run(LaunchRequest& request) {
  Scheduler scheduler(request);
  const FaultHandlers handlers;
  const std::array<unsigned, 3>& cluster = request.cluster;
  std::array<unsigned, 3> clusters{};
  for (std::size_t i = 0; i < 3; ++i) clusters[i] = request.grid[i] / cluster[i];
  const std::uint64_t count = static_cast<std::uint64_t>(clusters[0]) * clusters[1] * clusters[2];
  std::vector<std::uint64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::uint64_t i = count; i > 1; --i) std::swap(order[i - 1], order[scheduler.random() % i]);

  LaunchReport report;
  for (const std::uint64_t number : order) {
    const auto plane = static_cast<std::uint64_t>(clusters[0]) * clusters[1];
    const Index3 first{static_cast<unsigned>(number % clusters[0]) * cluster[0],
                       static_cast<unsigned>(number / clusters[0] % clusters[1]) * cluster[1],
                       static_cast<unsigned>(number / plane) * cluster[2]};
    std::vector<Index3> blocks;
    for (unsigned z = 0; z < cluster[2]; ++z) {
      for (unsigned y = 0; y < cluster[1]; ++y) {
        for (unsigned x = 0; x < cluster[0]; ++x) blocks.push_back({first.x + x, first.y + y, first.z + z});
      }
    }
    report.failure = scheduler.run_cluster(blocks);
    if (!report.failure.empty()) break;
  }
  const std::string failure = std::move(report.failure);
  report = scheduler.report();
  report.failure = failure;
  return report;
}

}  // namespace weir::emulator
