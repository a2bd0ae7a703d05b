// Problems with real numbers, formulas and tables through the C ABI, to the parameters of cuLaunchKernel.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/weir.hpp"
#include "tests/runtime/fake_cuda.h"
#include "tests/store/sample_segments.h"

namespace weir {
namespace {

using testing::HasSubstr;

class TableTest : public testing::Test {
 protected:
  TableTest() {
    static void* const library = ::dlopen(WEIR_FAKE_CUDA, RTLD_NOW | RTLD_GLOBAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    cuda_ = reinterpret_cast<FakeCuda* (*)()>(::dlsym(library, "fake_cuda"))();
    *cuda_ = FakeCuda{};
    must(ship(segments_work(folder_ / "work.weir"), folder_ / "ship.weir"));
  }

  runtime::Kernel kernel(const std::string& problem,
                         const std::map<std::string, std::vector<std::int64_t>>& tables) {
    return runtime::File((folder_ / "ship.weir").string()).pick("segments", problem, tables);
  }

  TemporaryFolder folder_;
  FakeCuda* cuda_ = nullptr;
};

TEST_F(TableTest, AProblemIsFoundHoweverItsFormulaIsWritten) {
  const runtime::Kernel exact = kernel("mask=(max(key,0)<=row),slope=0.250,packed=1,n=1000", kStarts);
  EXPECT_EQ(exact.info().match, WEIR_MATCH_EXACT) << exact.info().reason;
  EXPECT_STREQ(exact.info().config, "tile=128,variant=plain");
  EXPECT_THAT(exact.info().problem, HasSubstr("slope=0.25,mask=max(key, 0) <= row,tables="));
  const runtime::Kernel other = kernel("n=1000,packed=true,mask=key < row", kStarts);
  EXPECT_EQ(other.info().match, WEIR_MATCH_NONE) << "a mask that was not compiled";
}

TEST_F(TableTest, ATableIsGivenToTheLaunchLikeATensor) {
  runtime::Kernel packed = kernel(kPacked, kStarts);
  const std::vector<weir_tensor_info> tensors = packed.tensors();
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_STREQ(tensors[2].name, "starts");
  EXPECT_STREQ(tensors[2].element, "i32");
  EXPECT_EQ(tensors[2].role, WEIR_ROLE_IN);
  EXPECT_EQ(tensors[2].bytes, 12);

  packed.launch(nullptr, {{"starts", 0x300}, {"x", 0x100}, {"y", 0x200}});
  ASSERT_EQ(cuda_->launches.size(), 1u);
  EXPECT_EQ(cuda_->launches[0].integer, 1000);
  EXPECT_EQ(cuda_->launches[0].real, 0.25f);
  EXPECT_EQ(cuda_->launches[0].table, 0x300u);
}

TEST_F(TableTest, ATableThatIsMissingOrMisalignedIsAnArgumentError) {
  runtime::Kernel packed = kernel(kPacked, kStarts);
  for (const std::uint64_t starts : {0x0ull, 0x302ull}) {
    try {
      packed.launch(nullptr, {{"x", 0x100}, {"y", 0x200}, {"starts", starts}});
      ADD_FAILURE();
    } catch (const runtime::Failure& failure) {
      EXPECT_EQ(failure.status(), WEIR_ERROR_ARGUMENT);
      EXPECT_THAT(failure.what(), HasSubstr("the table 'starts'"));
    }
  }
  EXPECT_TRUE(cuda_->launches.empty());
}

TEST_F(TableTest, AnEmptyTableNeedsNoAddress) {
  // The mask that was compiled, of a problem that was not tuned: its default.
  runtime::Kernel plain = kernel("n=500,mask=max(key, 0) <= row,slope=0.25", {});
  ASSERT_EQ(plain.info().match, WEIR_MATCH_DEFAULT) << plain.info().reason;
  EXPECT_EQ(plain.tensors().size(), 2u);
  plain.launch(nullptr, {{"x", 0x100}, {"y", 0x200}});
  ASSERT_EQ(cuda_->launches.size(), 1u);
  EXPECT_EQ(cuda_->launches[0].table, 0u);
}

}  // namespace
}  // namespace weir
