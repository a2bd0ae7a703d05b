// XXH3 digests, for keys; not for security.
#pragma once

#include <initializer_list>
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

// XXH3-128, as 32 hex digits, of the parts as one sequence of bytes: what any other program computes for
// them.
std::string xxh3_hex(std::initializer_list<std::string_view> parts);

}  // namespace weir
