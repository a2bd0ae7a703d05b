#include "reports/format.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir::report {
namespace {

TEST(Format, GroupsDigitsByThousands) {
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(-1234567), "-1,234,567");
  EXPECT_EQ(megabytes(1208.34e6), "1,208.3");
  EXPECT_EQ(microseconds(1.2345e-3), "1,234.50");
}

TEST(Format, PrintsPercentages) {
  EXPECT_EQ(percent(0.0314), "3.1%");
  EXPECT_EQ(percent(12.5), "1,250%");
  EXPECT_EQ(percent(INFINITY), "∞%");
}

TEST(Format, ChoosesUnitsWithThreeDigits) {
  EXPECT_EQ(bytes_with_unit(512), "512 B");
  EXPECT_EQ(bytes_with_unit(33554432), "33.6 MB");
  EXPECT_EQ(bytes_with_unit(999.6e6), "1.00 GB");
  EXPECT_EQ(short_bytes(1e6), "1 MB");
  EXPECT_EQ(short_bytes(2.5e9), "2.5 GB");
  EXPECT_EQ(short_bytes(100e6), "100 MB");
}

TEST(Format, SaysUnknownForNan) {
  EXPECT_EQ(megabytes(NAN), kUnknown);
}

TEST(Printable, ReplacesControlCharactersAndMalformedUtf8) {
  EXPECT_EQ(printable("a\nb\tc"), "a b c");
  EXPECT_EQ(printable("\x1b[31m"), "\uFFFD[31m");
  EXPECT_EQ(printable("µ\xff\xc3"), "µ\uFFFD\uFFFD");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(printable("\xc0\xaf"), "\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(printable("a\u202Eb"),
            "a\uFFFD"
            "b");  // would reverse what follows
  EXPECT_EQ(printable("😀"), "😀");
}

TEST(Escapes, KeepTextInsideItsPlace) {
  EXPECT_EQ(html_escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  EXPECT_EQ(markdown_escape("a|b_c <i>"), "a\\|b\\_c &lt;i>");
  EXPECT_EQ(markdown_code("a|`b`"), "`a\\|'b'`");
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
}

TEST(DisplayWidth, CountsCodePoints) {
  EXPECT_EQ(display_width("µs –"), 4u);
}

}  // namespace
}  // namespace weir::report
