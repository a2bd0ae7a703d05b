#include "gpu/recorded_backend.h"

#include <chrono>
#include <thread>

namespace weir {
namespace {

std::string key_of(const std::string& kernel, const std::string& problem, const std::string& config) {
  return kernel + "\n" + problem + "\n" + config;
}

}  // namespace

RecordedBackend::RecordedBackend(DeviceFacts facts, Provenance provenance, std::vector<RecordedRow> rows,
                                 RecordedOptions options)
    : facts_(std::move(facts)),
      provenance_(std::move(provenance)),
      options_(options),
      tier_reason_("nothing was recorded") {
  for (RecordedRow& row : rows) {
    if (row.measurement.tier < tier_) {
      tier_ = row.measurement.tier;
      tier_reason_ = row.measurement.tier_reason;
    }
    std::string key = key_of(row.kernel, row.problem, row.config);
    rows_.insert_or_assign(std::move(key), std::move(row));
  }
}

Result<const RecordedRow*> RecordedBackend::find(const std::string& kernel, const std::string& problem,
                                                 const std::string& config) const {
  const auto row = rows_.find(key_of(kernel, problem, config));
  if (row != rows_.end()) return &row->second;
  return Error{ErrorKind::failed, kernel + " with " + config + " is not in the recording for " + problem, ""};
}

Result<const RecordedRow*> RecordedBackend::replay(const Executable& executable) const {
  wait();
  const Result<const RecordedRow*> row = find(executable.kernel, executable.problem, executable.config);
  if (row && !row.value()->failure.empty()) return Error{ErrorKind::failed, row.value()->failure, ""};
  return row;
}

void RecordedBackend::wait() const {
  if (options_.delay_seconds > 0)
    std::this_thread::sleep_for(std::chrono::duration<double>(options_.delay_seconds));
}

Result<Executable> RecordedBackend::build(const Candidate& candidate) {
  Executable executable{.kernel = candidate.kernel,
                        .problem = to_string(candidate.problem),
                        .config = to_string(candidate.config),
                        .launches = executable_launches(candidate),
                        .deterministic = candidate.verify.deterministic};
  const Result<const RecordedRow*> row = find(executable.kernel, executable.problem, executable.config);
  if (!row) return row.error();
  executable.resources = row.value()->measurement.resources;
  return executable;
}

Status RecordedBackend::prepare(const Candidate& candidate) {
  wait();
  const std::string start = key_of(candidate.kernel, to_string(candidate.problem), "");
  const auto row = rows_.lower_bound(start);
  if (row != rows_.end() && row->first.rfind(start, 0) == 0) return ok_status();
  return Error{ErrorKind::missing,
               "the recording has no " + candidate.kernel + " for " + to_string(candidate.problem),
               "Replay a problem that was recorded, or tune on the GPU."};
}

Result<Verification> RecordedBackend::verify(const Executable& executable) {
  const Result<const RecordedRow*> row = replay(executable);
  if (!row) return row.error();
  return row.value()->measurement.verification;
}

std::vector<Result<Timing>> RecordedBackend::time(std::span<const Executable> executables,
                                                  const TimingOptions&) {
  std::vector<Result<Timing>> results;
  for (const Executable& executable : executables) {
    const Result<const RecordedRow*> row = replay(executable);
    if (!row) {
      results.push_back(row.error());
    } else if (row.value()->measurement.timing.samples == 0) {
      results.push_back(Error{ErrorKind::failed, executable.config + " was recorded without a time", ""});
    } else {
      results.push_back(row.value()->measurement.timing);
    }
  }
  return results;
}

Result<Counters> RecordedBackend::count(const Executable& executable, const CountOptions&) {
  const Result<const RecordedRow*> row = replay(executable);
  if (!row) return row.error();
  if (row.value()->measurement.counters.repeats == 0) {
    return Error{ErrorKind::failed, executable.config + " was recorded without counters", ""};
  }
  return row.value()->measurement.counters;
}

}  // namespace weir
