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
      case Argument::Kind::tensor_map:
        add_map(argument.map, addresses.tensors.at(static_cast<std::size_t>(argument.tensor)));
        break;
    }
  }
  std::size_t map = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    pointers_.push_back(kinds_[i] == 's' ? static_cast<void*>(&maps_[map++]) : &values_[i]);
  }
}

void ArgumentValues::add_map(const TensorMap& map, std::byte* tensor) {
  values_.push_back(0);
  kinds_ += 's';
  CUtensorMap& encoded = maps_.emplace_back(CUtensorMap{});
  if (map.shape.empty()) return;
  encoded.base = reinterpret_cast<unsigned char*>(tensor);
  encoded.rank = static_cast<unsigned char>(map.shape.size());
  encoded.element_bytes = static_cast<unsigned char>(bytes_of(map.element));
  encoded.swizzle_bytes = static_cast<unsigned char>(map.swizzle_bytes);
  for (std::size_t i = 0; i < map.shape.size(); ++i) {
    const std::size_t from = map.shape.size() - 1 - i;
    encoded.sizes[i] = map.shape[from];
    if (i > 0) encoded.strides[i - 1] = map.strides_bytes[from];
    encoded.box[i] = static_cast<unsigned short>(map.box[from]);
  }
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
