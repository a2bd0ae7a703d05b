#include "problem_tensors.h"

#include <algorithm>

namespace weir::emulator {
namespace {

std::uint64_t seed_of(const std::string& name) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

}  // namespace

bool is_output(const TensorLayout& tensor) {
  return tensor.role == Role::out || tensor.role == Role::inout;
}

ProblemTensors::ProblemTensors(std::vector<TensorLayout> layouts, Utility& utility, std::uint64_t seed)
    : layouts_(std::move(layouts)), utility_(&utility), seed_(seed) {
  for (const TensorLayout& layout : layouts_) {
    // More than a vector access asks for would only widen the gap before the faulting page.
    memory_.emplace_back(extent_bytes(layout), std::min<std::int64_t>(layout.alignment_bytes, 128));
  }
}

void ProblemTensors::reset() {
  protect_inputs(false);
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    const TensorLayout& layout = layouts_[i];
    memory_[i].poison();
    if (layout.role == Role::in || layout.role == Role::inout ||
        (layout.role == Role::scratch && layout.fill == Fill::zero)) {
      utility_->fill(memory_[i], layout, seed_of(layout.name) ^ seed_);
    }
  }
}

void ProblemTensors::protect_inputs(bool protect) {
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    if (layouts_[i].role == Role::in) memory_[i].protect(protect);
  }
}

std::vector<Region> ProblemTensors::regions() const {
  std::vector<Region> regions;
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    regions.push_back({.name = layouts_[i].name, .memory = &memory_[i]});
  }
  return regions;
}

std::string ProblemTensors::damage() const {
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    const std::string damage = memory_[i].damage();
    if (!damage.empty()) return "tensor " + layouts_[i].name + " is " + damage;
  }
  return "";
}

}  // namespace weir::emulator
