// Every record that is written is read back exactly.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include "store/store.h"
#include "tests/store/sample_records.h"

namespace weir {
namespace {

// Any finite double, subnormal and huge ones too: bit patterns, not round numbers.
double any_double() {
  return *rc::gen::suchThat(rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                                         [](std::uint64_t bits) { return std::bit_cast<double>(bits); }),
                            [](double value) { return std::isfinite(value); });
}
std::int64_t any_count() {
  return *rc::gen::suchThat<std::int64_t>([](std::int64_t n) { return n >= 0; });
}
std::string any_text() {
  return *rc::gen::container<std::string>(
      rc::gen::element('a', 'Z', '0', ' ', '=', ',', '\'', '"', '\\', '\n', '{', '%', '\x01', '~'));
}
template <typename Enum>
Enum any_of(std::initializer_list<Enum> values) {
  return *rc::gen::elementOf(std::vector<Enum>(values));
}
Traffic any_traffic() {
  return {any_double(), any_double(), any_double(), any_double()};
}
Bottleneck any_bottleneck() {
  return any_of({Bottleneck::tensor, Bottleneck::fp32, Bottleneck::special_function,
                 Bottleneck::shared_memory, Bottleneck::l2, Bottleneck::dram, Bottleneck::latency});
}

Prediction any_prediction() {
  Prediction p{.fidelity = any_text(), .traffic = any_traffic(), .l2_hit_rate = any_double()};
  p.dirty_bytes = any_double();
  p.dram_read_low_bytes = any_double();
  p.dram_read_high_bytes = any_double();
  p.dram_write_low_bytes = any_double();
  p.dram_write_high_bytes = any_double();
  p.time_seconds = any_double();
  p.bound_by = any_bottleneck();
  p.regime = any_of({Regime::compulsory, Regime::fits, Regime::transition, Regime::thrash});
  p.bounds = {any_double(), any_double(), any_double(), any_text()};
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) p.tensors.push_back({any_text(), any_traffic()});
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    p.launches.push_back({any_text(), any_traffic(), any_double(), any_double(), any_double(),
                          any_bottleneck(), any_double(), any_double()});
  }
  p.uncalibrated = {any_text(), any_text()};
  return p;
}

Measurement any_measurement() {
  Measurement m;
  m.tier = any_of({Tier::counters, Tier::activity, Tier::events, Tier::none});
  m.tier_reason = any_text();
  m.resources = {any_count(), any_count(), any_count(), any_count()};
  m.verification = {*rc::gen::arbitrary<bool>(), any_double(), any_double(), any_text()};
  m.timing = {any_double(), any_double(), any_double(), any_double(),
              any_count(),  any_count(),  any_double(), any_text()};
  m.counters = {any_double(), any_double(), any_double(),
                any_double(), any_double(), any_count(),
                any_double(), {},           {}};
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) m.counters.raw[any_text()] = any_double();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    m.counters.launches.push_back(
        {any_text(), any_double(), any_double(), any_double(), any_double(), any_double()});
  }
  m.provenance = {any_text(), any_text(), any_count(), any_count(), any_count(), any_text(),
                  any_text(), any_text(), any_text(),  any_text(),  any_text()};
  return m;
}

Record any_record() {
  Record r{.kernel = any_text(), .source_hash = any_text(), .problem = any_text(), .config = any_text()};
  r.outcome = any_of({Outcome::predicted, Outcome::measured, Outcome::rejected, Outcome::failed});
  r.reason = any_text();
  r.is_default = *rc::gen::arbitrary<bool>();
  r.profile = any_text();
  if (*rc::gen::arbitrary<bool>()) r.prediction = any_prediction();
  if (r.outcome == Outcome::measured || *rc::gen::arbitrary<bool>()) r.measurement = any_measurement();
  return r;
}

RC_GTEST_PROP(RoundTrip, AnyRecordIsReadBackExactly, ()) {
  static const TemporaryFolder folder;
  static Store store = must(Store::open(folder / "round.weir", Store::Mode::create_or_open));
  Record record = any_record();
  static int serial = 0;
  record.kernel += "#" + std::to_string(serial++);  // its own row
  RC_ASSERT(store.write(record).ok());
  const std::vector<Record> read = must(store.records({.kernel = record.kernel}));
  RC_ASSERT(read.size() == 1u);
  RC_ASSERT(read.front() == record);
}

RC_GTEST_PROP(RoundTrip, WritingARowAgainReplacesIt, ()) {
  static const TemporaryFolder folder;
  static Store store = must(Store::open(folder / "replace.weir", Store::Mode::create_or_open));
  static int serial = 0;
  Record first = any_record();
  first.kernel = "k" + std::to_string(serial++);
  Record second = any_record();
  second.kernel = first.kernel;
  second.source_hash = first.source_hash;
  second.problem = first.problem;
  second.config = first.config;
  second.profile = first.profile = "p" + first.profile;
  if (first.measurement && second.measurement) second.measurement->provenance = first.measurement->provenance;
  RC_ASSERT(store.write(first).ok());
  RC_ASSERT(store.write(second).ok());
  const std::vector<Record> read = must(store.records({.kernel = first.kernel}));
  // A row without a device keeps no row with one from standing beside it; every other pair is one row.
  const bool both = first.measurement && !second.measurement;
  RC_ASSERT(read.size() == (both ? 2u : 1u));
  RC_ASSERT(read[0] == second || read.back() == second);
}

}  // namespace
}  // namespace weir
