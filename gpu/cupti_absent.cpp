// Stands for cupti.cpp in a build without CUPTI's headers.
#include "gpu/cupti.h"

namespace weir {
namespace {

Error absent() {
  return {ErrorKind::counters_denied,
          "this build has no hardware counters: CUPTI's headers were missing when it was made",
          "Install the CUDA toolkit with CUPTI and build again."};
}

}  // namespace

struct CuptiApi {};
Cupti::Cupti(std::unique_ptr<CuptiApi> api) : api_(std::move(api)) {}
Cupti::~Cupti() = default;
Result<const Cupti*> Cupti::open() {
  return absent();
}
std::string Cupti::version() const {
  return {};
}
std::string Cupti::file() const {
  return {};
}
std::vector<std::string> Cupti::chips() const {
  return {};
}
Result<std::int64_t> Cupti::passes(const std::string&, const MetricSet&) const {
  return absent();
}
Result<MetricPlan> Cupti::plan(const std::string&, const std::vector<std::string>&,
                               const std::vector<std::uint8_t>&) const {
  return absent();
}

struct RangeProfiler::Impl {
  MetricPlan plan;
};
RangeProfiler::RangeProfiler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RangeProfiler::~RangeProfiler() = default;
Result<std::unique_ptr<RangeProfiler>> RangeProfiler::open(const PrimaryContext&, int) {
  return absent();
}
const MetricPlan& RangeProfiler::plan() const {
  return impl_->plan;
}
Result<std::vector<RangeProfiler::Values>> RangeProfiler::measure(
    const MetricSet&, const std::function<Status()>&, const std::vector<std::function<Status()>>&) {
  return absent();
}

}  // namespace weir
