// What kernel_benchmark times, what it counts for it, what it asks cuBLAS for, and what it says without a
// GPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "benchmarks/cublas.h"
#include "benchmarks/kernel_cases.h"
#include "simulator/predict.h"
#include "tests/store/sample_records.h"

namespace weir {
namespace {

using testing::HasSubstr;

const std::filesystem::path kSource = WEIR_SOURCE_DIR;

DeviceProfile h100() {
  return must(find_profile(kSource / "profiles/gpus", "h100-sxm5-80gb"));
}

StoredDevice device() {
  return {sample_provenance().gpu_name, limits_of(h100())};
}

struct Tuned {
  const char *kernel, *problem, *hash;
  std::map<std::string, std::vector<std::int64_t>> tables = {};
};

// A published file in which the safe default of each was the best.
std::filesystem::path published(const TemporaryFolder& folder, const std::vector<Tuned>& all) {
  Store work = must(Store::open(folder / "work.weir", Store::Mode::create_or_open));
  must(work.write(device()));
  for (const Tuned& tuned : all) {
    const KernelDefinition definition = must(find_kernel(kSource / "kernels", tuned.kernel));
    std::ifstream stream(definition.file());
    must(
        work.write(StoredDefinition{tuned.kernel, tuned.hash, {std::istreambuf_iterator<char>(stream), {}}}));
    const Problem problem = must(definition.problem(tuned.problem, tuned.tables));
    const Config config = must(definition.default_config(problem, device().limits));
    const Candidate candidate = must(definition.resolve(problem, config, device().limits));
    Record row = sample_record(to_string(config));
    row.kernel = tuned.kernel;
    row.source_hash = tuned.hash;
    row.problem = to_string(problem);
    row.is_default = true;
    row.measurement->provenance.l2_bytes = device().limits.l2_bytes;
    must(work.write(row));
    if (!tuned.tables.empty())
      must(work.write(StoredTables{tuned.kernel, tuned.hash, row.problem, tuned.tables}));
    must(work.write(StoredModule{tuned.hash, header_hash(candidate.config_header), 90, "13.0",
                                 std::vector<std::uint8_t>(100, 1)}));
  }
  must(ship(work, folder / "ship.weir"));
  return folder / "ship.weir";
}

constexpr const char *kFirst = "00112233445566778899aabbccddeeff",
                     *kSecond = "ffeeddccbbaa99887766554433221100";

TEST(KernelCases, AreNamedByKernelAndProblemAndCountTheFormulasWork) {
  const TemporaryFolder folder;
  const auto file =
      published(folder, {{"gemm", "m=512,n=256,k=1024", kFirst}, {"stream_copy", "bytes=1048576", kSecond}});
  const std::vector<KernelCase> cases = must(kernel_cases(file, device(), h100()));
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].name, "gemm/m=512,n=256,k=1024,dtype=bf16");
  EXPECT_EQ(cases[0].pick.match, Match::exact);
  EXPECT_EQ(cases[0].flops, 2.0 * 512 * 256 * 1024);
  EXPECT_EQ(cases[0].bytes, 2.0 * (512 * 1024 + 256 * 1024 + 512 * 256));
  EXPECT_EQ(cases[1].name, "stream_copy/bytes=1048576");
  EXPECT_EQ(cases[1].flops, 0);
  EXPECT_EQ(cases[1].bytes, 2.0 * 1048576);
}

// Q, K, V and O once, of two bytes, and a sum of four bytes for each row; causal: half of the pairs.
TEST(KernelCases, OfCausalAttentionCountVisiblePairs) {
  const TemporaryFolder folder;
  const auto file = published(
      folder, {{"attention_forward", "heads_q=4,heads_kv=2,seq_q=1024,head_dim=128,causal=true", kFirst}});
  const std::vector<KernelCase> cases = must(kernel_cases(file, device(), h100()));
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].flops, 4.0 * 4 * 128 * (1024.0 * 1024 / 2));
  EXPECT_EQ(cases[0].bytes, (4 + 2 + 2 + 4) * 1024.0 * 128 * 2 + 4 * 1024 * 4);
}

TEST(KernelCases, WithTablesAreThoseThatWereTuned) {
  const TemporaryFolder folder;
  const auto file = published(folder, {{"attention_decode",
                                        "batch=2,heads_q=4,heads_kv=2,seq_kv=600,head_dim=64,ragged=true",
                                        kFirst,
                                        {{"seq_lens", {600, 300}}}}});
  const std::vector<KernelCase> cases = must(kernel_cases(file, device(), h100()));
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_THAT(cases[0].name, HasSubstr(",tables="));
  const Candidate& candidate = *cases[0].pick.candidate;
  EXPECT_THAT(candidate.tables, testing::Contains(std::vector<std::int64_t>{600, 300}));
  // K and V of 900 keys, two heads.
  EXPECT_GT(cases[0].bytes, 2 * 900 * 2 * 64 * 2);
  EXPECT_LT(cases[0].bytes, 1.1 * 2 * 900 * 2 * 64 * 2);
}

TEST(KernelCases, OfAnotherGpuModelAreAnErrorThatNamesIt) {
  const TemporaryFolder folder;
  const auto file = published(folder, {{"stream_copy", "bytes=1048576", kFirst}});
  StoredDevice other = device();
  other.gpu_name = "NVIDIA H200";
  const auto cases = kernel_cases(file, other, h100());
  ASSERT_FALSE(cases.ok());
  EXPECT_EQ(cases.error().kind, ErrorKind::missing);
  EXPECT_THAT(cases.error().message, HasSubstr("NVIDIA H100 80GB HBM3"));
}

// What cublasGemmEx computes with these numbers, by its documentation: matrices by columns, the left one
// transposed.
std::vector<double> as_cublas_does(const CublasCall& call, const std::vector<double>& left,
                                   const std::vector<double>& right) {
  std::vector<double> result(static_cast<std::size_t>(call.rows * call.columns));
  for (int column = 0; column < call.columns; ++column) {
    for (int row = 0; row < call.rows; ++row) {
      double& sum = result[static_cast<std::size_t>(column * call.result_stride + row)];
      for (int k = 0; k < call.depth; ++k)
        sum += left[static_cast<std::size_t>(row * call.left_stride + k)] *
               right[static_cast<std::size_t>(column * call.right_stride + k)];
    }
  }
  return result;
}

TEST(CublasCall, IsTheProductOfTheDefinition) {
  constexpr int m = 3, n = 5, k = 8;
  const KernelDefinition definition = must(find_kernel(kSource / "kernels", "gemm"));
  const Problem problem = must(definition.problem("m=3,n=5,k=8,dtype=f16"));
  const Candidate candidate = must(definition.resolve(
      problem, must(definition.default_config(problem, device().limits)), device().limits));
  const CublasCall call = must(cublas_call(candidate));
  EXPECT_EQ(call.element, 2);  // CUDA_R_16F
  std::vector<double> a(m * k), b(n * k), c(m * n);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<double>(i * i % 7);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<double>(i * 5 % 11);
  for (std::size_t row = 0; row < m; ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      for (std::size_t i = 0; i < k; ++i) c[row * n + column] += a[row * k + i] * b[column * k + i];
    }
  }
  EXPECT_EQ(as_cublas_does(call, b, a), c);
}

struct Finished {
  int exit_code;
  std::string err;
};

Finished kernel_benchmark(const TemporaryFolder& folder, const std::string& arguments) {
  const std::string err = (folder / "stderr").string();
  const int status = std::system(
      (WEIR_BINARY_DIR "/benchmarks/kernel_benchmark " + arguments + " > /dev/null 2> " + err).c_str());
  std::ifstream stream(err);
  return {WEXITSTATUS(status), {std::istreambuf_iterator<char>(stream), {}}};
}

TEST(KernelBenchmark, WithoutAFileItSaysHowToGetOne) {
  const TemporaryFolder folder;
  const Finished none = kernel_benchmark(folder, "");
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("usage: kernel_benchmark SHIP_FILE"));
  const Finished missing = kernel_benchmark(folder, (folder / "nothing.weir").string());
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("no such file"));
}

TEST(KernelBenchmark, WithoutAGpuItSaysSo) {
  if (open_driver()) GTEST_SKIP() << "a GPU is here";
  const TemporaryFolder folder;
  const auto file = published(folder, {{"stream_copy", "bytes=1048576", kFirst}});
  const Finished run = kernel_benchmark(folder, file.string());
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_NE(run.err, "");
}

}  // namespace
}  // namespace weir
