#include "store/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <memory>

#include "store/store.h"

namespace weir {

std::string xxh3_hex(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  for (std::string_view part : parts) XXH3_128bits_update(state.get(), part.data(), part.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state.get()));
  std::string hex;
  for (unsigned char byte : canonical.digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string header_hash(const std::string& config_header) {
  return xxh3_hex({config_header});
}

}  // namespace weir
