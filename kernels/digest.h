// XXH3 digests, for keys; not for security.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir {

// XXH3-128 over a sequence of parts. Each part's length is hashed with it, so that ("ab", "c") differs from
// ("a", "bc").
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::string_view part);
  std::string hex128() const;  // 32 hex digits
  std::string hex64() const;   // the first 16 of them

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir
