#include "comparisons/document.h"

#include <gtest/gtest.h>

namespace weir::comparison {
namespace {

Result<std::string> echo(const std::vector<std::string>& arguments) {
  std::string text = "table of";
  for (const std::string& argument : arguments) text += " " + argument;
  return text + "\n";
}

const std::string kDocument =
    "# Title\n"
    "<!-- weir compare a.yaml\n  --table one -->\n"
    "what was here before\n"
    "<!-- end of weir compare -->\n"
    "between\n"
    "<!-- weir compare b.yaml --><!-- end of weir compare -->\n"
    "last\n";

TEST(Document, EveryTableIsWrittenByItsLineAndTheRestStays) {
  const Result<std::string> updated = with_tables(kDocument, echo);
  ASSERT_TRUE(updated.ok()) << to_string(updated.error());
  EXPECT_EQ(*updated,
            "# Title\n"
            "<!-- weir compare a.yaml\n  --table one -->\n\n"
            "table of a.yaml --table one\n\n"
            "<!-- end of weir compare -->\n"
            "between\n"
            "<!-- weir compare b.yaml -->\n\n"
            "table of b.yaml\n\n"
            "<!-- end of weir compare -->\n"
            "last\n");
}

TEST(Document, WritingAgainChangesNothing) {
  const std::string once = with_tables(kDocument, echo).value();
  EXPECT_EQ(with_tables(once, echo).value(), once);
  EXPECT_EQ(with_tables("no table\n", echo).value(), "no table\n");
}

TEST(Document, ATableWithoutAnEndIsAnErrorWithItsLine) {
  const auto open = with_tables("text\n<!-- weir compare a.yaml -->\n", echo);
  ASSERT_FALSE(open.ok());
  EXPECT_NE(open.error().message.find("line 2"), std::string::npos) << open.error().message;
  const auto failing = with_tables(kDocument, [](const std::vector<std::string>&) -> Result<std::string> {
    return Error{ErrorKind::missing, "no such file", ""};
  });
  EXPECT_EQ(failing.error().kind, ErrorKind::missing);
}

}  // namespace
}  // namespace weir::comparison
