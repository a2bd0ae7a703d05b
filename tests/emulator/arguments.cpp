#include "arguments.h"

#include <cstring>

namespace weir::emulator {

ArgumentValues::ArgumentValues(const std::vector<Argument>& arguments, const Addresses& addresses) {
  for (const Argument& argument : arguments) {
    switch (argument.kind) {
      case Argument::Kind::tensor:
        add('p', addresses.tensors.at(static_cast<std::size_t>(argument.tensor)));
        break;
      case Argument::Kind::table:
        add('p', addresses.tables.at(static_cast<std::size_t>(argument.tensor)));
        break;
      case Argument::Kind::i32:
        add('i', static_cast<std::int32_t>(argument.value));
        break;
      case Argument::Kind::i64:
        add('l', argument.value);
        break;
      case Argument::Kind::f32:
        add('f', argument.real);
        break;
    }
  }
  for (std::uint64_t& value : values_) pointers_.push_back(&value);
}

template <class T>
void ArgumentValues::add(char kind, T value) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  values_.push_back(bits);
  kinds_ += kind;
}

}  // namespace weir::emulator
