#include "simulator/fast_walk.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>

#include "simulator/item_counter.h"

namespace weir {
namespace {

constexpr double kSlices = 16;          // of the time that an item takes
constexpr double kWholeWaves = 6;       // launches of so few waves are walked whole
constexpr double kWholeCapacities = 4;  // ... and those that touch no more than this
constexpr double kUneven = 1.05;        // the longest item over the mean of those looked at
constexpr double kLeastSlice = 0.1;     // of an item that loads nothing
constexpr double kWarm = 1.3;           // capacities that go by before what happens is counted
// Where an SM has one block, waves are short against the groups of tiles that GEMMs walk together, and what
// happens is counted over several: one alone misses what a new group reads, or has it whole.
constexpr double kCountedItems = 528;  // at most, in whole waves
constexpr int kMostWaves = 24;         // of a sample
// Of the distance at which they end up, what blocks of one SM are apart after their first wave, and what each
// later one leaves of the rest (docs/model.md, section 3).
constexpr double kAgePriority = 0.35;  // as in walk.cpp
constexpr double kUseSeconds = 250e-9;
constexpr double kFirstDrift = 0.36;
constexpr double kDriftLeft = 0.6;

double tensor_bytes(const TensorLayout& tensor) {
  return static_cast<double>(element_count(tensor) * bytes_of(tensor.element));
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// The item that starts as number `place`.
std::int64_t item_at(const Launch& launch, std::int64_t place) {
  const std::int64_t blocks = block_count(launch);
  if (launch.schedule == Schedule::dynamic_items) return place;
  return place / blocks * blocks + block_in_order(launch, place % blocks);
}

}  // namespace

struct FastWalk::Launching {
  std::size_t number = 0;
  Sums sums;
  bool whole = false;     // all of its items are walked
  bool in_order = false;  // items start in the order of their numbers
  double slices_per_iteration = 1;
  std::int64_t cohort_items = 1;
  std::vector<Stream> streams{};      // of the cohort at hand
  std::vector<Last> last_of_piece{};  // by number in its item: the stream that the last one joined
  std::vector<Event> events{};        // to come
  struct Chain {
    std::int32_t first = -1, last = -1;  // of events
  };
  std::vector<Chain> slices{};
  std::int64_t done = 0;  // slices

  // Precondition: slice < slices.size().
  void add(std::int64_t slice, const Event& event) {
    const auto index = static_cast<std::int32_t>(events.size());
    Chain& chain = slices[static_cast<std::size_t>(slice)];
    (chain.first < 0 ? chain.first : events[static_cast<std::size_t>(chain.last)].next) = index;
    chain.last = index;
    events.push_back(event);
  }
};

FastWalk::FastWalk(const DeviceProfile& profile, const Candidate& candidate, std::span<FlatProgram> programs,
                   const L2Parameters& l2)
    : profile_(profile), candidate_(candidate), programs_(programs), parameters_(l2), cache_(l2, {}) {
  readers_.reserve(programs.size());
  for (std::size_t i = 0; i < programs.size(); ++i)
    readers_.emplace_back(candidate, candidate.launches[i], programs[i], profile.sector_bytes);
  for (std::int64_t sm = 0; sm < profile.sm_count; ++sm)
    sides_.push_back(static_cast<std::uint8_t>(sm * profile.l2_partitions / profile.sm_count & 1));
  grids_ = make_panel_grids(profile, candidate, programs, readers_);
  std::int64_t buckets = 0;
  for (const PanelGrid& grid : grids_) buckets += grid.buckets;
  cells_.assign(static_cast<std::size_t>(buckets), 0);
  last_.assign(static_cast<std::size_t>(buckets), {});
}

CellId FastWalk::new_cell(const PanelGrid& grid, int tensor, std::int64_t bucket) {
  tensor_of_.push_back(static_cast<std::int16_t>(tensor));
  const TensorLayout& layout = candidate_.tensors[static_cast<std::size_t>(tensor)];
  const CellId cell = cache_.add_cell(
      grid.even_bytes > 0
          ? grid.even_bytes
          : static_cast<float>(bucket_bytes(grid, layout, bucket, profile_.dram_read_granule_bytes)));
  cells_[static_cast<std::size_t>(bucket)] = cell + 1;
  return cell;
}

void FastWalk::warm() {
  int side = 0;
  for (std::size_t tensor = 0; tensor < grids_.size(); ++tensor) {
    const PanelGrid& grid = grids_[tensor];
    for (std::int64_t bucket = 0; bucket < grid.buckets; ++bucket) {
      cache_.read(cell_of(grid, static_cast<int>(tensor), grid.first + bucket), side);
      side = static_cast<int>((side + 1) % profile_.l2_partitions);
    }
  }
}

// Adds what an item does to the cohort at hand. Returns its time in slices.
double FastWalk::add_item(Launching& state, std::int64_t place, int side) {
  const Launch& launch = candidate_.launches[state.number];
  const std::int64_t number = item_at(launch, place);
  if (number >= launch.work_items) return 0;
  const ItemPieces& item = readers_[state.number].read(number);
  if (state.last_of_piece.size() < item.pieces.size()) state.last_of_piece.resize(item.pieces.size());
  for (std::size_t i = 0; i < item.pieces.size(); ++i) add_piece(state, i, item.pieces[i], side);
  add_sums(state, item, 1);
  return item.iterations * state.slices_per_iteration;
}

// The items from slot `from` on that are like the one added last, but for pieces that move from one to the
// next: those that stay are added once for all. Returns how many items these are.
std::int64_t FastWalk::add_even_items(Launching& state, std::int64_t from, std::int64_t to) {
  PieceReader& reader = readers_[state.number];
  const std::int64_t count = state.in_order ? std::min(reader.even_items(), to - from) : 0;
  if (count <= 0) return 0;
  reader.begin_even_items();
  const ItemPieces& item = reader.pattern();
  const auto items = static_cast<double>(count);
  const auto sides = static_cast<std::uint8_t>(1 << side_of(from) | 1 << side_of(from + count - 1));
  for (std::size_t i = 0; i < item.pieces.size(); ++i) {
    if (const Last& same = state.last_of_piece[i]; !item.pieces[i].moved && same.cohort == cohort_) {
      Stream& stream = state.streams[same.stream];
      stream.sides |= sides;
      stream.users += static_cast<float>(count);
    }
  }
  for (std::int64_t slot = from; slot < from + count; ++slot) {
    reader.next_even_item();
    const int side = side_of(slot);
    for (std::size_t i = 0; i < item.pieces.size(); ++i) {
      if (item.pieces[i].moved || state.last_of_piece[i].cohort != cohort_)
        add_piece(state, i, item.pieces[i], side);
    }
  }
  add_sums(state, item, items);
  return count;
}

// What items like this one ask for.
void FastWalk::add_sums(Launching& state, const ItemPieces& item, double items) {
  Sums& sums = state.sums;
  for (const Piece& piece : item.pieces) {
    Traffic& traffic = sums.tensors[static_cast<std::size_t>(piece.tensor)];
    (piece.kind == AccessKind::load ? traffic.l2_read_bytes : traffic.l2_write_bytes) +=
        items * piece.sector_bytes;
  }
  sums.tensor_flops += items * item.tensor_flops;
  sums.fp32_flops += items * item.fp32_flops;
  sums.special_ops += items * item.special_ops;
  sums.shared_bytes += items * item.shared_bytes;
  sums.items += items;
}

void FastWalk::begin_cohort(Launching& state) {
  ++cohort_;
  state.streams.clear();
}

void FastWalk::add_piece(Launching& state, std::size_t number, const Piece& piece, int side) {
  const auto bit = static_cast<std::uint8_t>(1 << side);
  // Most items have a piece in common with the one before.
  Last& same = state.last_of_piece[number];
  if (!piece.moved && same.cohort == cohort_) {
    Stream& stream = state.streams[same.stream];
    stream.sides |= bit;
    ++stream.users;
    return;
  }
  const PanelGrid& grid = grids_[static_cast<std::size_t>(piece.tensor)];
  const auto for_each_panel = [&](auto&& self, int d, std::int64_t panel) -> void {
    if (d == grid.axis) ++d;
    if (d >= grid.rank) {
      add_stream(state, panel, piece, bit);
      return;
    }
    const std::int64_t to = grid.cell_at(d, piece.high[d] - 1);
    for (std::int64_t at = grid.cell_at(d, piece.low[d]); at <= to; ++at)
      self(self, d + 1, panel + at * grid.stride[d]);
  };
  same = {};
  bool single = true;
  std::int64_t panel = grid.first;
  for (int d = 0; d < grid.rank; ++d) {
    if (d == grid.axis || grid.count[d] == 1) continue;
    const std::int64_t at = grid.cell_at(d, piece.low[d]);
    single &= at == grid.cell_at(d, piece.high[d] - 1);
    panel += at * grid.stride[d];
  }
  if (single) {
    same = {.cohort = cohort_, .stream = add_stream(state, panel, piece, bit)};
  } else {
    for_each_panel(for_each_panel, 0, grid.first);
  }
}

// Streams through a panel that begin together are one. Its number in the cohort.
std::uint32_t FastWalk::add_stream(Launching& state, std::int64_t panel, const Piece& piece,
                                   std::uint8_t sides) {
  const int axis = grids_[static_cast<std::size_t>(piece.tensor)].axis;
  const std::int64_t low = axis < 0 ? 0 : piece.low[axis], high = axis < 0 ? 1 : piece.high[axis];
  const auto begin = static_cast<float>(piece.begin), end = static_cast<float>(piece.end);
  Last& last = last_[static_cast<std::size_t>(panel)];
  Stream* known = last.cohort == cohort_ ? &state.streams[last.stream] : nullptr;
  if (known && known->kind == piece.kind && known->begin == begin &&
      (piece.forward ? low == known->low : high == known->high)) {
    known->low = std::min(known->low, low);
    known->high = std::max(known->high, high);
    known->end = std::max(known->end, end);
    known->sides |= sides;
    ++known->users;
    return last.stream;
  }
  last = {.cohort = cohort_, .stream = static_cast<std::uint32_t>(state.streams.size())};
  state.streams.push_back({.panel = panel,
                           .low = low,
                           .high = high,
                           .tensor = piece.tensor,
                           .kind = piece.kind,
                           .forward = piece.forward,
                           .sides = sides,
                           .begin = begin,
                           .end = end,
                           .users = 1});
  return last.stream;
}

// The buckets of a cohort's streams, each at the time when the stream passes its middle.
void FastWalk::expand(Launching& state, double start) {
  for (const Stream& stream : state.streams) {
    const PanelGrid& grid = grids_[static_cast<std::size_t>(stream.tensor)];
    const int axis = grid.axis;
    const std::int64_t cell = axis < 0 ? 1 : grid.cell[axis], stride = axis < 0 ? 1 : grid.stride[axis];
    const std::int64_t first = axis < 0 ? 0 : grid.cell_at(axis, stream.low);
    const std::int64_t last = axis < 0 ? 0 : grid.cell_at(axis, stream.high - 1);
    const double begin = start + stream.begin * state.slices_per_iteration;
    const double slices = (stream.end - stream.begin) * state.slices_per_iteration;
    const double per_element = slices / static_cast<double>(stream.high - stream.low);
    const double ahead =
        0.5 * static_cast<double>(cell) +
        static_cast<double>(stream.forward ? first * cell - stream.low : stream.high - (last + 1) * cell);
    double time = begin + ahead * per_element;
    const double passing = static_cast<double>(cell) * per_element;
    const auto first_slice = static_cast<std::int64_t>(begin);
    const auto last_slice = static_cast<std::int64_t>(begin + slices);
    if (state.slices.size() <= static_cast<std::size_t>(last_slice))
      state.slices.resize(static_cast<std::size_t>(last_slice) + 1);
    std::int64_t bucket = stream.panel + (stream.forward ? first : last) * stride;
    const std::int64_t next = stream.forward ? stride : -stride;
    for (std::int64_t left = last - first; left >= 0; --left, bucket += next, time += passing) {
      state.add(std::clamp(static_cast<std::int64_t>(time), first_slice, last_slice),
                {.cell = cell_of(grid, stream.tensor, bucket),
                 .users = stream.users,
                 .tensor = static_cast<std::int16_t>(stream.tensor),
                 .kind = stream.kind,
                 .sides = stream.sides});
    }
  }
}

// In the order of time; those of one slice in the order in which their cohorts came.
void FastWalk::run_events(Launching& state, std::int64_t until) {
  for (; state.done < std::min(until, static_cast<std::int64_t>(state.slices.size())); ++state.done) {
    for (std::int32_t at = state.slices[static_cast<std::size_t>(state.done)].first; at >= 0;) {
      const Event& event = state.events[static_cast<std::size_t>(at)];
      use(state, event);
      at = event.next;
    }
  }
  if (state.done == static_cast<std::int64_t>(state.slices.size())) state.events.clear();
}

void FastWalk::use(Launching& state, const Event& event) {
  Sums& sums = state.sums;
  Traffic& traffic = sums.tensors[static_cast<std::size_t>(event.tensor)];
  const double bytes = cache_.bytes(event.cell);
  const bool is_new = !cache_.was_read(event.cell) && !cache_.was_written(event.cell);
  const bool fetches = event.kind != AccessKind::store;
  if (fetches && is_new) sums.new_reads += bytes;
  if (!fetches || event.kind == AccessKind::reduce) {
    const bool counts = candidate_.tensors[static_cast<std::size_t>(event.tensor)].role != Role::scratch;
    if (counts && !cache_.was_written(event.cell)) sums.new_writes += bytes;
  }
  for (int side = 0; side < 2; ++side) {
    if (!(event.sides >> side & 1)) continue;
    const SurvivalTable::Miss miss = event.kind == AccessKind::load ? cache_.read(event.cell, side)
                                                                    : cache_.write(event.cell, side, bytes);
    sums.displaced += bytes * (fetches ? double{miss.expected} : is_new);
    if (!fetches) continue;
    traffic.dram_read_bytes += bytes * miss.expected;
    sums.pessimistic += bytes * miss.pessimistic;
    sums.optimistic += bytes * miss.optimistic;
    sums.missed_uses += bytes * miss.expected * event.users;
  }
  sums.uses += bytes * event.users;
  for (const L2Cache::WriteBack& back : cache_.write_backs())
    sums.tensors[static_cast<std::size_t>(tensor_of_[back.cell])].dram_write_bytes += back.bytes;
  cache_.clear_write_backs();
}

// What a few items say of all.
FastWalk::Probe FastWalk::probe(std::size_t number, WalkResult& result) {
  const Launch& launch = candidate_.launches[number];
  const Rates rates = rates_of(profile_, candidate_);
  const auto sms = static_cast<double>(profile_.sm_count), items = static_cast<double>(launch.work_items);
  result.unit_count = launch.schedule == Schedule::dynamic_items
                          ? items
                          : std::min(items, static_cast<double>(block_count(launch)));
  const double per_unit = items / std::max(1.0, result.unit_count);
  const std::int64_t stride = std::max<std::int64_t>(1, launch.work_items / kProbedItems) | 1;
  Probe probe;
  double probes = 0, longest = 0;
  for (std::int64_t place = 0; place < launch.work_items; place += stride, ++probes) {
    const ItemPieces& item = readers_[number].read(place);
    double reads = 0, received = 0, writes = 0, reduced = 0;
    for (const Piece& piece : item.pieces) {
      (piece.kind == AccessKind::load ? reads : writes) += piece.sector_bytes;
      received += piece.received_bytes;
      if (piece.kind == AccessKind::reduce) reduced += piece.sector_bytes;
    }
    result.units.push_back({.tensor_flops = static_cast<float>(item.tensor_flops * per_unit),
                            .fp32_flops = static_cast<float>(item.fp32_flops * per_unit),
                            .special_ops = static_cast<float>(item.special_ops * per_unit),
                            .shared_bytes = static_cast<float>(item.shared_bytes * per_unit),
                            .load_bytes = static_cast<float>(reads * per_unit),
                            .received_bytes = static_cast<float>(received * per_unit),
                            .store_bytes = static_cast<float>(writes * per_unit),
                            .reduce_bytes = static_cast<float>(reduced * per_unit),
                            .end_shared_bytes = static_cast<float>(item.end_shared_bytes * per_unit),
                            .steps = static_cast<std::int32_t>(item.iterations * per_unit),
                            .loose_steps = static_cast<std::int32_t>(item.loose_iterations * per_unit)});
    result.prefetch = std::max(result.prefetch, item.prefetch);
    const double computing = sms * std::max({item.tensor_flops / rates.tensor_flops_per_second,
                                             item.fp32_flops / rates.fp32_flops_per_second,
                                             item.special_ops / rates.special_ops_per_second,
                                             item.shared_bytes / rates.shared_bytes_per_second});
    const double port = sms * reads * l2_load(launch) / rates.l2_bytes_per_second;
    const double latency = item.iterations * (profile_.l2_latency_seconds + kUseSeconds);
    probe.busy_seconds += std::max(computing, port);
    probe.alone_seconds +=
        item.prefetch > 0 ? std::max({computing, port, latency / item.prefetch}) : computing + latency + port;
    probe.iterations += item.iterations;
    longest = std::max(longest, item.iterations);
    probe.read_bytes += reads;
    probe.write_bytes += writes;
    probe.tile_bytes += item.tile_bytes;
  }
  for (double* sum : {&probe.busy_seconds, &probe.alone_seconds, &probe.iterations, &probe.read_bytes,
                      &probe.write_bytes, &probe.tile_bytes})
    *sum /= std::max(1.0, probes);
  probe.uneven = longest > kUneven * probe.iterations;
  return probe;
}

// Whole waves, from the first or from the middle on, until enough has been seen. False: the launch ended
// before.
bool FastWalk::run_waves(Launching& state, std::int64_t ranks, const Probe& probe) {
  const std::int64_t items = candidate_.launches[state.number].work_items;
  const std::int64_t wave_items = state.cohort_items * ranks, waves = ceil_div(items, wave_items);
  const double dram_rate = profile_.dram_bytes_per_second * profile_.dram_efficiency;
  std::int64_t wave = state.whole ? 0 : waves / 2 - 1;
  double clock = 0, strength = competition(probe, ranks, 0), moved = 0;
  bool counting = state.whole;
  for (int walked = 1; wave < waves; ++wave, ++walked) {
    const double apart = strength * (1 - (1 - kFirstDrift) * std::pow(kDriftLeft, static_cast<double>(wave)));
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      const std::int64_t first = wave * wave_items + rank * state.cohort_items;
      begin_cohort(state);
      const std::int64_t count = std::min(state.cohort_items, items - first);
      for (std::int64_t i = 0; i < count; ++i) {
        add_item(state, first + i, side_of(i));
        i += add_even_items(state, i + 1, count);
      }
      expand(state, clock + kSlices * apart * static_cast<double>(rank) / static_cast<double>(ranks));
    }
    clock += kSlices;
    run_events(state, static_cast<std::int64_t>(clock));
    strength = (strength + competition(probe, ranks, (state.sums.displaced - moved) / dram_rate)) / 2;
    moved = state.sums.displaced;
    if (state.whole) continue;
    const bool another = ranks == 1 && state.sums.items + static_cast<double>(wave_items) <= kCountedItems;
    if (counting && !another) return (wave + 1) * wave_items <= items;
    if (counting) continue;
    if (state.sums.displaced * parameters_.private_weight > kWarm * parameters_.capacity_bytes) {
      counting = true;
      moved = 0;
      state.sums = Sums(candidate_.tensors.size());
    } else if (walked == kMostWaves) {
      return false;
    }
  }
  run_events(state, std::numeric_limits<std::int64_t>::max());
  return counting;
}

// Items of unequal length, each when a slot is free. Those that start together are a cohort.
void FastWalk::run_uneven(Launching& state, std::int64_t slots) {
  const std::int64_t items = candidate_.launches[state.number].work_items;
  using Slot = std::pair<double, std::int64_t>;  // when it is free, number
  std::priority_queue<Slot, std::vector<Slot>, std::greater<>> free;
  for (std::int64_t slot = 0; slot < std::min(slots, items); ++slot) free.emplace(0.0, slot);
  double start = 0;
  begin_cohort(state);
  ItemCounter counter(candidate_.launches[state.number]);
  while (!free.empty()) {
    const auto [time, slot] = free.top();
    free.pop();
    const std::int64_t place = counter.take(slot);
    if (place >= items) continue;
    if (time > start) {
      expand(state, start);
      if (std::floor(time) > std::floor(start)) run_events(state, static_cast<std::int64_t>(time));
      begin_cohort(state);
      start = time;
    }
    free.emplace(time + std::max(kLeastSlice, add_item(state, place, side_of(slot))), slot);
  }
  expand(state, start);
  run_events(state, std::numeric_limits<std::int64_t>::max());
}

// How much blocks of one SM hold each other up: 0 if something else is slower than what they share, 1 if the
// oldest is as fast as its priority allows.
double FastWalk::competition(const Probe& probe, std::int64_t ranks, double dram_seconds) const {
  if (spread_) return *spread_;
  if (ranks < 2 || probe.busy_seconds <= 0) return 0;
  const double together = static_cast<double>(ranks) * probe.busy_seconds;
  const double spare = together - std::max(probe.alone_seconds, dram_seconds);
  return std::clamp(spare / (kAgePriority * (together - probe.busy_seconds)), 0.0, 1.0);
}

// The sums of a sample as those of the launch.
void FastWalk::scale(const Launching& state, const Probe& probe, WalkResult& result) const {
  const Sums& sums = state.sums;
  const auto items = static_cast<double>(candidate_.launches[state.number].work_items);
  Traffic seen;
  for (const Traffic& t : sums.tensors) {
    seen.l2_read_bytes += t.l2_read_bytes;
    seen.l2_write_bytes += t.l2_write_bytes;
    seen.dram_write_bytes += std::min(t.dram_write_bytes, t.l2_write_bytes);
  }
  const auto ratio = [](double all, double part) { return part > 0 ? all / part : 0; };
  const double reads = state.whole ? 1 : ratio(probe.read_bytes * items, seen.l2_read_bytes);
  const double writes = state.whole ? 1 : ratio(probe.write_bytes * items, seen.l2_write_bytes);
  // What is dirty at the end has not been written.
  const double written =
      state.whole ? 1 : std::max(0.0, 1 - ratio(cache_.dirty_bytes(), seen.dram_write_bytes * writes));
  result.new_read_bytes = sums.new_reads;
  result.new_write_bytes = sums.new_writes;
  if (!state.whole) result.new_read_bytes = result.new_write_bytes = 0;
  for (std::size_t t = 0; t < sums.tensors.size(); ++t) {
    const Traffic& part = sums.tensors[t];
    Traffic& all = result.tensors[t];
    all = {.dram_read_bytes = part.dram_read_bytes * reads,
           .dram_write_bytes = std::min(part.dram_write_bytes, part.l2_write_bytes) * writes * written,
           .l2_read_bytes = part.l2_read_bytes * reads,
           .l2_write_bytes = part.l2_write_bytes * writes};
    if (state.whole) continue;
    // A launch that is not walked whole is taken to touch all of its tensors.
    const auto bytes =
        static_cast<double>(element_count(candidate_.tensors[t]) * bytes_of(candidate_.tensors[t].element));
    const double read = std::min(bytes, all.l2_read_bytes), stored = std::min(bytes, all.l2_write_bytes);
    // A wave's write-backs come in bursts; what a long launch stores is written but for what is dirty at its
    // end.
    const double dirty = cache_.dirty_bytes() * ratio(part.l2_write_bytes, seen.l2_write_bytes);
    all.dram_write_bytes = std::max(all.dram_write_bytes, stored - dirty);
    all.dram_read_bytes = std::max(all.dram_read_bytes, read);
    result.new_read_bytes += read;
    if (candidate_.tensors[t].role != Role::scratch) result.new_write_bytes += stored;
  }
  result.pessimistic_read_bytes = std::max(sums.pessimistic * reads, result.new_read_bytes);
  result.optimistic_read_bytes = std::max(sums.optimistic * reads, result.new_read_bytes);
  const double share = state.whole ? 1 : ratio(items, sums.items);
  result.work = {
      .tensor_flops = sums.tensor_flops * share,
      .fp32_flops = sums.fp32_flops * share,
      .special_ops = sums.special_ops * share,
      .shared_bytes = sums.shared_bytes * share,
      .tile_bytes = probe.tile_bytes * items,
      .load_bytes = std::accumulate(result.tensors.begin(), result.tensors.end(), 0.0,
                                    [](double sum, const Traffic& t) { return sum + t.l2_read_bytes; })};
  result.steps = probe.iterations * items;
  result.dram_steps = result.steps * std::min(1.0, ratio(sums.missed_uses, sums.uses));
}

WalkResult FastWalk::walk(std::size_t number, std::int64_t blocks_per_sm) {
  const Launch& launch = candidate_.launches[number];
  WalkResult result;
  result.blocks_per_sm = blocks_per_sm;
  result.tensors.resize(candidate_.tensors.size());
  const Probe probed = probe(number, result);
  const std::int64_t sms = profile_.sm_count;
  const bool persistent = block_count(launch) < launch.work_items;
  const std::int64_t slots =
      persistent ? std::min(sms * blocks_per_sm, block_count(launch)) : sms * blocks_per_sm;
  const std::int64_t ranks = ceil_div(slots, sms);
  result.waves = static_cast<double>(launch.work_items) / static_cast<double>(slots);
  // What is never lost need not be walked, and what is not much more than the L2 is walked whole.
  double touched = 0;
  for (std::size_t t = 0; t < candidate_.tensors.size(); ++t) {
    if (grids_[t].buckets > 0) touched += parameters_.shared_weight * tensor_bytes(candidate_.tensors[t]);
  }
  const auto launching = [&](bool whole) {
    return Launching{
        .number = number,
        .sums = Sums(candidate_.tensors.size()),
        .whole = whole,
        .in_order = launch.schedule == Schedule::dynamic_items || cluster_blocks(launch) == launch.cluster[0],
        .slices_per_iteration = 1 / std::max(1e-3, probed.iterations / kSlices),
        .cohort_items = std::min(sms, slots)};
  };
  Launching state = launching(probed.uneven || result.waves <= kWholeWaves ||
                              touched < kWholeCapacities * parameters_.capacity_bytes);
  if (probed.uneven) {
    run_uneven(state, slots);
  } else if (!run_waves(state, ranks, probed) && !state.whole) {
    state = launching(true);
    run_waves(state, ranks, probed);
  }
  scale(state, probed, result);
  return result;
}

}  // namespace weir
