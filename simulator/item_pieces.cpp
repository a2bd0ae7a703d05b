#include "simulator/item_pieces.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace weir {
namespace {

using Instruction = FlatProgram::Instruction;
using Code = Instruction::Code;

constexpr std::int64_t kFewEvenItems = 4;                   // in a row: no less is worth looking for,
constexpr std::int64_t kUnevenItems = 64;                   // and after so many it is looked for again
constexpr std::int64_t kWholeLoop = std::int64_t{1} << 40;  // more iterations than any loop has

// Sectors of 32 B that a clipped box touches, on average over the alignments that its runs can have.
double sector_bytes(const TensorLayout& tensor, const Piece& piece, std::int64_t sector) {
  const std::int64_t element = bytes_of(tensor.element);
  double runs = 1;
  std::int64_t run = element, alignment = sector;
  for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
    const std::int64_t extent = piece.high[d] - piece.low[d];
    if (tensor.strides_elements[d] == 1) {
      run *= extent;
      alignment = std::gcd(alignment, piece.low[d] * element);
    } else {
      runs *= static_cast<double>(extent);
      if (extent > 1) alignment = std::gcd(alignment, tensor.strides_elements[d] * element);
    }
  }
  const std::int64_t touched =
      alignment == sector ? (run + sector - 1) / sector * sector : run + sector - alignment;
  return runs * static_cast<double>(touched);
}

}  // namespace

PieceReader::PieceReader(const Candidate& candidate, const Launch& launch, FlatProgram& program,
                         std::int64_t sector_bytes)
    : candidate_(candidate),
      launch_(launch),
      program_(program),
      sector_bytes_(sector_bytes),
      frame_(launch, program, candidate) {
  sectors_.resize(program.accesses.size());
  for (Instruction& instruction : program.code) {
    if (instruction.code != Code::enter && instruction.code != Code::next) continue;
    instruction.batch = kWholeLoop;
  }
  // A loop that moves unevenly in any of these items is walked iteration by iteration.
  const std::int64_t items = launch.work_items;
  for (const std::int64_t item : {std::int64_t{0}, items / 3, items / 2, items - 1}) {
    frame_.set(item, item % block_count(launch));
    mark_streams(frame_.frame());
  }
  if (is_regular()) find_pattern();
}

// Looks at four iterations of every loop that may be a stream. The loops around it stay at their first one.
void PieceReader::mark_streams(const Frame& frame) {
  for (std::size_t at = 0; at < program_.code.size(); ++at) {
    const Instruction& instruction = program_.code[at];
    const Action& action = *instruction.action;
    if (instruction.code == Code::let) frame.slots[instruction.slot] = action.value.evaluate(frame);
    if (instruction.code != Code::enter) continue;
    const std::int64_t from = action.from.evaluate(frame), to = action.to.evaluate(frame);
    const std::int64_t step = action.step.evaluate(frame);
    if (step == 0) throw ProgramError("the step of a loop is 0");
    frame.slots[instruction.slot] = from;
    const std::int64_t count = step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
    const auto last = static_cast<std::size_t>(instruction.target - 1);
    bool streams = true;
    for (std::size_t inside = at + 1; inside < last && streams; ++inside) {
      const Instruction& body = program_.code[inside];
      if (body.code == Code::compute) continue;
      streams = body.code == Code::access && body.action->access == AccessKind::load;
      if (!streams || count < 2) continue;
      FlatProgram::Stream& stream = program_.streams[static_cast<std::size_t>(body.access)];
      stream = {.dimension = -1, .batch = kWholeLoop};
      for (std::size_t d = 0; d < body.action->start.size() && streams; ++d) {
        const auto at_iteration = [&](std::int64_t iteration) {
          frame.slots[instruction.slot] = from + iteration * step;
          return body.action->start[d].evaluate(frame);
        };
        const std::int64_t first = at_iteration(0), delta = at_iteration(1) - first;
        streams = at_iteration(count / 2) - first == delta * (count / 2) &&
                  at_iteration(count - 1) - first == delta * (count - 1);
        if (delta == 0 || !streams) continue;
        streams = stream.dimension < 0 && std::abs(delta) == body.action->extent[d].evaluate(frame);
        stream.dimension = static_cast<int>(d);
        stream.forward = delta > 0;
      }
    }
    frame.slots[instruction.slot] = from;
    if (!streams) program_.code[at].batch = program_.code[last].batch = 1;
  }
}

// Whether every item takes the same steps with tiles and loops of the same extents.
bool PieceReader::is_regular() const {
  const auto constant = [](const std::vector<Expression>& extents) {
    return std::ranges::all_of(extents, [](const Expression& extent) { return extent.is_constant(); });
  };
  return std::ranges::all_of(program_.code, [&](const Instruction& instruction) {
    const Action& action = *instruction.action;
    switch (instruction.code) {
      case Code::let:
      case Code::next:
      case Code::end:
        return true;
      case Code::enter:
        return instruction.batch == kWholeLoop && action.from.is_constant() && action.to.is_constant() &&
               action.step.is_constant() && action.prefetch.is_constant();
      case Code::access:
        return constant(action.extent) && action.multicast.is_constant();
      case Code::compute:
        return action.tensor_flops.is_constant() && action.fp32_flops.is_constant() &&
               action.special_ops.is_constant() && action.shared_bytes.is_constant();
      case Code::branch:
      case Code::jump:
        return false;
    }
    return false;
  });
}

// Whether the expression reads only what is the same for all items: variables of loops, which begin anew.
bool PieceReader::is_fixed(const Expression& expression) const {
  return std::ranges::all_of(expression.slots(), [&](int slot) {
    return std::ranges::any_of(program_.code, [&](const Instruction& instruction) {
      return instruction.code == Code::enter && instruction.slot == slot;
    });
  });
}

// The first item is the pattern, if each access is one piece of it that no edge clips.
void PieceReader::find_pattern() {
  pattern_ = run(0);
  if (pattern_.pieces.size() != program_.accesses.size()) return;
  std::vector<Place> places;
  std::size_t piece = 0;
  for (const Instruction& instruction : program_.code) {
    const Action& action = *instruction.action;
    if (instruction.code == Code::let)
      evaluations_.push_back({.expression = &action.value, .slot = action.slot});
    if (instruction.code == Code::enter)
      evaluations_.push_back({.expression = &action.from, .slot = action.slot});
    if (instruction.code != Code::access) continue;
    const Piece& first = pattern_.pieces[piece];
    const TensorLayout& tensor = candidate_.tensors[static_cast<std::size_t>(action.tensor)];
    for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
      const std::int64_t extent = first.high[d] - first.low[d], tile = action.extent[d].constant();
      const bool streams = first.axis == static_cast<int>(d);
      if (extent % tile != 0 || (!streams && extent != tile)) return;  // clipped
      if (is_fixed(action.start[d])) continue;
      evaluations_.push_back(
          {.expression = &action.start[d], .before = streams && !first.forward ? extent - tile : 0});
      places.push_back({.piece = piece,
                        .dimension = d,
                        .extent = extent,
                        .size = tensor.shape[d],
                        .run_bytes = tensor.strides_elements[d] == 1 ? bytes_of(tensor.element) : 0});
    }
    ++piece;
  }
  // What a table says of two items says nothing of those between.
  const auto reads_table = [](const Evaluation& evaluation) {
    return !evaluation.expression->tables().empty();
  };
  if (std::ranges::any_of(evaluations_, reads_table)) return;
  found_.resize(places.size());
  places_ = std::move(places);
}

// False: the pattern does not fit this item.
bool PieceReader::move_pattern(std::int64_t item) {
  if (item != last_ + 1 || (item > even_until_ && alike_runs_ == 0)) return move_pieces(item);
  if (item <= even_until_) {
    next_even_item();
    return true;
  }
  --alike_runs_;
  move_all(true);
  last_ = run_begin_ = item;
  even_until_ = item + run_items_ - 1;
  return true;
}

// To the next item, by the steps or the jumps of places.
void PieceReader::move_all(bool jump) {
  for (Piece& piece : pattern_.pieces) piece.moved = false;
  for (const Place& place : places_) {
    const std::int64_t step = jump ? place.jump : place.step;
    Piece& piece = pattern_.pieces[place.piece];
    piece.low[place.dimension] += step;
    piece.high[place.dimension] += step;
    piece.moved |= step != 0;
  }
  at_first_ = true;
}

bool PieceReader::move_pieces(std::int64_t item) {
  const bool follows = last_ >= 0 && item == last_ + 1, ran = even_until_ > 0 && follows;
  even_until_ = -1;
  alike_runs_ = 0;
  if (!find_places(item)) {
    last_ = -1;
    return false;
  }
  bool same_steps = true, same_jump = true;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    const std::int64_t step = found_[i] - pattern_.pieces[place.piece].low[place.dimension];
    same_steps &= step == place.step;
    same_jump &= step == place.jump;
  }
  // The first item after a run jumps, and its steps say nothing of those to come.
  const bool jumps = ran && !same_steps;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    Place& place = places_[i];
    const std::int64_t step = found_[i] - pattern_.pieces[place.piece].low[place.dimension];
    (jumps ? place.jump : place.step) = step;
  }
  move_all(jumps);
  for (Piece& piece : pattern_.pieces) piece.moved |= last_ < 0;
  if (jumps) {
    const std::int64_t length = item - run_begin_;
    const bool same_run = same_jump && length == run_items_;
    last_ = run_begin_ = item;
    run_items_ = length;
    if (same_run) look_for_alike_runs();
    return true;
  }
  last_ = item;
  if (ran) {
    look_ahead(2 * even_items_);
  } else if (follows && item > uneven_until_) {
    look_ahead(even_items_);
    if (even_until_ - item < kFewEvenItems) uneven_until_ = item + kUnevenItems;
  } else if (!follows) {
    run_begin_ = item;
  }
  return true;
}

// Where the places of an item are, into found_. False: an edge clips a piece, or its runs begin elsewhere in
// their sectors, so that it has another number of them.
bool PieceReader::find_places(std::int64_t item) {
  frame_.set(item, item % block_count(launch_));
  const Frame frame = frame_.frame();
  std::size_t number = 0;
  for (const Evaluation& evaluation : evaluations_) {
    const std::int64_t value = evaluation.expression->evaluate(frame);
    if (evaluation.slot >= 0) {
      frame.slots[static_cast<std::size_t>(evaluation.slot)] = value;
      continue;
    }
    const Place& place = places_[number];
    const std::int64_t low = value - evaluation.before;
    const std::int64_t moved = low - pattern_.pieces[place.piece].low[place.dimension];
    if (low < 0 || low + place.extent > place.size) return false;
    if ((moved * place.run_bytes & (sector_bytes_ - 1)) != 0) return false;
    found_[number++] = low;
  }
  return true;
}

// Whether the places of the item that comes so many after the last one are where their steps lead to, after
// so many jumps. What lies between is taken to be so too.
bool PieceReader::goes_on(std::int64_t items, std::int64_t jumps) {
  if (items >= launch_.work_items - last_ || !find_places(last_ + items)) return false;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    const std::int64_t way = (items - jumps) * place.step + jumps * place.jump;
    if (found_[i] != pattern_.pieces[place.piece].low[place.dimension] + way) return false;
  }
  return true;
}

// The largest number up to `guess` for which `holds` is true, if it is for all smaller ones; at least 0.
template <typename Holds>
std::int64_t largest(std::int64_t guess, Holds&& holds) {
  if (holds(guess)) return guess;
  std::int64_t low = 0, high = guess;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

// Finds out up to which item places go on by their steps. `guess`: for so many items.
void PieceReader::look_ahead(std::int64_t guess) {
  const std::int64_t even =
      largest(std::min(guess, launch_.work_items), [&](std::int64_t items) { return goes_on(items, 0); });
  even_items_ = std::max(kFewEvenItems, last_ + even - run_begin_);
  if (even > 0) even_until_ = last_ + even;
}

// At the first item of a run: how many of the same length follow one another by the same jumps. Places that
// are linear in the run and in the item lie between those of the first and last run's ends, so none is
// outside.
void PieceReader::look_for_alike_runs() {
  if (!goes_on(run_items_ - 1, 0)) return;
  const std::int64_t guess = std::min(runs_, launch_.work_items / run_items_);
  const std::int64_t runs = largest(guess, [&](std::int64_t number) {
    return goes_on(number * run_items_ - 1, number - 1) && goes_on((number - 1) * run_items_, number - 1);
  });
  runs_ = runs == guess ? 2 * guess + 1 : runs + 1;
  if (runs == 0) return;
  alike_runs_ = runs - 1;
  even_until_ = last_ + run_items_ - 1;
}

const ItemPieces& PieceReader::run(std::int64_t item) {
  last_ = even_until_ = -1;
  alike_runs_ = 0;
  set(item);
  position_ = {.batching = true};
  for (bool more = true; more;) {
    loaded_ = 0;
    const double shared_before = item_.shared_bytes;
    more = run_step(program_, position_, frame_.frame(), *this);
    item_.iterations += static_cast<double>(loaded_);
    if (loaded_ == 0) item_.end_shared_bytes += item_.shared_bytes - shared_before;
    if (ahead_ == 0) item_.loose_iterations += static_cast<double>(loaded_);
  }
  return item_;
}

void PieceReader::set(std::int64_t item) {
  frame_.set(item, item % block_count(launch_));
  item_.pieces.clear();
  item_.iterations = item_.loose_iterations = item_.tile_bytes = 0;
  item_.tensor_flops = item_.fp32_flops = item_.special_ops = item_.shared_bytes = 0;
  item_.end_shared_bytes = 0;
  item_.prefetch = 0;
}

void PieceReader::access(int number, const Action& action, const Frame& frame) {
  const auto tensor = static_cast<std::size_t>(action.tensor);
  const TensorLayout& layout = candidate_.tensors[tensor];
  const FlatProgram::Stream& stream = program_.streams[static_cast<std::size_t>(number)];
  const std::int64_t batch = position_.batch;
  Piece& piece = item_.pieces.emplace_back();
  piece.tensor = action.tensor;
  piece.kind = action.access;
  double bytes = static_cast<double>(bytes_of(layout.element));
  for (std::size_t d = 0; d < layout.shape.size(); ++d) {
    std::int64_t start = action.start[d].evaluate(frame), extent = action.extent[d].evaluate(frame);
    if (batch > 1 && static_cast<int>(d) == stream.dimension) {
      piece.axis = stream.dimension;
      piece.forward = stream.forward;
      if (!stream.forward) start -= extent * (batch - 1);
      extent *= batch;
    }
    piece.low[d] = std::max<std::int64_t>(0, start);
    piece.high[d] = std::min(start + extent, layout.shape[d]);
    if (piece.high[d] <= piece.low[d]) {
      item_.pieces.pop_back();
      return;
    }
    bytes *= static_cast<double>(piece.high[d] - piece.low[d]);
  }
  const double repeats = piece.axis < 0 ? static_cast<double>(batch) : 1.0;
  item_.tile_bytes += bytes * repeats;
  piece.sector_bytes = repeats * sectors_of(number, layout, piece);
  piece.begin = item_.iterations;
  piece.end = item_.iterations + static_cast<double>(batch);
  if (action.access != AccessKind::load) return;
  piece.received_bytes = piece.sector_bytes;
  if (const std::int64_t fed = action.multicast.evaluate(frame); fed > 1)
    piece.sector_bytes /= static_cast<double>(fed);
  ahead_ = position_.prefetch;
  item_.prefetch = std::max(item_.prefetch, ahead_);
  loaded_ = batch;
}

double PieceReader::sectors_of(int number, const TensorLayout& layout, const Piece& piece) {
  Sectors& last = sectors_[static_cast<std::size_t>(number)];
  std::int64_t offset = 0;
  bool same = true;
  for (std::size_t d = 0; d < layout.shape.size(); ++d) {
    const std::int64_t extent = piece.high[d] - piece.low[d];
    same &= extent == last.extent[d];
    last.extent[d] = extent;
    if (layout.strides_elements[d] == 1)
      offset = piece.low[d] * bytes_of(layout.element) & (sector_bytes_ - 1);
  }
  if (!same || offset != last.offset) last.bytes = sector_bytes(layout, piece, sector_bytes_);
  last.offset = offset;
  return last.bytes;
}

void PieceReader::compute(const Action& action, const Frame& frame) {
  const auto batch = static_cast<double>(position_.batch);
  item_.tensor_flops += batch * static_cast<double>(action.tensor_flops.evaluate(frame));
  item_.fp32_flops += batch * static_cast<double>(action.fp32_flops.evaluate(frame));
  item_.special_ops += batch * static_cast<double>(action.special_ops.evaluate(frame));
  item_.shared_bytes += batch * static_cast<double>(action.shared_bytes.evaluate(frame));
}

}  // namespace weir
