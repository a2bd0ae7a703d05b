#include "simulator/walk.h"

#include <algorithm>
#include <array>

#include "simulator/access_plan.h"
#include "simulator/event_queue.h"
#include "simulator/item_counter.h"
#include "simulator/loop_plan.h"
#include "simulator/walker.h"
#include "simulator/work.h"

namespace weir {
namespace {

// Blocks of one wave do not stay side by side, and how far they drift apart decides how often they share what
// they read. What sets them apart, from the start and end times of every block of a dozen kernels on an H100
// (docs/model.md, section 3):
//
// Blocks start within 0.1 us, and at equal conditions take times that differ by 0.1%.
constexpr double kStartSpreadSeconds = 100e-9;
constexpr double kPaceSpread = 0.002;
// SMs differ in how fast the L2 serves them, for good, by up to 0.9% either way.
constexpr double kPortSpread = 0.018;
// Of what SMs ask of the L2, what is left once requests of neighbours for one line have been merged on their
// way, counted in the sweeps of GEMMs (medians): little of it where threads copy, which ask at different
// times, more where the copy engine does, and nothing of clusters, which multicast instead. l2_bandwidth is
// what threads that copy can ask for.
constexpr double kLeftOfThreads = 0.82, kLeftOfCopyEngine = 0.6, kLeftOfClusters = 0.98;
// From the arrival of a tile to its first use: the wait, the block's barrier, operands to registers.
constexpr double kUseSeconds = 250e-9;

// Seconds that one unit of each resource takes, for the whole GPU.
struct Costs {
  explicit Costs(const Rates& rates)
      : tensor_flop(1 / rates.tensor_flops_per_second),
        fp32_flop(1 / rates.fp32_flops_per_second),
        special_op(1 / rates.special_ops_per_second),
        shared_byte(1 / rates.shared_bytes_per_second),
        l2_byte(1 / rates.l2_bytes_per_second),
        port_byte(1 / rates.l2_port_bytes_per_second),
        dram_byte(1 / rates.dram_bytes_per_second) {}
  double tensor_flop, fp32_flop, special_op, shared_byte, l2_byte, port_byte, dram_byte;
};

class Walk {
 public:
  Walk(const DeviceProfile& profile, const Candidate& candidate, const Launch& launch,
       const FlatProgram& program, const CellSpace& cells, std::int64_t blocks_per_sm, std::uint64_t seed,
       WalkState& state)
      : profile_(profile),
        candidate_(candidate),
        launch_(launch),
        program_(program),
        cells_(cells),
        cache_(state.cache),
        lines_(state.lines),
        seed_(seed),
        items_(launch),
        costs_(rates_of(profile, candidate)),
        port_seconds_per_byte_(costs_.port_byte * static_cast<double>(profile.sm_count)),
        sms_(static_cast<double>(profile.sm_count)),
        plans_(plan_accesses(program, cells)),
        patience_table_(blocks_per_sm),
        start_(state.start_seconds),
        dram_free_(start_) {
    result_.blocks_per_sm = blocks_per_sm;
    result_.tensors.resize(candidate.tensors.size());
    plan_steps();
  }

  WalkResult run() {
    start_blocks();
    while (!events_.empty()) {
      now_ = events_.time();
      advance(events_.walker());
    }
    result_.end_seconds = end_ - start_;
    add_planned();
    return std::move(result_);
  }

  // What run_step reports of the step at hand.
  void access(int number, const Action& action, const Frame& frame) {
    const AccessPlan& plan = plans_[static_cast<std::size_t>(number)];
    const std::int64_t batch = batch_ = walker_->position.batch;
    ahead_ = walker_->position.prefetch;
    const auto times = static_cast<double>(batch);
    if (lines_) lines_->access(action, plan.box(action, frame, batch), walker_->side);
    const CellGrid& grid = plan.grid();
    if (CellId cell; !grid.in_parts && plan.find_cell(frame, batch, cell)) {
      part_ = 1;
      access(action, frame, times * plan.bytes(), times * plan.sector_bytes(),
             [&](auto&& visit) { visit(cell); });
      return;
    }
    const Box box = plan.box(action, frame, batch);
    if (box.empty) return;
    std::array<std::int64_t, kMaxRank> extents{};
    const auto repeats = static_cast<double>(plan.repeats(batch));
    double bytes = repeats * static_cast<double>(grid.element_bytes);
    for (int d = 0; d < grid.rank; ++d) {
      extents[d] = box.high[d] - box.low[d];
      bytes *= static_cast<double>(extents[d]);
    }
    access(action, frame, bytes, repeats * grid.sector_bytes_of(extents), [&](auto&& visit) {
      for_each_cell(grid, box, [&](CellId cell, const std::array<std::int64_t, kMaxRank>& at) {
        part_ = grid.in_parts ? part_of_cell(grid, box, at) : 1;
        visit(cell);
      });
    });
  }

  void compute(const Action& action, const Frame& frame) {
    const auto batch = static_cast<double>(batch_ = walker_->position.batch);
    step_.tensor_flops += batch * static_cast<double>(action.tensor_flops.evaluate(frame));
    step_.fp32_flops += batch * static_cast<double>(action.fp32_flops.evaluate(frame));
    step_.special_ops += batch * static_cast<double>(action.special_ops.evaluate(frame));
    step_.shared_bytes += batch * static_cast<double>(action.shared_bytes.evaluate(frame));
  }

 private:
  // `bytes` in elements and in sectors; `cells` calls its argument for each cell.
  template <typename Cells>
  void access(const Action& action, const Frame& frame, double bytes, double sector_bytes, Cells&& cells) {
    Traffic& traffic = result_.tensors[static_cast<std::size_t>(action.tensor)];
    result_.work.tile_bytes += bytes;
    if (action.access == AccessKind::load) {
      result_.work.load_bytes += bytes;
      const double received = sector_bytes;
      if (const std::int64_t fed = action.multicast.evaluate(frame); fed > 1)
        sector_bytes /= static_cast<double>(fed);
      traffic.l2_read_bytes += sector_bytes;
      step_.load_bytes += static_cast<float>(sector_bytes);
      step_.received_bytes += static_cast<float>(received);
      cells([&](CellId cell) { load(cell, traffic); });
      receive(sector_bytes, received);
    } else {
      traffic.l2_write_bytes += sector_bytes;
      step_.store_bytes += static_cast<float>(sector_bytes);
      if (action.access == AccessKind::reduce) step_.reduce_bytes += static_cast<float>(sector_bytes);
      const bool counts = candidate_.tensors[static_cast<std::size_t>(action.tensor)].role != Role::scratch;
      cells([&](CellId cell) { store(cell, bytes, action.access, counts, traffic); });
    }
  }

  // The SM takes in what the L2 was asked for; `received` is more where others of a cluster asked too.
  void receive(double asked, double received) {
    Multiprocessor& sm = multiprocessors_[static_cast<std::size_t>(walker_->sm)];
    const double served = serve(sm.l2_free, asked * sm.l2_seconds_per_byte);
    const double ported = serve(sm.port_free, received * port_seconds_per_byte_);
    arrives(std::max(served, ported) + profile_.l2_latency_seconds, profile_.l2_latency_seconds);
  }

  void load(CellId cell, Traffic& traffic) {
    const double bytes = cache_.bytes(cell);
    if (!cache_.was_read(cell) && !cache_.was_written(cell)) result_.new_read_bytes += bytes;
    const SurvivalTable::Miss* miss = &cache_.read(cell, walker_->side);
    SurvivalTable::Miss of_part;
    if (part_ < 1 || !cache_.is_filled(cell)) {
      of_part = cache_.fill(cell, *miss, part_);
      miss = &of_part;
    }
    const bool on_its_way = double{cache_.arrival(cell)} > now_ + profile_.l2_latency_seconds;
    from_dram_ = std::max(from_dram_, on_its_way ? 1.0 : double{miss->expected});
    fetch(cell, *miss, traffic);
    if (const double arrival = cache_.arrival(cell); arrival > now_)
      arrives(arrival, profile_.dram_latency_seconds);
  }

  // The last of what the step at hand loads arrives at `time`, after a latency that even a short queue has.
  void arrives(double time, double latency) {
    const double wait = time - now_;
    const double queued = (std::max(wait, latency) - latency) / static_cast<double>(batch_);
    lead_ = std::max(lead_, std::min(wait, latency) + queued + kUseSeconds);
    arrival_ = std::max(arrival_, time + kUseSeconds);
  }

  void store(CellId cell, double bytes, AccessKind kind, bool counts, Traffic& traffic) {
    const double cell_bytes = cache_.bytes(cell);
    if (kind == AccessKind::reduce && !cache_.was_read(cell) && !cache_.was_written(cell))
      result_.new_read_bytes += cell_bytes;
    const double most = cells_.stored[cell];
    if (counts && !cache_.was_written(cell)) result_.new_write_bytes += most;
    SurvivalTable::Miss miss = cache_.write(cell, walker_->side, std::min(bytes, most));
    if (part_ < 1 || !cache_.is_filled(cell)) miss = cache_.fill(cell, miss, part_);
    if (kind == AccessKind::reduce) fetch(cell, miss, traffic);
    settle_write_backs();
  }

  void fetch(CellId cell, const SurvivalTable::Miss& miss, Traffic& traffic) {
    if (miss.pessimistic <= 0) return;
    const double bytes = cache_.bytes(cell);
    traffic.dram_read_bytes += bytes * miss.expected;
    result_.pessimistic_read_bytes += bytes * miss.pessimistic;
    result_.optimistic_read_bytes += bytes * miss.optimistic;
    dram_free_ = std::max(dram_free_, now_) + bytes * miss.expected * costs_.dram_byte;
    cache_.arrival(cell) = static_cast<float>(dram_free_ + profile_.dram_latency_seconds);
    settle_write_backs();
  }

  void settle_write_backs() {
    if (cache_.write_backs().empty()) return;
    for (const L2Cache::WriteBack& back : cache_.write_backs()) {
      result_.tensors[cells_.tensor_of(back.cell)].dram_write_bytes += back.bytes;
      dram_free_ = std::max(dram_free_, now_) + back.bytes * costs_.dram_byte;
    }
    cache_.clear_write_backs();
  }

  void start_blocks() {
    const std::int64_t blocks = block_count(launch_);
    const std::int64_t cluster = std::max<std::int64_t>(1, cluster_blocks(launch_));
    const std::int64_t slots = profile_.sm_count * result_.blocks_per_sm / cluster * cluster;
    const std::int64_t resident = std::min(slots, blocks);
    const std::int64_t items = std::max<std::int64_t>(1, launch_.work_items);
    result_.waves = static_cast<double>(std::max(items, std::min(items, blocks))) /
                    static_cast<double>(std::max<std::int64_t>(1, slots));
    for (std::int64_t sm = 0; sm < profile_.sm_count; ++sm) {
      const double slowness = kPortSpread * (hash_to_unit(seed_ + 2, static_cast<std::uint64_t>(sm)) - 0.5);
      multiprocessors_.push_back(
          {.l2_seconds_per_byte =
               l2_load(launch_) * costs_.l2_byte * static_cast<double>(profile_.sm_count) * (1 + slowness),
           .l2_free = start_,
           .port_free = start_,
           .units_free = start_});
    }
    result_.units.resize(
        static_cast<std::size_t>(launch_.schedule == Schedule::dynamic_items ? launch_.work_items : blocks));
    groups_.assign(static_cast<std::size_t>((resident + cluster - 1) / cluster), 0);
    walkers_.reserve(static_cast<std::size_t>(resident));
    events_ = EventQueue(static_cast<std::size_t>(resident));
    const ItemFrame frame(launch_, program_, candidate_);
    for (std::int64_t slot = 0; slot < resident; ++slot) {
      Walker& walker = walkers_.emplace_back(frame);
      walker.sm = static_cast<int>(slot % profile_.sm_count);
      // Consecutive blocks fill one GPC after the other, and a GPC is on one side of the L2.
      walker.side = static_cast<int>(slot % profile_.sm_count * profile_.l2_partitions / profile_.sm_count);
      walker.group = static_cast<std::uint32_t>(slot / cluster);
    }
    for (std::uint32_t group = 0; group < groups_.size(); ++group) start_cluster(group, start_);
  }

  // Starts the next cluster (or single block) on the walkers of a group.
  void start_cluster(std::uint32_t group, double time) {
    const std::int64_t cluster = std::max<std::int64_t>(1, cluster_blocks(launch_));
    const std::int64_t blocks = block_count(launch_);
    for (std::int64_t member = 0; member < cluster && next_place_ < blocks; ++member) {
      const auto index = static_cast<std::uint32_t>(group * cluster + member);
      if (index >= walkers_.size()) return;
      Walker& walker = walkers_[index];
      walker.block = block_in_order(launch_, next_place_++);
      walker.item = -1;
      const double spread =
          kStartSpreadSeconds * hash_to_unit(seed_, static_cast<std::uint64_t>(walker.block));
      if (start_item(walker, time + spread)) {
        walker.age_rank = multiprocessors_[static_cast<std::size_t>(walker.sm)].residents++;
        ++groups_[group];
        events_.add(time + spread, index);
      }
    }
  }

  // False: nothing is left for this block.
  bool start_item(Walker& walker, double time) {
    if (launch_.schedule == Schedule::dynamic_items) {
      walker.item = items_.take(walker.block);
    } else {
      walker.item = walker.item < 0 ? walker.block : walker.item + block_count(launch_);
    }
    if (walker.item >= launch_.work_items) return false;
    walker.frame.set(walker.item, walker.block);
    walker.position = {.batching = true};
    walker.began.fill(time);
    walker.finished = time;
    walker.loop = -1;
    walker.unit = launch_.schedule == Schedule::dynamic_items ? walker.item : walker.block;
    walker.pace = 1 + kPaceSpread * (hash_to_unit(seed_ + 1, static_cast<std::uint64_t>(walker.item)) - 0.5);
    return true;
  }

  void advance(std::uint32_t index) {
    Walker& walker = walkers_[index];
    walker_ = &walker;
    arrival_ = now_;
    lead_ = 0;
    from_dram_ = 0;
    patience_ =
        patience_table_.of(multiprocessors_[static_cast<std::size_t>(walker.sm)].residents, walker.age_rank);
    double computing = 0;
    bool more = false;
    const int loop = loops_at_[static_cast<std::size_t>(walker.position.instruction)];
    if (loop < 0 || !run_planned(loops_[static_cast<std::size_t>(loop)], loop, more, computing)) {
      batch_ = 1;
      ahead_ = 0;
      step_ = {};
      more = run_step(program_, walker.position, walker.frame.frame(), *this);
      computing = compute_seconds();
      if (walker.position.loop_begins) {
        walker.began.fill(now_);
        walker.loop = -1;
      }
    }
    computing *= walker.pace;
    record(walker);
    const double next = std::max(now_, finish_step(walker, computing));
    ++walker.step;
    if (more) {
      events_.reschedule(next);
      return;
    }
    const double end = std::max(walker.finished, now_);
    end_ = std::max(end_, end);
    if (start_item(walker, end)) {
      events_.reschedule(end);
      return;
    }
    events_.pop();
    leave(walker);
    if (--groups_[walker.group] == 0) start_cluster(walker.group, end);
  }

  // When the step at hand, of batch_ iterations, is done, and when the next one's loads go out. A block waits
  // for the data of an iteration, then sends for that of the one `ahead_` later, then computes: where latency
  // decides, an iteration takes lead_ / ahead_.
  double finish_step(Walker& walker, double computing) {
    const auto iterations = static_cast<double>(batch_);
    const auto ahead = static_cast<double>(ahead_);
    const double one = computing / iterations;
    const double began = std::max(walker.finished, now_ + lead_);
    const double waits = ahead_ > 0 ? lead_ / ahead : lead_ + one;
    const double served = serve(multiprocessors_[static_cast<std::size_t>(walker.sm)].units_free, computing);
    walker.finished =
        std::max({served, began + computing, arrival_ + one, now_ + lead_ + (iterations - 1) * waits + one});
    const auto ring = [&](int back) -> double& {
      return walker
          .began[static_cast<std::size_t>(walker.step - static_cast<unsigned>(back)) % Walker::kHistory];
    };
    ring(0) = began;
    // Whatever follows the loop waits for its end.
    if (walker.position.prefetch == 0) return walker.finished;
    if (ahead >= iterations) {
      const double steps = std::min(ahead / iterations - 1, Walker::kHistory - 2.0);
      const int whole = static_cast<int>(steps);
      return ring(whole) - (steps - whole) * (ring(whole) - ring(whole + 1));
    }
    const double last = walker.finished - one;
    return began + (iterations - ahead) / (iterations - 1) * (last - began);
  }

  // The walker's SM has one block less.
  void leave(const Walker& walker) {
    --multiprocessors_[static_cast<std::size_t>(walker.sm)].residents;
    for (std::size_t other = static_cast<std::size_t>(walker.sm); other < walkers_.size();
         other += static_cast<std::size_t>(profile_.sm_count)) {
      if (walkers_[other].age_rank > walker.age_rank) --walkers_[other].age_rank;
    }
  }

  // When a unit of the walker's SM, busy until `free` with what was asked of it before, has done this as
  // well.
  double serve(double& free, double seconds) const {
    const double queued = std::max(free, now_) - now_;
    free = now_ + queued + seconds;
    return now_ + queued * patience_ + seconds;
  }

  // What the time model knows of the step at hand.
  void record(const Walker& walker) {
    UnitWork& unit = result_.units[static_cast<std::size_t>(walker.unit)];
    unit.tensor_flops += static_cast<float>(step_.tensor_flops);
    unit.fp32_flops += static_cast<float>(step_.fp32_flops);
    unit.special_ops += static_cast<float>(step_.special_ops);
    unit.shared_bytes += static_cast<float>(step_.shared_bytes);
    unit.load_bytes += step_.load_bytes;
    unit.received_bytes += step_.received_bytes;
    unit.store_bytes += step_.store_bytes;
    unit.reduce_bytes += step_.reduce_bytes;
    if (step_.load_bytes <= 0) {
      unit.end_shared_bytes += static_cast<float>(step_.shared_bytes);
      return;
    }
    unit.steps += static_cast<std::int32_t>(batch_);
    if (ahead_ == 0) unit.loose_steps += static_cast<std::int32_t>(batch_);
    result_.steps += static_cast<double>(batch_);
    result_.dram_steps += static_cast<double>(batch_) * from_dram_;
    result_.prefetch = std::max(result_.prefetch, ahead_);
  }

  // Of the step at hand: the busiest unit of the SM decides.
  double compute_seconds() {
    add(step_, 1);
    return busiest_seconds(step_);
  }
  double busiest_seconds(const StepWork& step) const {
    return sms_ * std::max({step.tensor_flops * costs_.tensor_flop, step.fp32_flops * costs_.fp32_flop,
                            step.special_ops * costs_.special_op, step.shared_bytes * costs_.shared_byte});
  }
  void add(const StepWork& step, double times) {
    result_.work.tensor_flops += times * step.tensor_flops;
    result_.work.fp32_flops += times * step.fp32_flops;
    result_.work.special_ops += times * step.special_ops;
    result_.work.shared_bytes += times * step.shared_bytes;
  }

  // Loops with a plan, and what their steps take. The line oracle wants to be told of every access.
  void plan_steps() {
    loops_at_.assign(program_.code.size(), -1);
    if (lines_) return;
    loops_ = plan_loops(program_, plans_);
    for (std::size_t number = 0; number < loops_.size(); ++number) {
      LoopPlan& loop = loops_[number];
      for (const StepWork& work : loop.work) loop.computing.push_back(busiest_seconds(work));
      loops_at_[static_cast<std::size_t>(loop.body)] = static_cast<int>(number);
    }
  }

  // A step of a planned loop, if each of its loads is one whole cell, as nearly all are. It does what
  // run_step and access() would do.
  bool run_planned(LoopPlan& loop, int number, bool& more, double& computing) {
    Walker& walker = *walker_;
    const Frame frame = walker.frame.frame();
    if (walker.loop != number) {
      walker.loop = number;
      walker.in_rows = true;
      for (std::size_t i = 0; i < loop.loads.size(); ++i)
        walker.in_rows &= loop.loads[i].plan->find_row(frame, walker.rows[i]);
    }
    if (!walker.in_rows) return false;
    const std::int64_t batch = walker.position.batch;
    std::array<CellId, LoopPlan::kMostLoads> cells = walker.rows;
    for (std::size_t i = 0; i < loop.loads.size(); ++i) {
      if (!loop.loads[i].plan->find_in_row(frame, batch, cells[i])) return false;
    }
    batch_ = batch;
    ahead_ = walker.position.prefetch;
    part_ = 1;
    const auto iterations = static_cast<double>(batch);
    for (std::size_t i = 0; i < loop.loads.size(); ++i) {
      const LoopPlan::Load& access = loop.loads[i];
      load(cells[i], result_.tensors[static_cast<std::size_t>(access.tensor)]);
      const double received = iterations * access.plan->sector_bytes();
      receive(access.feeds > 1 ? received / access.feeds : received, received);
    }
    loop.iterations += batch;
    step_ = loop.work[static_cast<std::size_t>(batch)];
    computing = loop.computing[static_cast<std::size_t>(batch)];
    walker.position.loop_begins = false;
    more = finish_iterations(program_, loop.next, frame.slots.data(), walker.position);
    return true;
  }

  // What steps with a plan asked for, which is the same for every iteration.
  void add_planned() {
    for (const LoopPlan& loop : loops_) {
      const auto iterations = static_cast<double>(loop.iterations);
      add(loop.work[1], iterations);
      for (const LoopPlan::Load& load : loop.loads) {
        result_.work.tile_bytes += iterations * load.plan->bytes();
        result_.work.load_bytes += iterations * load.plan->bytes();
        result_.tensors[static_cast<std::size_t>(load.tensor)].l2_read_bytes +=
            iterations * load.plan->sector_bytes() / load.feeds;
      }
    }
  }

  const DeviceProfile& profile_;
  const Candidate& candidate_;
  const Launch& launch_;
  const FlatProgram& program_;
  const CellSpace& cells_;
  L2Cache& cache_;
  LineTrace* lines_;
  const std::uint64_t seed_;
  ItemCounter items_;
  const Costs costs_;
  const double port_seconds_per_byte_;  // of one SM
  const double sms_;
  const std::vector<AccessPlan> plans_;  // by access
  std::vector<LoopPlan> loops_;
  std::vector<int> loops_at_;  // by instruction: the loop whose body begins there, or -1
  const Patience patience_table_;
  WalkResult result_;

  EventQueue events_{0};
  std::vector<Walker> walkers_;
  std::vector<Multiprocessor> multiprocessors_;
  std::vector<std::int64_t> groups_;  // running blocks per cluster
  std::int64_t next_place_ = 0;

  double start_;
  double end_ = 0;
  double dram_free_;  // when DRAM has served what it was asked for

  // The step at hand.
  double now_ = 0;
  Walker* walker_ = nullptr;
  std::int64_t batch_ = 1;  // iterations that it covers
  int ahead_ = 0;           // iterations that its loads run ahead of use
  double lead_ = 0;
  double arrival_ = 0;
  double patience_ = 1;   // the walker's
  double from_dram_ = 0;  // 1: some of the step's data comes from DRAM
  float part_ = 1;        // of the cell at hand that the access touches
  StepWork step_;
};

}  // namespace

double l2_load(const Launch& launch) {
  const bool copy_engine = std::ranges::any_of(
      launch.arguments, [](const Argument& a) { return a.kind == Argument::Kind::tensor_map; });
  const double left = !copy_engine                 ? kLeftOfThreads
                      : cluster_blocks(launch) > 1 ? kLeftOfClusters
                                                   : kLeftOfCopyEngine;
  return left / kLeftOfThreads;
}

Rates rates_of(const DeviceProfile& profile, const Candidate& candidate) {
  // A variant that is named for it reaches the tensor cores through mma.sync only.
  const bool mma_sync = candidate.config.variant.find("mma_sync") != std::string::npos;
  return {.tensor_flops_per_second =
              profile.tensor_flops_per_second * (mma_sync ? profile.mma_sync_fraction : 1.0),
          .fp32_flops_per_second = profile.fp32_flops_per_second,
          .special_ops_per_second = profile.special_ops_per_second,
          .shared_bytes_per_second = profile.shared_bytes_per_second,
          .l2_bytes_per_second = profile.l2_bytes_per_second,
          // Half of the width of shared memory, which is 128 B per clock and SM.
          .l2_port_bytes_per_second = profile.shared_bytes_per_second / 2,
          .dram_bytes_per_second = profile.dram_bytes_per_second * profile.dram_efficiency};
}

WalkResult walk(const DeviceProfile& profile, const Candidate& candidate, const Launch& launch,
                const FlatProgram& program, const CellSpace& cells, std::int64_t blocks_per_sm,
                std::uint64_t seed, WalkState& state) {
  WalkResult result = Walk(profile, candidate, launch, program, cells, blocks_per_sm, seed, state).run();
  state.start_seconds += result.end_seconds;
  return result;
}

}  // namespace weir
