#include "simulator/item_pieces.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace weir {
namespace {

using Instruction = FlatProgram::Instruction;
using Code = Instruction::Code;

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

const ItemPieces& PieceReader::read(std::int64_t item) {
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
