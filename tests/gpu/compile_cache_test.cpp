// The compile cache's limit. Needs no compiler.
#include "gpu/compile_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "gpu/cache_limit.h"
#include "tests/temporary_folder.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kCubinBytes = 10'000;  // with its info 10.1 kB

class CompileCacheTest : public testing::Test {
 protected:
  CompileCache cache(std::int64_t limit_bytes) { return CompileCache::open(folder_, limit_bytes).value(); }
  static std::string key(int number) { return std::string(31, 'a') + static_cast<char>('a' + number); }
  void store(const CompileCache& cache, int number) {
    const std::string cubin(kCubinBytes, static_cast<char>('A' + number));
    ASSERT_TRUE(cache.store(key(number), cubin, {{.entry = "main"}}).ok());
    std::this_thread::sleep_for(10ms);  // file times tick
  }
  std::int64_t bytes() const {
    std::int64_t sum = 0;
    for (const fs::directory_entry& file : fs::directory_iterator(folder_))
      sum += static_cast<std::int64_t>(file.file_size());
    return sum;
  }
  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(CompileCacheTest, StaysWithinItsLimitAndKeepsTheLastEntries) {
  const CompileCache small = cache(55'000);
  for (int i = 0; i < 12; ++i) {
    store(small, i);
    EXPECT_LE(bytes(), 55'000);
    EXPECT_TRUE(small.find(key(i))) << "what was just compiled stays";
  }
  EXPECT_FALSE(small.find(key(0)));
  EXPECT_TRUE(small.find(key(10)));
  EXPECT_GE(bytes(), 4 * static_cast<std::int64_t>(kCubinBytes)) << "no more than needed goes";
}

TEST_F(CompileCacheTest, WhatIsUsedStaysAndWhatIsNotGoes) {
  const CompileCache small = cache(55'000);
  for (int i = 0; i < 5; ++i) store(small, i);
  ASSERT_TRUE(small.find(key(0)));
  std::this_thread::sleep_for(10ms);
  store(small, 5);
  EXPECT_TRUE(small.find(key(0))) << "used after the others were";
  EXPECT_FALSE(small.find(key(1))) << "not used for longest";
  EXPECT_TRUE(small.find(key(5)));
}

TEST_F(CompileCacheTest, AnEntryGoesWithAllItsFiles) {
  const CompileCache small = cache(25'000);
  for (int i = 0; i < 4; ++i) store(small, i);
  for (const fs::directory_entry& file : fs::directory_iterator(folder_))
    EXPECT_TRUE(file.path().filename().string().rfind(key(0), 0) != 0) << file.path();
}

TEST_F(CompileCacheTest, WithoutALimitNothingGoes) {
  const CompileCache unlimited = cache(0);
  for (int i = 0; i < 12; ++i) store(unlimited, i);
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(unlimited.find(key(i))) << i;
}

TEST_F(CompileCacheTest, AnEntryLargerThanTheLimitIsStillUsed) {
  const CompileCache tiny = cache(1'000);
  store(tiny, 0);
  EXPECT_TRUE(tiny.find(key(0)));
  store(tiny, 1);
  EXPECT_TRUE(tiny.find(key(1)));
  EXPECT_FALSE(tiny.find(key(0)));
}

TEST_F(CompileCacheTest, ItsLimitComesFromTheEnvironment) {
  ::setenv("WEIR_CACHE_BYTES", "123456", 1);
  EXPECT_EQ(CompileCache::open(folder_)->limit_bytes(), 123456);
  for (const char* wrong : {"", "4G", "-1", "1e9"}) {
    ::setenv("WEIR_CACHE_BYTES", wrong, 1);
    const Result<CompileCache> opened = CompileCache::open(folder_);
    ASSERT_FALSE(opened.ok()) << wrong;
    EXPECT_EQ(opened.error().kind, ErrorKind::usage);
  }
  ::unsetenv("WEIR_CACHE_BYTES");
  EXPECT_EQ(cache_limit_bytes().value(), 4'000'000'000);
}

}  // namespace
}  // namespace weir
