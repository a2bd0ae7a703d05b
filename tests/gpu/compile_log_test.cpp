#include "gpu/compile_log.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(CompileLog, ReadsEveryEntryOfCuda13) {
  const auto entries = parse_compile_log(R"(ptxas info    : 4 bytes gmem
ptxas info    : Compiling entry function 'k2' for 'sm_90a'
ptxas info    : Function properties for k2
ptxas         .     1472 bytes stack frame, 1404 bytes spill stores, 1756 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers, 1472 bytes cumulative stack size
ptxas info    : Compile time = 170.357 ms
ptxas info    : Compiling entry function 'k' for 'sm_90a'
ptxas info    : Function properties for k
ptxas         .     256 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 19 registers, used 1 barriers, 256 bytes cumulative stack size, 1024 bytes smem
)");
  const std::vector<EntryResources> expected{
      {"k2", {.registers_per_thread = 32, .spill_bytes = 1404 + 1756, .stack_bytes = 1472}},
      {"k", {.registers_per_thread = 19, .spill_bytes = 0, .stack_bytes = 256, .static_shared_bytes = 1024}}};
  EXPECT_EQ(entries, expected);
}

TEST(CompileLog, ReadsTheLayoutOfOlderReleases) {
  const auto entries = parse_compile_log(R"(ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'gemm' for 'sm_80'
ptxas info    : Function properties for gemm
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 128 registers, 49152 bytes smem, 400 bytes cmem[0]
)");
  const std::vector<EntryResources> expected{
      {"gemm", {.registers_per_thread = 128, .static_shared_bytes = 49152}}};
  EXPECT_EQ(entries, expected);
}

TEST(CompileLog, ChargesSpillsOfCalledFunctionsToTheirEntry) {
  const auto entries = parse_compile_log(R"(ptxas info    : Compiling entry function 'k' for 'sm_90'
ptxas info    : Function properties for k
ptxas         .     16 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 40 registers, used 0 barriers, 48 bytes cumulative stack size
ptxas info    : Function properties for _Z6helperf
ptxas         .     32 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
)");
  const std::vector<EntryResources> expected{
      {"k", {.registers_per_thread = 40, .spill_bytes = 20, .stack_bytes = 48}}};
  EXPECT_EQ(entries, expected);
}

TEST(CompileLog, FindsSerialisedProductsAndIgnoredRegisterSplits) {
  const std::string serialised =
      "ptxas info    : (C7511) Potential Performance Loss: wgmma.mma_async instructions are serialized due "
      "to "
      "insufficient register resources for the wgmma pipeline in the function 'gemm_wgmma'";
  EXPECT_EQ(
      compile_fault("ptxas info    : 0 bytes gmem\n" + serialised + "\nptxas info    : Used 254 registers\n"),
      serialised);
  EXPECT_EQ(compile_fault("ptxas warning : setmaxnreg ignored to maintain minimum register requirements\n"),
            "ptxas warning : setmaxnreg ignored to maintain minimum register requirements");
  EXPECT_EQ(compile_fault("ptxas info    : Used 168 registers, used 16 barriers\n"), "");
}

TEST(CompileLog, IgnoresTextThatIsNotAReport) {
  EXPECT_TRUE(parse_compile_log("").empty());
  EXPECT_TRUE(
      parse_compile_log("warning: variable \"Used 12 registers\" was declared\n12 bytes stack frame\n")
          .empty());
}

}  // namespace
}  // namespace weir
