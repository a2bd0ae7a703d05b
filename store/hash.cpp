#include "store/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/store.h"

namespace weir {

std::string xxh3_hex(const void* data, std::size_t bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, bytes));
  std::string hex;
  for (unsigned char byte : canonical.digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

std::string header_hash(const std::string& config_header) {
  return xxh3_hex(config_header.data(), config_header.size());
}

}  // namespace weir
