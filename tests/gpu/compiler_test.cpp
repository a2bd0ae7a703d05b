#include "gpu/compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "gpu/source_files.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kSource = R"(#include <weir/config.h>
#include "device/scale.cuh"
extern "C" __global__ void scale_all(float* values, int count) {
  __shared__ float staged[config::threads];
  const int i = blockIdx.x * config::threads + threadIdx.x;
  if (i < count) staged[threadIdx.x] = scale(values[i]);
  __syncthreads();
  if (i < count) values[i] = staged[config::threads - 1 - threadIdx.x];
}
)";

class CompilerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) / ("weir_compiler_" + std::to_string(getpid()) + "_" +
                                             testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder / "include" / "device");
    write(folder / "include" / "device" / "scale.cuh",
          "#pragma once\n__device__ float scale(float x) { return 2 * x; }\n");
    write(folder / "scale.cu", kSource);
    Result<Compiler> opened = Compiler::open(folder / "cache");
    if (!opened) GTEST_SKIP() << opened.error().message;
    compiler = std::move(opened).value();
  }
  void TearDown() override { fs::remove_all(folder); }

  static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

  CompileRequest request(int threads = 128, std::int64_t compute_capability = 90) const {
    return {.source = folder / "scale.cu",
            .config_header = "#pragma once\nnamespace config { constexpr int threads = " +
                             std::to_string(threads) + "; }\n",
            .include_folders = {folder / "include"},
            .compute_capability = compute_capability};
  }

  fs::path folder;
  std::optional<Compiler> compiler;
};

TEST_F(CompilerTest, ReportsResourcesOnEveryArchitecture) {
  for (const std::int64_t capability : {80, 90, 120}) {
    const Result<Compiled> compiled = compiler->compile(request(128, capability));
    ASSERT_TRUE(compiled) << compiled.error().message;
    const std::vector<std::string> entry{"scale_all"};
    const Result<Resources> resources = largest_resources(compiled.value().entries, entry);
    ASSERT_TRUE(resources) << resources.error().message;
    EXPECT_GE(resources.value().registers_per_thread, 8);
    EXPECT_LE(resources.value().registers_per_thread, 32);
    EXPECT_EQ(resources.value().spill_bytes, 0);
    // From compute capability 9.0 on, the system's part may be counted too.
    EXPECT_GE(resources.value().static_shared_bytes, 128 * 4);
    EXPECT_LE(resources.value().static_shared_bytes, 128 * 4 + 1024);
    EXPECT_GT(fs::file_size(compiled.value().cubin), 500u);
  }
}

TEST_F(CompilerTest, MakesCodeForOneArchitectureAlone) {
  CompileRequest specific = request();
  specific.text =
      "extern \"C\" __global__ void k(int* out) {\n#ifdef __CUDA_ARCH_FEAT_SM90_ALL\n*out = "
      "1;\n#else\n#error no\n#endif\n}\n";
  EXPECT_FALSE(compiler->compile(specific));
  specific.architecture_specific = true;
  const Result<Compiled> compiled = compiler->compile(specific);
  EXPECT_TRUE(compiled) << compiled.error().message;
}

TEST_F(CompilerTest, FindsWhatWasCompiledBefore) {
  EXPECT_FALSE(compiler->compile(request()).value().from_cache);
  const Result<Compiled> again = compiler->compile(request());
  EXPECT_TRUE(again.value().from_cache);
  EXPECT_EQ(again.value().entries.size(), 1u);
  EXPECT_FALSE(compiler->compile(request(256)).value().from_cache) << "the configuration is part of the key";
  EXPECT_FALSE(compiler->compile(request(128, 80)).value().from_cache)
      << "the architecture is part of the key";
  write(folder / "include" / "device" / "scale.cuh",
        "#pragma once\n__device__ float scale(float x) { return 3 * x; }\n");
  EXPECT_FALSE(compiler->compile(request()).value().from_cache) << "headers are part of the key";
}

TEST_F(CompilerTest, CompilesAgainOverADamagedEntry) {
  const Result<Compiled> first = compiler->compile(request());
  ASSERT_TRUE(first) << first.error().message;
  const auto size = fs::file_size(first.value().cubin);
  {
    std::fstream cubin(first.value().cubin, std::ios::in | std::ios::out | std::ios::binary);
    cubin.seekp(static_cast<std::streamoff>(size / 2));
    cubin.put('\x5a');
    cubin.put('\xa5');
  }
  EXPECT_FALSE(compiler->compile(request()).value().from_cache);
  EXPECT_TRUE(compiler->compile(request()).value().from_cache);

  fs::resize_file(first.value().cubin, size / 3);
  EXPECT_FALSE(compiler->compile(request()).value().from_cache);

  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "cache")) {
    if (entry.path().extension() == ".info") fs::resize_file(entry.path(), fs::file_size(entry.path()) - 4);
  }
  EXPECT_FALSE(compiler->compile(request()).value().from_cache);
  EXPECT_TRUE(compiler->compile(request()).value().from_cache);
}

TEST_F(CompilerTest, ShowsTheCompilersWordsForABrokenSource) {
  CompileRequest broken = request();
  broken.text = "extern \"C\" __global__ void k() { undeclared = 1; }";
  const Result<Compiled> compiled = compiler->compile(broken);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().kind, ErrorKind::failed);
  EXPECT_THAT(compiled.error().message, HasSubstr("undeclared"));
  EXPECT_THAT(compiled.error().message, HasSubstr("scale.cu(1)"));
}

TEST_F(CompilerTest, NamesAnEntryThatTheSourceLacks) {
  const Result<Compiled> compiled = compiler->compile(request());
  const std::vector<std::string> entry{"gemm"};
  const Result<Resources> resources = largest_resources(compiled.value().entries, entry);
  ASSERT_FALSE(resources);
  EXPECT_THAT(resources.error().message, HasSubstr("gemm"));
}

TEST_F(CompilerTest, CompilesInManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 2; ++j) good += compiler->compile(request(32 << ((i + j) % 4))).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
}

TEST_F(CompilerTest, SharesTheCacheBetweenProcesses) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (int threads = 32; threads <= 128; threads *= 2) {
        const Result<Compiled> compiled = compiler->compile(request(threads));
        if (!compiled || !fs::exists(compiled.value().cubin)) _exit(1);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  for (int threads = 32; threads <= 128; threads *= 2)
    EXPECT_TRUE(compiler->compile(request(threads)).value().from_cache);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "cache")) {
    EXPECT_NE(entry.path().filename().string().rfind(".writing", 0), 0u) << "left behind: " << entry.path();
  }
}

TEST(SourceFiles, FollowsIncludesOfIncludesOnce) {
  const fs::path folder = fs::path(testing::TempDir()) / ("weir_sources_" + std::to_string(getpid()));
  fs::create_directories(folder / "device" / "ptx");
  std::ofstream(folder / "device" / "a.cuh")
      << "#pragma once\n#include \"ptx/b.cuh\"\n#  include <device/c.cuh>\n";
  std::ofstream(folder / "device" / "ptx" / "b.cuh") << "#include \"../c.cuh\"\n// b\n";
  std::ofstream(folder / "device" / "c.cuh") << "#include \"a.cuh\"\n// c\n";
  const auto files =
      included_files("#include <weir/config.h>\n#include \"device/a.cuh\"\nint include = 3;", {}, {folder});
  std::vector<std::string> names;
  for (const SourceFile& file : files) names.push_back(file.name);
  EXPECT_EQ(names, (std::vector<std::string>{"device/a.cuh", "ptx/b.cuh", "../c.cuh"}));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace weir
