#include "gpu/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>

namespace weir {

struct Digest::State {
  XXH3_state_t hash;
};

Digest::Digest() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->hash);
}
Digest::~Digest() = default;

Digest& Digest::add(std::string_view part) {
  const std::uint64_t size = part.size();
  XXH3_128bits_update(&state_->hash, &size, sizeof size);
  XXH3_128bits_update(&state_->hash, part.data(), part.size());
  return *this;
}

std::string Digest::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_->hash));
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string digest_hex(std::string_view bytes) {
  return Digest().add(bytes).hex();
}

}  // namespace weir
