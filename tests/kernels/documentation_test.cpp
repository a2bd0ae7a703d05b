// docs/kernel-definition.md shows definitions that work, and the programs of the example files as they are.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

std::string read(const std::string& file) {
  std::ifstream stream(std::filesystem::path(WEIR_SOURCE_DIR) / file);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// The indented block of `text` that begins with `first`, without its indentation.
std::string block_of(const std::string& text, const std::string& first) {
  std::string block;
  for (std::size_t begin = text.find("    " + first); begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    if (!line.empty() && line.substr(0, 4) != "    ") break;
    block += (line.empty() ? line : line.substr(4)) + '\n';
    begin = end + 1;
  }
  return block;
}

TEST(Documentation, StartsWithADefinitionThatWorks) {
  const std::string yaml = block_of(read("docs/kernel-definition.md"), "format: 1");
  ASSERT_NE(yaml, "");
  const KernelDefinition definition = test::parse_or_stop(yaml);
  const Candidate candidate = test::resolve_or_stop(definition, "m=4096,n=4096,k=4096", "", test::h100());
  EXPECT_EQ(candidate.launches[0].work_items, 32 * 32);

  const std::string tunable = test::replaced(yaml, "    grid: tiles_m * tiles_n\n",
                                             "    grid: tiles_m * tiles_n\n    entry: my_gemm\n    "
                                             "arguments: [a, b, c, {i32: m}, {i32: n}, {i32: k}]\n");
  EXPECT_EQ(test::parse_or_stop(tunable).name(), "my_gemm");
}

TEST(Documentation, ShowsTheExamplesPrograms) {
  const std::string documentation = read("docs/kernel-definition.md");
  for (const char* name : {"triton_matmul", "triton_attention", "masked_attention"}) {
    const std::string yaml = read(std::string("examples/definitions/") + name + ".yaml");
    const std::size_t begin = yaml.find("    program:");
    ASSERT_NE(begin, std::string::npos);
    EXPECT_NE(documentation.find(yaml.substr(begin, yaml.find("\n\n", begin) - begin)), std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace weir
