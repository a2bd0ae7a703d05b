// Stores and caches keep these values: they must never change.
#include "base/digest.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string digest_of(std::initializer_list<std::string_view> parts) {
  Digest digest;
  for (const std::string_view part : parts) digest.add(part);
  return digest.hex128();
}

// The first is the reference implementation's value for no input.
TEST(Digest, OfBytesIsTheReferenceImplementations) {
  EXPECT_EQ(xxh3_hex({}), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(xxh3_hex({""}), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(xxh3_hex({"ab", "c"}), xxh3_hex({"abc"}));
  EXPECT_EQ(xxh3_hex({"abc"}), "06b05ab6733a618578af5f94892f3950");
}

TEST(Digest, OfPartsHashesEachLengthBeforeItsPart) {
  using namespace std::string_view_literals;
  EXPECT_EQ(digest_of({}), xxh3_hex({}));
  EXPECT_EQ(digest_of({"ab", "c"}), xxh3_hex({"\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c"sv}));
  EXPECT_NE(digest_of({"ab", "c"}), digest_of({"a", "bc"}));
  EXPECT_EQ(digest_of({"ab", "c"}), "f2eda2708bcfd51cc05c0ee4c9f60440");
}

TEST(Digest, TheShortFormIsTheFirstHalf) {
  Digest digest;
  digest.add("x");
  EXPECT_EQ(digest.hex64(), digest.hex128().substr(0, 16));
  EXPECT_EQ(digest.hex64().size(), 16u);
}

}  // namespace
}  // namespace weir
