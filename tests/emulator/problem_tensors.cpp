#include "problem_tensors.h"

#include <algorithm>
#include <cstring>

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

ProblemTensors::ProblemTensors(const Candidate& candidate, Utility& utility, std::uint64_t seed)
    : layouts_(candidate.tensors), table_names_(candidate.table_names), utility_(&utility), seed_(seed) {
  for (const TensorLayout& layout : layouts_) {
    // More than a vector access asks for would only widen the gap before the faulting page.
    memory_.emplace_back(extent_bytes(layout), std::min<std::int64_t>(layout.alignment_bytes, 128));
    if (layout.role == Role::in) fill(memory_.size() - 1);
  }
  for (const std::vector<std::int64_t>& table : candidate.tables) {
    if (table.empty()) {
      tables_.emplace_back();
      continue;
    }
    const std::vector<std::int32_t> entries(table.begin(), table.end());
    const auto bytes = static_cast<std::int64_t>(entries.size() * sizeof(std::int32_t));
    tables_.emplace_back(bytes, sizeof(std::int32_t));
    std::memcpy(tables_.back().data(), entries.data(), static_cast<std::size_t>(bytes));
    tables_.back().protect(true);
  }
}

void ProblemTensors::fill(std::size_t tensor) {
  utility_->fill(memory_[tensor], layouts_[tensor], seed_of(layouts_[tensor].name) ^ seed_);
}

void ProblemTensors::reset(bool keep_zeroed) {
  for (std::size_t i = 0; i < layouts_.size(); ++i) {
    const TensorLayout& layout = layouts_[i];
    const bool zeroed = layout.role == Role::scratch && layout.fill == Fill::zero;
    if (layout.role == Role::in || (zeroed && keep_zeroed)) continue;
    memory_[i].poison();
    if (layout.role == Role::inout || zeroed) fill(i);
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
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (tables_[i].data() != nullptr) regions.push_back({.name = table_names_[i], .memory = &tables_[i]});
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
