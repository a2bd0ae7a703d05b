#include "gpu/faulty_backend.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/digest.h"

namespace weir {
namespace {

Error injected(const Executable& executable, const std::string& what) {
  return {ErrorKind::failed, executable.kernel + " with " + executable.config + ": " + what, ""};
}

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

}  // namespace

Fault planned_fault(const FaultPlan& plan, const std::string& kernel, const std::string& problem,
                    const std::string& config) {
  if (const auto given = plan.by_config.find(config); given != plan.by_config.end()) return given->second;
  Digest digest;
  for (const std::string& part : {std::to_string(plan.seed), kernel, problem, config}) digest.add(part);
  // 52 of its bits as a number in [0, 1).
  double left =
      static_cast<double>(std::strtoull(digest.hex64().substr(0, 13).c_str(), nullptr, 16)) * 0x1p-52;
  for (const auto& [fault, probability] : plan.probability) {
    if (left < probability) return fault;
    left -= probability;
  }
  return Fault::none;
}

Fault FaultyBackend::fault_of(const Executable& executable) const {
  return planned_fault(plan_, executable.kernel, executable.problem, executable.config);
}

Result<Executable> FaultyBackend::build(const Candidate& candidate) {
  const Fault fault =
      planned_fault(plan_, candidate.kernel, to_string(candidate.problem), to_string(candidate.config));
  if (fault == Fault::build_error) {
    return Error{ErrorKind::failed,
                 candidate.kernel + " with " + to_string(candidate.config) + ": does not compile (injected)",
                 ""};
  }
  if (fault == Fault::slow_build) sleep_for(plan_.delay_seconds);
  return inner_->build(candidate);
}

Result<Verification> FaultyBackend::verify(const Executable& executable) {
  switch (fault_of(executable)) {
    case Fault::crash:
      return injected(executable, "the worker was killed by signal 11, Segmentation fault (injected)");
    case Fault::hang:
      sleep_for(plan_.delay_seconds);
      return injected(executable, "the worker gave no answer and was killed (injected)");
    case Fault::wrong_result:
      return Verification{
          .passed = false, .error = 1, .allowed_error = 0.01, .detail = "a wrong element (injected)"};
    default:
      return inner_->verify(executable);
  }
}

std::vector<Result<Timing>> FaultyBackend::time(std::span<const Executable> executables,
                                                const TimingOptions& options) {
  std::vector<Executable> healthy;
  for (const Executable& executable : executables) {
    if (fault_of(executable) != Fault::time_crash) healthy.push_back(executable);
  }
  std::vector<Result<Timing>> timed = inner_->time(healthy, options);
  std::vector<Result<Timing>> results;
  std::size_t next = 0;
  for (const Executable& executable : executables) {
    if (fault_of(executable) == Fault::time_crash) {
      results.push_back(
          injected(executable, "the worker was killed by signal 11, Segmentation fault (injected)"));
    } else {
      results.push_back(std::move(timed[next++]));
    }
  }
  return results;
}

Result<Counters> FaultyBackend::count(const Executable& executable, const CountOptions& options) {
  if (fault_of(executable) == Fault::count_crash) {
    return injected(executable, "the worker was killed by signal 11, Segmentation fault (injected)");
  }
  return inner_->count(executable, options);
}

}  // namespace weir
