// XXH3-128 of byte sequences, for cache keys and for noticing damage. Not cryptographic.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace weir {

// Collects parts; each part's length is hashed too, so that moving a byte between parts changes the digest.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest& add(std::string_view part);
  std::string hex() const;  // 32 hex digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string digest_hex(std::string_view bytes);

}  // namespace weir
