// The values that an entry's parameters get.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "emulator/hopper.h"
#include "kernels/candidate.h"

namespace weir::emulator {

// Where tensors and tables lie, by their numbers.
struct Addresses {
  std::vector<std::byte*> tensors, tables;
};

class ArgumentValues {
 public:
  ArgumentValues(const std::vector<Argument>& arguments, const Addresses& addresses);

  ArgumentValues(ArgumentValues&&) = default;
  ArgumentValues(const ArgumentValues&) = delete;  // the pointers lead into the object
  ArgumentValues& operator=(const ArgumentValues&) = delete;

  // As cuLaunchKernel takes them; valid as long as this object.
  void** pointers() { return pointers_.data(); }
  // One letter for each, see emulator/entry.h.
  const std::string& kinds() const { return kinds_; }

 private:
  template <class T>
  void add(char kind, T value);
  void add_map(const TensorMap& map, std::byte* tensor);

  std::string kinds_;
  std::deque<CUtensorMap> maps_;
  std::vector<std::uint64_t> values_;
  std::vector<void*> pointers_;
};

}  // namespace weir::emulator
