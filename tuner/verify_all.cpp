#include "tuner/build_ahead.h"
#include "tuner/space.h"
#include "tuner/tune.h"

namespace weir {
namespace {

// The candidates of one problem in the order in which they are verified.
class Verifier {
 public:
  Verifier(const TuneRequest& request, Backend& backend, const Space& space)
      : request_(request),
        backend_(backend),
        space_(space),
        trials_(space.ranked.size()),
        builder_(request.definition, request.problem, backend, request.options.threads, request.stop) {
    for (std::size_t i = 0; i < trials_.size(); ++i) trials_[i].is_default = space.ranked[i].is_default;
  }

  Result<VerifyResult> run(Strategy& strategy) {
    std::vector<std::size_t> batch = strategy.next(trials_);
    while (!batch.empty()) {
      const std::vector<Config> configs = configs_of(batch);
      const std::vector<BuiltCandidate> built = builder_.build(configs);
      for (const std::size_t i : batch) trials_[i].state = Trial::State::measured;
      batch = strategy.next(trials_);
      if (!batch.empty()) builder_.start(configs_of(batch));
      if (Status status = judge(configs, built); !status) return status.error();
    }
    return std::move(result_);
  }

 private:
  std::vector<Config> configs_of(const std::vector<std::size_t>& batch) const {
    std::vector<Config> configs;
    for (const std::size_t i : batch) configs.push_back(space_.ranked[i].config);
    return configs;
  }

  Status judge(const std::vector<Config>& configs, const std::vector<BuiltCandidate>& built) {
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (request_.stop && request_.stop())
        return Error{ErrorKind::interrupted, "stopped while verifying", ""};
      if (Status status = judge(to_string(configs[i]), built[i]); !status) return status;
    }
    return ok_status();
  }

  Status judge(const std::string& config, const BuiltCandidate& built) {
    if (built.candidate && !prepared_) {
      if (Status status = backend_.prepare(*built.candidate); !status) return status;
      prepared_ = true;
    }
    if (built.error) return fail(config, *built.error);
    const Result<Verification> verification = backend_.verify(*built.executable);
    if (!verification) return fail(config, verification.error());
    if (verification->passed) {
      ++result_.passed;
    } else {
      result_.failures.emplace_back(config, "wrong result: " + verification->detail);
    }
    return ok_status();
  }

  Status fail(const std::string& config, const Error& error) {
    if (!costs_only_the_candidate(error)) return error;
    result_.failures.emplace_back(config, error.message);
    return ok_status();
  }

  const TuneRequest& request_;
  Backend& backend_;
  const Space& space_;
  std::vector<Trial> trials_;
  BuildAhead builder_;
  VerifyResult result_;
  bool prepared_ = false;
};

}  // namespace

bool costs_only_the_candidate(const Error& error) {
  return error.kind == ErrorKind::failed || error.kind == ErrorKind::rejected ||
         error.kind == ErrorKind::verification;
}

Result<VerifyResult> verify_all(const TuneRequest& request, Backend& backend, TuneObserver& observer) {
  ExploreOptions options;
  options.stop = request.stop;
  options.only = request.only;
  options.predict.fidelity = Fidelity::bounds;
  StrategyOptions order = request.options.strategy;
  if (order.budget > 0 && order.name == "random") {
    options.sample = static_cast<std::size_t>(order.budget);
    options.seed = order.seed;
  }
  Result<Space> space =
      explore(request.definition, request.problem, request.profile, backend.facts().limits, options);
  if (!space) return space.error();
  observer.explored(space->ranked.size(), space->rejected.size(), 0);
  // Nothing is timed, so there are no errors of the model to stop by.
  if (order.name == "model") order.name = "exhaustive";
  Result<std::unique_ptr<Strategy>> strategy = make_strategy(order);
  if (!strategy) return strategy.error();
  Result<VerifyResult> result = Verifier(request, backend, *space).run(**strategy);
  if (result) result->rejected = static_cast<std::int64_t>(space->rejected.size());
  return result;
}

}  // namespace weir
