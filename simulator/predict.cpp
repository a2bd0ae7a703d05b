#include "simulator/predict.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "simulator/bounds.h"
#include "simulator/cells.h"
#include "simulator/fast_walk.h"
#include "simulator/flat_program.h"
#include "simulator/l2_cache.h"
#include "simulator/line_trace.h"
#include "simulator/streams.h"
#include "simulator/time_model.h"
#include "simulator/walk.h"
#include "simulator/work.h"

namespace weir {
namespace {

// The interval (docs/model.md, section 5). The capacity is known to -18% and +10%: two GPUs of one model
// differ by 3 to 6% where reuse ends, and kernels that mix reused with streaming data lose reuse earlier than
// the microbenchmarks that the law comes from.
constexpr double kSmallerCapacity = 0.18;
constexpr double kLargerCapacity = 0.1;
constexpr double kBaseUncertainty = 0.02;
// Of what is read again, where blocks share SMs or take items in turn: how far they drift apart varies from
// run to run. Chosen on the H100's sweeps (docs/model.md, section 5).
constexpr double kDriftUncertainty = 0.2;
// Of the capacity: what the kernel has used when it begins to displace the foreign dirty lines, and when it
// has displaced all of them. Between, kernels that only read are counted with a part (probe of the H100 and
// H200).
constexpr double kForeignFirst = 0.5, kForeignLast = 0.9;
constexpr double kDirtyUncertainty = 0.1;  // of what is dirty at the end: it may be more,
constexpr double kEarlyWriteBack = 0.11;   // or less by as much as this share of what may be dirty

// What the line oracle follows of the bytes that tiles touch; about 3 s of one core.
constexpr double kFollowedBytes = 2e9;

constexpr int kFastLawSteps = 128;
constexpr double kFastEpochsPerCapacity = 32;
constexpr std::uint32_t kFastEpochs = 1024;

constexpr double kFewReReads = 1.1;       // bytes loaded over compulsory bytes: nothing to reuse
constexpr double kNearCompulsory = 1.03;  // DRAM reads over compulsory reads: the L2 serves the re-reads
constexpr double kSensitive = 0.25;  // share of the DRAM reads that the uncertainty of the capacity moves

// One tensor that is scanned fills the sets of the L2 evenly, and reuse ends as the microbenchmarks' did.
// What several tensors leave in a set varies more: attention that streams Q and O past K and V misses some of
// them from 0.65 of the capacity on, what the kernel wrote itself ends more sharply, and less stays dirty
// than where a kernel only writes. Chosen on the sweeps (docs/model.md, section 2), by which of the values
// tried leaves the least errors and keeps cells and lines together.
constexpr double kMixtureWidening = 2.6;
constexpr double kWrittenWidening = 1.7;
constexpr double kMixtureDirty = 0.88;
constexpr double kMixtureShare = 0.01;  // of the tensors' bytes: what else a kernel touches fills no set

bool is_mixture(const Candidate& candidate, std::span<const FlatProgram> programs) {
  std::vector<double> bytes(candidate.tensors.size());
  for (const FlatProgram& program : programs) {
    for (const Action* access : program.accesses) {
      const TensorLayout& tensor = candidate.tensors[static_cast<std::size_t>(access->tensor)];
      bytes[static_cast<std::size_t>(access->tensor)] =
          static_cast<double>(element_count(tensor) * bytes_of(tensor.element));
    }
  }
  const double all = std::accumulate(bytes.begin(), bytes.end(), 0.0);
  return !bytes.empty() && all - std::ranges::max(bytes) > kMixtureShare * all;
}

L2Parameters l2_parameters(const DeviceProfile& profile, const Candidate& candidate,
                           std::span<const FlatProgram> programs) {
  const auto capacity = static_cast<double>(profile.l2_bytes);
  const bool mixed = is_mixture(candidate, programs);
  return {.capacity_bytes = capacity,
          .private_weight = profile.l2_private_weight,
          .shared_weight = profile.l2_shared_weight,
          .survival_width = profile.l2_survival_width * (mixed ? kMixtureWidening : 1),
          .written_width = profile.l2_survival_width * (mixed ? kWrittenWidening : 1),
          .dirty_capacity_bytes = profile.l2_dirty_fraction * capacity * (mixed ? kMixtureDirty : 1),
          .smaller_share = kSmallerCapacity,
          .larger_share = kLargerCapacity};
}

// Registers of a thread of one launch. The compiler's figure is the largest of several launches: it is that
// of the launch whose definition asks for most; the others have what their definitions say.
std::int64_t registers_of(const Candidate& candidate, const Launch& launch, const PredictOptions& options) {
  const std::int64_t estimated = launch.registers_per_thread, reported = options.registers_per_thread;
  if (reported <= 0) return estimated;
  const auto needs_more = [&](const Launch& other) { return other.registers_per_thread > estimated; };
  const bool another = estimated > 0 && std::ranges::any_of(candidate.launches, needs_more);
  return another ? std::min(estimated, reported) : reported;
}

Result<std::int64_t> resident_blocks(const DeviceProfile& profile, const Candidate& candidate,
                                     const Launch& launch, const PredictOptions& options) {
  std::int64_t registers = registers_of(candidate, launch, options);
  const auto blocks_with = [&](std::int64_t registers_per_thread) {
    return blocks_per_sm(launch, candidate.device, profile.max_blocks_per_sm,
                         profile.shared_reserved_bytes_per_block, registers_per_thread);
  };
  std::int64_t blocks = blocks_with(registers);
  // Of launches that ask for equally much, the figure may be the other's.
  if (blocks <= 0 && candidate.launches.size() > 1)
    blocks = blocks_with(registers = launch.registers_per_thread);
  if (blocks > 0) return blocks;
  return Error{ErrorKind::rejected,
               candidate.kernel + ", launch " + launch.name + ": a block of " +
                   std::to_string(launch.threads[0] * launch.threads[1] * launch.threads[2]) + " threads, " +
                   std::to_string(launch.shared_bytes) + " bytes of shared memory and " +
                   std::to_string(registers) + " registers per thread does not fit on an SM of " +
                   profile.name,
               "Choose smaller tiles or fewer stages."};
}

void warm(const CellSpace& cells, int partitions, L2Cache& cache) {
  for (CellId cell = 0; cell < cells.cells(); ++cell) cache.read(cell, static_cast<int>(cell) % partitions);
}

double hit_rate(const Traffic& traffic) {
  return traffic.l2_read_bytes > 0 ? std::clamp(1 - traffic.dram_read_bytes / traffic.l2_read_bytes, 0.0, 1.0)
                                   : 0.0;
}

void add(Traffic& sum, const Traffic& other) {
  sum.dram_read_bytes += other.dram_read_bytes;
  sum.dram_write_bytes += other.dram_write_bytes;
  sum.l2_read_bytes += other.l2_read_bytes;
  sum.l2_write_bytes += other.l2_write_bytes;
}

// The sums over launches that the prediction as a whole is made from.
struct Totals {
  double load_bytes = 0;
  double compulsory_reads = 0;
  double optimistic_reads = 0;
  double pessimistic_reads = 0;
  // If the blocks of an SM stayed together, or spread out: both last where they come about.
  std::array<double, 2> spread_reads{};
  bool drifts = false;  // blocks share SMs and there is more than one wave of them, or take items in turn
};

Regime regime_of(const Prediction& prediction, const Totals& totals) {
  const double reads = prediction.traffic.dram_read_bytes;
  const double compulsory = totals.compulsory_reads;
  if (totals.load_bytes <= kFewReReads * compulsory && reads <= kNearCompulsory * compulsory)
    return Regime::compulsory;
  if (totals.pessimistic_reads - totals.optimistic_reads > kSensitive * reads) return Regime::transition;
  return reads <= kNearCompulsory * compulsory ? Regime::fits : Regime::thrash;
}

void set_intervals(Prediction& prediction, const Totals& totals, const L2Parameters& l2, bool cold) {
  const double reads = prediction.traffic.dram_read_bytes, writes = prediction.traffic.dram_write_bytes;
  const double least = cold ? totals.compulsory_reads : 0.0;
  const double drift =
      totals.drifts ? kDriftUncertainty * std::max(0.0, reads - totals.compulsory_reads) : 0.0;
  const auto [fewer, more] = std::ranges::minmax(totals.spread_reads);
  const double low = std::min(totals.optimistic_reads * (1 - kBaseUncertainty) - drift,
                              fewer > 0 ? fewer * (1 - kBaseUncertainty) : reads);
  prediction.dram_read_low_bytes = std::min(reads, std::max(least, low));
  prediction.dram_read_high_bytes =
      std::max(std::max(reads, totals.pessimistic_reads) * (1 + kBaseUncertainty) + drift,
               more * (1 + kBaseUncertainty));
  const double early = std::min(prediction.dirty_bytes, kEarlyWriteBack * l2.dirty_capacity_bytes);
  prediction.dram_write_low_bytes =
      std::max(0.0, writes * (1 - kBaseUncertainty) - kDirtyUncertainty * prediction.dirty_bytes);
  prediction.dram_write_high_bytes = writes * (1 + kBaseUncertainty) + early;
}

LineCacheParameters line_parameters(const DeviceProfile& profile, const L2Parameters& l2, std::size_t tensors,
                                    double touched_bytes) {
  return {.capacity_bytes = l2.capacity_bytes,
          .private_weight = l2.private_weight,
          .shared_weight = l2.shared_weight,
          .survival_width = l2.survival_width,
          .dirty_capacity_bytes = l2.dirty_capacity_bytes,
          .line_bytes = profile.l2_line_bytes,
          .sector_bytes = profile.sector_bytes,
          .read_granule_bytes = profile.dram_read_granule_bytes,
          .sampled_share = kFollowedBytes / std::max(kFollowedBytes, touched_bytes),
          .tensors = tensors};
}

// The DRAM traffic of a launch as the line oracle counted it, instead of the cell model's.
void take_line_traffic(const LineCache& lines, std::vector<Traffic>& before, std::vector<Traffic>& tensors) {
  before.resize(tensors.size());
  for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
    const Traffic now{.dram_read_bytes = lines.read_bytes(tensor),
                      .dram_write_bytes = lines.written_bytes(tensor)};
    tensors[tensor].dram_read_bytes = now.dram_read_bytes - before[tensor].dram_read_bytes;
    tensors[tensor].dram_write_bytes = now.dram_write_bytes - before[tensor].dram_write_bytes;
    before[tensor] = now;
  }
}

// Launches in turn, as they are walked, become a prediction.
class Summary {
 public:
  Summary(const DeviceProfile& profile, const Candidate& candidate, const char* fidelity)
      : profile_(profile), candidate_(candidate), rates_(rates_of(profile, candidate)) {
    prediction_.fidelity = fidelity;
    for (const TensorLayout& tensor : candidate.tensors)
      prediction_.tensors.push_back({.tensor = tensor.name});
  }

  // `used_bytes` and `dirty_bytes` of the L2 are as the launch leaves them.
  void add_launch(const Launch& launch, const WalkResult& walked, double used_bytes, double dirty_bytes) {
    LaunchPrediction part{.launch = launch.name};
    for (std::size_t tensor = 0; tensor < walked.tensors.size(); ++tensor) {
      add(prediction_.tensors[tensor].traffic, walked.tensors[tensor]);
      add(part.traffic, walked.tensors[tensor]);
    }
    part.traffic.dram_write_bytes += displaced_foreign_bytes(used_bytes);
    part.l2_hit_rate = hit_rate(part.traffic);
    part.dirty_bytes = prediction_.dirty_bytes = dirty_bytes;
    part.blocks_per_sm = static_cast<double>(walked.blocks_per_sm);
    part.waves = walked.waves;
    const LaunchTime time = launch_time(profile_, rates_, launch, walked, part.traffic);
    part.time_seconds = time.seconds;
    part.bound_by = time.bound_by;
    part.resource_seconds = time.resources;

    add(prediction_.traffic, part.traffic);
    prediction_.time_seconds += time.seconds;
    if (time.seconds > longest_) prediction_.bound_by = time.bound_by;
    longest_ = std::max(longest_, time.seconds);
    prediction_.bounds.compulsory_bytes += walked.new_read_bytes + walked.new_write_bytes;
    prediction_.bounds.sram_level_bytes += walked.work.tile_bytes;
    const bool in_turn = block_count(launch) < launch.work_items;
    totals_.drifts |= in_turn || (walked.blocks_per_sm > 1 && walked.waves > 1);
    totals_.load_bytes += walked.work.load_bytes;
    totals_.compulsory_reads += walked.new_read_bytes;
    totals_.optimistic_reads += walked.optimistic_read_bytes;
    totals_.pessimistic_reads += walked.pessimistic_read_bytes;
    prediction_.launches.push_back(std::move(part));
  }

  void set_spread_reads(const std::array<double, 2>& reads) { totals_.spread_reads = reads; }

  Prediction finish(const L2Parameters& l2, bool cold_l2) {
    prediction_.bounds.lower_bound_bytes = candidate_.lower_bound_bytes;
    prediction_.bounds.lower_bound_source = candidate_.lower_bound_source;
    prediction_.l2_hit_rate = hit_rate(prediction_.traffic);
    prediction_.regime = regime_of(prediction_, totals_);
    prediction_.uncalibrated = uncalibrated(profile_);
    set_intervals(prediction_, totals_, l2, cold_l2);
    return std::move(prediction_);
  }

 private:
  // Of the foreign dirty lines, what has left since the last call.
  double displaced_foreign_bytes(double used_bytes) {
    const double used = used_bytes / static_cast<double>(profile_.l2_bytes);
    const double share = std::clamp((used - kForeignFirst) / (kForeignLast - kForeignFirst), 0.0, 1.0);
    const double all = share * static_cast<double>(profile_.l2_foreign_dirty_bytes);
    return std::max(0.0, all - std::exchange(foreign_bytes_, std::max(all, foreign_bytes_)));
  }

  const DeviceProfile& profile_;
  const Candidate& candidate_;
  const Rates rates_;
  Prediction prediction_;
  Totals totals_;
  double foreign_bytes_ = 0;  // that have been written back
  double longest_ = -1;
};

std::vector<FlatProgram> flattened(const Candidate& candidate) {
  std::vector<FlatProgram> programs;
  for (const Launch& launch : candidate.launches) programs.push_back(flatten(launch.program));
  return programs;
}

// DRAM reads of the fast mode, whose blocks stay where they are told to.
double reads_with_blocks_spread(const DeviceProfile& profile, const Candidate& candidate, L2Parameters l2,
                                std::span<const std::int64_t> blocks_per_sm, bool cold_l2, double spread) {
  std::vector<FlatProgram> programs = flattened(candidate);
  l2.law_steps = kFastLawSteps;
  l2.epochs = kFastEpochsPerCapacity;
  l2.kept_epochs = kFastEpochs;
  FastWalk fast(profile, candidate, programs, l2);
  fast.spread_blocks(spread);
  if (!cold_l2) fast.warm();
  double reads = 0;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    for (const Traffic& tensor : fast.walk(i, blocks_per_sm[i]).tensors) reads += tensor.dram_read_bytes;
  }
  return reads;
}

// The walk through the cell model; at `line`, its accesses also go through the oracle, whose DRAM traffic is
// reported.
Result<Prediction> predict_walk(const DeviceProfile& profile, const Candidate& candidate,
                                const PredictOptions& options, const std::vector<FlatProgram>& programs,
                                const CellSpace& cells) {
  const L2Parameters l2 = l2_parameters(profile, candidate, programs);
  L2Cache cache(l2, cells.bytes);
  if (!options.cold_l2) warm(cells, static_cast<int>(profile.l2_partitions), cache);
  std::optional<LineTrace> lines;
  std::vector<Traffic> before;
  if (options.fidelity == Fidelity::line) {
    const double touched = bounds_of(candidate, programs, cells).sram_level_bytes;
    lines.emplace(candidate, line_parameters(profile, l2, candidate.tensors.size(), touched));
    if (!options.cold_l2) lines->warm();
  }
  WalkState state{.cache = cache, .lines = lines ? &*lines : nullptr};
  Summary summary(profile, candidate, lines ? "line" : "cache");
  std::vector<std::int64_t> blocks_per_sm;
  bool shared = false;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const Launch& launch = candidate.launches[i];
    const Result<std::int64_t> blocks = resident_blocks(profile, candidate, launch, options);
    if (!blocks.ok()) return blocks.error();
    WalkResult walked =
        walk(profile, candidate, launch, programs[i], cells, *blocks, options.seed + i, state);
    blocks_per_sm.push_back(*blocks);
    shared |= *blocks > 1 && walked.waves > 1;
    if (lines) take_line_traffic(lines->cache(), before, walked.tensors);
    summary.add_launch(launch, walked, cache.used_bytes(),
                       lines ? lines->cache().dirty_bytes() : cache.dirty_bytes());
  }
  if (shared) {
    const auto reads = [&](double spread) {
      return reads_with_blocks_spread(profile, candidate, l2, blocks_per_sm, options.cold_l2, spread);
    };
    summary.set_spread_reads({reads(0), reads(1)});
  }
  Prediction prediction = summary.finish(l2, options.cold_l2);
  if (lines) prediction.sampled_share = lines->cache().sampled_share();
  return prediction;
}

Result<Prediction> predict_fast(const DeviceProfile& profile, const Candidate& candidate,
                                const PredictOptions& options, std::vector<FlatProgram>& programs) {
  L2Parameters l2 = l2_parameters(profile, candidate, programs);
  l2.law_steps = kFastLawSteps;
  l2.epochs = kFastEpochsPerCapacity;
  l2.kept_epochs = kFastEpochs;
  FastWalk fast(profile, candidate, programs, l2);
  if (!options.cold_l2) fast.warm();
  Summary summary(profile, candidate, "fast");
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const Result<std::int64_t> blocks = resident_blocks(profile, candidate, candidate.launches[i], options);
    if (!blocks.ok()) return blocks.error();
    const WalkResult walked = fast.walk(i, *blocks);
    summary.add_launch(candidate.launches[i], walked, fast.used_bytes(), fast.dirty_bytes());
  }
  return summary.finish(l2, options.cold_l2);
}

}  // namespace

Result<Prediction> predict(const DeviceProfile& profile, const Candidate& candidate,
                           const PredictOptions& options) {
  try {
    std::vector<FlatProgram> programs = flattened(candidate);
    if (options.fidelity == Fidelity::fast) return predict_fast(profile, candidate, options, programs);
    if (options.fidelity != Fidelity::bounds) find_streams(candidate, programs);
    const CellSpace cells = make_cells(candidate, programs, profile);
    switch (options.fidelity) {
      case Fidelity::bounds:
        return Prediction{.fidelity = "bounds",
                          .bounds = bounds_of(candidate, programs, cells),
                          .uncalibrated = uncalibrated(profile)};
      case Fidelity::fast:
      case Fidelity::cache:
      case Fidelity::line:
        return predict_walk(profile, candidate, options, programs, cells);
    }
    return Error{ErrorKind::unexpected, "unknown fidelity", ""};
  } catch (const ExpressionError& error) {
    return Error{ErrorKind::usage, candidate.kernel + ": the block program cannot be walked: " + error.what(),
                 "Check the definition's expressions and the problem's tables."};
  } catch (const ProgramError& error) {
    return Error{ErrorKind::usage, candidate.kernel + ": the block program cannot be walked: " + error.what(),
                 "Check the definition's loops."};
  }
}

DeviceLimits limits_of(const DeviceProfile& profile) {
  return {.compute_capability = profile.compute_capability,
          .sm_count = profile.sm_count,
          .max_threads_per_sm = profile.max_threads_per_sm,
          .registers_per_sm = profile.registers_per_sm,
          .shared_bytes_per_sm = profile.shared_bytes_per_sm,
          .shared_bytes_per_block = profile.shared_bytes_per_block,
          .l2_bytes = profile.l2_bytes};
}

}  // namespace weir
