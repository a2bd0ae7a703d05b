#include "tuner/tune.h"

#include "tuner/sweep.h"

namespace weir {
namespace {

// The trials as they will be once the batch is done, its times unknown.
std::vector<Trial> after(std::vector<Trial> trials, const std::vector<std::size_t>& batch) {
  for (const std::size_t i : batch) trials[i].state = Trial::State::failed;
  return trials;
}

}  // namespace

// The pipeline. Each step is a method of Sweep; a step's error ends the sweep, and what was measured before
// it is in the store.
Result<TuneResult> tune(const TuneRequest& request, Backend& backend, Store& store, TuneObserver& observer) {
  Result<std::unique_ptr<Strategy>> strategy = make_strategy(request.options.strategy);
  if (!strategy) return strategy.error();

  Sweep sweep(request, backend, store, observer);
  if (Status status = sweep.identify(); !status) return status.error();
  if (Status status = sweep.explore(); !status) return status.error();
  if (Status status = sweep.resume(); !status) return status.error();

  while (!sweep.interrupted() && !sweep.out_of_time()) {
    const std::vector<std::size_t> batch = (*strategy)->next(sweep.trials());
    if (batch.empty()) break;
    if (Status status = sweep.prepare(); !status) return status.error();
    if (Status status = sweep.measure(batch, (*strategy)->next(after(sweep.trials(), batch))); !status)
      return status.error();
  }
  if (Status status = sweep.remeasure_finalists(); !status) return status.error();
  return sweep.result(**strategy);
}

}  // namespace weir
