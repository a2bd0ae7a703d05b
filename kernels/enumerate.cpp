// KernelDefinition::enumerate: every configuration, and those that no restriction rejects.
#include <algorithm>
#include <numeric>

#include "kernels/binding.h"

namespace weir {

namespace {

// All combinations of a variant's tunables, the last one changing fastest.
class Odometer {
 public:
  explicit Odometer(const VariantModel& variant)
      : tunables_(variant.tunables), digits_(tunables_.size(), 0), config_{variant.info.name, {}} {
    for (const TunableModel& tunable : tunables_) config_.values.push_back({tunable.info.name, 0, ""});
    for (std::size_t i = 0; i < digits_.size(); ++i) set(i, 0);
  }

  const Config& config() const { return config_; }
  // The next one that differs in tunable `last` or before it; false at the end.
  bool advance(int last) {
    for (std::size_t i = static_cast<std::size_t>(last + 1); i < digits_.size(); ++i) set(i, 0);
    for (auto i = static_cast<std::size_t>(last + 1); i-- > 0;) {
      if (digits_[i] + 1 < tunables_[i].info.values.size()) {
        set(i, digits_[i] + 1);
        return true;
      }
      set(i, 0);
    }
    return false;
  }
  bool advance() { return advance(static_cast<int>(digits_.size()) - 1); }

 private:
  void set(std::size_t tunable, std::size_t digit) {
    digits_[tunable] = digit;
    NamedValue& value = config_.values[tunable];
    value.value = tunables_[tunable].info.values[digit];
    value.text = value_text(value.value, tunables_[tunable].info.boolean);
  }

  const std::vector<TunableModel>& tunables_;
  std::vector<std::size_t> digits_;
  Config config_;
};

// A restriction that a configuration breaks rejects all that differ only in tunables that it does not depend
// on: they are skipped, the largest groups first.
void add_legal(const DefinitionModel& model, const VariantModel& variant, const Problem& problem,
               const DeviceLimits& device, std::vector<Config>& configs) {
  Binding binding(model, variant, problem, device);
  const std::vector<int> last = binding.last_tunables();
  std::vector<std::size_t> order(last.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t restriction) { return last[restriction]; });
  Odometer odometer(variant);
  for (bool more = true; more;) {
    binding.bind(odometer.config());
    if (const auto broken = binding.first_broken(order)) {
      more = odometer.advance(last[*broken]);
      continue;
    }
    configs.push_back(odometer.config());
    more = odometer.advance();
  }
}

}  // namespace

std::vector<Config> KernelDefinition::enumerate(const DeviceLimits& device) const {
  std::vector<Config> configs;
  for (const VariantModel& variant : model_->variants) {
    if (!variant.info.runs_on(device)) continue;
    Odometer odometer(variant);
    do {
      configs.push_back(odometer.config());
    } while (odometer.advance());
  }
  return configs;
}

Result<std::vector<Config>> KernelDefinition::enumerate(const Problem& problem,
                                                        const DeviceLimits& device) const {
  std::vector<Config> configs;
  try {
    for (const VariantModel& variant : model_->variants) {
      if (variant.info.runs_on(device)) add_legal(*model_, variant, problem, device, configs);
    }
  } catch (const ResolveFailure& failure) {
    return failure.error;
  }
  return configs;
}

}  // namespace weir
