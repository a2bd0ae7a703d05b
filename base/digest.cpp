#include "base/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <cstdio>

namespace weir {
namespace {

std::string hex(const XXH128_hash_t& hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace

struct Digest::State {
  XXH3_state_t xxh3;
};

Digest::Digest() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->xxh3);
}
Digest::~Digest() = default;

void Digest::add(std::string_view part) {
  const std::uint64_t size = part.size();
  unsigned char length[8];  // little endian, so that the digest is the same everywhere
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(size >> (8 * i));
  XXH3_128bits_update(&state_->xxh3, length, sizeof length);
  XXH3_128bits_update(&state_->xxh3, part.data(), part.size());
}

std::string Digest::hex128() const {
  return hex(XXH3_128bits_digest(&state_->xxh3));
}

std::string Digest::hex64() const {
  return hex128().substr(0, 16);
}

std::string xxh3_hex(std::initializer_list<std::string_view> parts) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (const std::string_view part : parts) XXH3_128bits_update(&state, part.data(), part.size());
  return hex(XXH3_128bits_digest(&state));
}

}  // namespace weir
