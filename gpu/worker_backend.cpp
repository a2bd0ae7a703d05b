#include "gpu/worker_backend.h"

#include <chrono>
#include <mutex>
#include <thread>

#include "gpu/build_candidate.h"
#include "gpu/compiler.h"
#include "gpu/wire.h"
#include "gpu/worker_process.h"

namespace weir {
namespace {

class WorkerBackend : public Backend {
 public:
  explicit WorkerBackend(const WorkerOptions& options) : options_(options) {}

  // The first start. Later ones happen inside calls.
  Status open() {
    if (Status status = start(); !status) return status;
    if (options_.counters_required && hello_.tier != Tier::counters) {
      return Error{ErrorKind::counters_denied, hello_.tier_reason,
                   "`weir doctor` says what is missing for hardware counters."};
    }
    Result<Compiler> compiler = Compiler::open(options_.cache_folder);
    compiler_.emplace(std::move(compiler));
    return ok_status();
  }

  const DeviceFacts& facts() const override { return hello_.facts; }
  Tier tier() const override { return hello_.tier; }
  std::string tier_reason() const override { return hello_.tier_reason; }
  Provenance provenance() const override { return hello_.provenance; }

  Result<Executable> build(const Candidate& candidate) override {
    if (!*compiler_) return compiler_->error();
    return build_candidate(**compiler_, candidate, options_.include_folder,
                           hello_.facts.limits.compute_capability);
  }

  Status prepare(const Candidate& candidate) override {
    const std::lock_guard lock(mutex_);
    prepared_.reset();
    WorkerRequest request{.call = WorkerCall::prepare, .candidate = candidate};
    const Result<WorkerReply> reply = call(request, options_.patience.prepare);
    if (!reply) return reply.error();
    prepared_ = candidate;
    return ok_status();
  }

  Result<Verification> verify(const Executable& executable) override {
    const std::lock_guard lock(mutex_);
    const Result<WorkerReply> reply =
        call({.call = WorkerCall::verify, .executables = {executable}}, options_.patience.verify);
    if (!reply) return about(executable, reply.error());
    return reply.value().verification;
  }

  std::vector<Result<Timing>> time(std::span<const Executable> executables,
                                   const TimingOptions& options) override {
    const std::lock_guard lock(mutex_);
    const Error pending{ErrorKind::interrupted, "not timed", ""};
    std::vector<Result<Timing>> results(executables.size(), pending);
    std::vector<std::size_t> open(executables.size());
    for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
    while (!open.empty()) {
      const std::size_t before = open.size();
      time_once(executables, options, open, results);
      if (open.size() == before) break;  // nobody got an answer
    }
    for (const std::size_t index : open) {
      Error error = results[index].error();
      error.kind = ErrorKind::failed;
      results[index] = about(executables[index], std::move(error));
    }
    return results;
  }

  Result<Counters> count(const Executable& executable, const CountOptions& options) override {
    const std::lock_guard lock(mutex_);
    const auto ask = [&] {
      return call({.call = WorkerCall::count, .executables = {executable}, .counting = options},
                  options_.patience.count);
    };
    Result<WorkerReply> reply = ask();
    // CUPTI can fail in a process in which it has counted many candidates (CUPTI_ERROR_UNKNOWN, one of 680 on
    // an H100); a new process begins anew.
    if (!reply && reply.error().kind == ErrorKind::counters_denied) {
      process_.reset();
      reply = ask();
    }
    if (!reply) return about(executable, reply.error());
    return reply.value().counters;
  }

 private:
  static Error about(const Executable& executable, Error error) {
    if (error.message.find(executable.config) == std::string::npos) {
      error.message = executable.kernel + " with " + executable.config + ": " + error.message;
    }
    return error;
  }

  // Times those in `open` and removes those that are answered for. A worker that dies does not say which
  // candidate killed it, so they are then timed one by one.
  void time_once(std::span<const Executable> executables, const TimingOptions& options,
                 std::vector<std::size_t>& open, std::vector<Result<Timing>>& results) {
    const WorkerPatience& patience = options_.patience;
    auto ask = [&](const std::vector<std::size_t>& indices) {
      WorkerRequest request{.call = WorkerCall::time, .timing = options};
      for (const std::size_t index : indices) request.executables.push_back(executables[index]);
      const double each = 2 * options.maximum_seconds + patience.time_per_candidate;
      Result<WorkerReply> reply = call(request, patience.time + static_cast<double>(indices.size()) * each);
      if (reply && reply->timings.size() != indices.size()) {
        process_.reset();
        return Result<WorkerReply>(Error{ErrorKind::failed, "the worker answered for other candidates", ""});
      }
      return reply;
    };
    const Result<WorkerReply> together = ask(open);
    std::vector<std::size_t> again;
    for (std::size_t position = 0; position < open.size(); ++position) {
      const std::size_t index = open[position];
      if (together) {
        results[index] = together.value().timings[position];
      } else if (open.size() == 1) {
        results[index] = about(executables[index], together.error());
      } else {
        const Result<WorkerReply> alone = ask({index});
        results[index] = alone ? alone.value().timings.front() : about(executables[index], alone.error());
      }
      if (!results[index] && results[index].error().kind == ErrorKind::interrupted) again.push_back(index);
    }
    open = std::move(again);
  }

  Status start() {
    Result<std::unique_ptr<WorkerProcess>> process =
        WorkerProcess::start(options_.program, options_.arguments);
    if (!process) return process.error();
    process_ = std::move(process).value();
    WorkerRequest request{.call = WorkerCall::open,
                          .open = {.ordinal = options_.ordinal,
                                   .include_folder = options_.include_folder,
                                   .cache_folder = options_.cache_folder,
                                   .kernel_seconds_limit = options_.kernel_seconds_limit}};
    Result<WorkerReply> reply = exchange(request, options_.patience.open);
    if (!reply) {
      process_.reset();
      return reply.error();
    }
    hello_ = std::move(reply).value();
    return ok_status();
  }

  // A running worker with the prepared problem. The GPU may need a moment after a fault.
  Status revive() {
    if (process_) return ok_status();
    constexpr int kAttempts = 3;
    Status status = ok_status();
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(200 << (2 * attempt)));
      const WorkerReply first = hello_;
      status = start();
      if (!status) continue;
      if (hello_.facts.uuid != first.facts.uuid) {
        process_.reset();
        return Error{ErrorKind::no_device, "the worker came back with another GPU, " + hello_.facts.uuid, ""};
      }
      hello_ = first;  // one tier for the whole sweep
      if (!prepared_) return ok_status();
      const Result<WorkerReply> replay =
          exchange({.call = WorkerCall::prepare, .candidate = *prepared_}, options_.patience.prepare);
      if (replay) return ok_status();
      status = replay.error();
      process_.reset();
    }
    return status;
  }

  Result<WorkerReply> call(const WorkerRequest& request, double seconds) {
    if (Status status = revive(); !status) return status.error();
    return exchange(request, seconds);
  }

  // One request to the running worker. Afterwards there is no worker if it died or lost its context.
  Result<WorkerReply> exchange(const WorkerRequest& request, double seconds) {
    const Result<std::string> text = process_->ask(encode(request), seconds);
    if (!text) {
      process_.reset();
      return text.error();
    }
    Result<WorkerReply> reply = decode_reply(text.value());
    if (!reply) {
      process_.reset();
      return Error{ErrorKind::failed, reply.error().message, ""};
    }
    if (reply->lost) process_.reset();
    if (reply->error) return *reply->error;
    return reply;
  }

  WorkerOptions options_;
  std::mutex mutex_;
  std::unique_ptr<WorkerProcess> process_;
  WorkerReply hello_;  // the answer to the first open request
  std::optional<Candidate> prepared_;
  std::optional<Result<Compiler>> compiler_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_worker_backend(const WorkerOptions& options) {
  auto backend = std::make_unique<WorkerBackend>(options);
  if (Status status = backend->open(); !status) return status.error();
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace weir
