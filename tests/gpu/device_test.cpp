// Everything that needs a GPU. Without one, every test skips and says why. WEIR_KERNELS names the folder
// kernels/ where it is not the one of the build.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gpu/compiler.h"
#include "gpu/cupti.h"
#include "gpu/doctor.h"
#include "gpu/driver.h"
#include "gpu/utility_kernels.h"
#include "gpu/worker_backend.h"
#include "kernels/definition.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kKernels = R"(
extern "C" __global__ void copy(const float4* x, float4* y, long long n) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) y[i] = x[i];
}
extern "C" __global__ void write_only(const float4* x, float4* y, long long n) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) y[i] = make_float4(1, 2, 3, 4);
}
extern "C" __global__ void read_only(const float4* x, float4* y, long long n) {
  float sum = 0;
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) {
    const float4 v = __ldcg(x + i);
    sum += v.x + v.y + v.z + v.w;
  }
  if (sum == 123.456f) y[0].x = sum;
}
__device__ void copy_but(const float4* x, float4* y, long long n, long long skipped) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) if (i != skipped) y[i] = x[i];
}
extern "C" __global__ void one_wrong(const float4* x, float4* y, long long n) {
  copy_but(x, y, n, n / 2);
  if (blockIdx.x == 0 && threadIdx.x == 0) y[n / 2] = make_float4(x[n / 2].x, x[n / 2].y + 1, x[n / 2].z, x[n / 2].w);
}
extern "C" __global__ void one_missing(const float4* x, float4* y, long long n) { copy_but(x, y, n, n - 1); }
extern "C" __global__ void one_past(const float4* x, float4* y, long long n) {
  copy_but(x, y, n, -1);
  if (blockIdx.x == 0 && threadIdx.x == 0) reinterpret_cast<float*>(y + n)[0] = 0;
}
extern "C" __global__ void one_before(const float4* x, float4* y, long long n) {
  copy_but(x, y, n, -1);
  if (blockIdx.x == 0 && threadIdx.x == 0) reinterpret_cast<char*>(y)[-1] = 0;
}
extern "C" __global__ void input_changed(float4* x, float4* y, long long n) {
  copy_but(x, y, n, -1);
  if (blockIdx.x == 0 && threadIdx.x == 0) x[7].x = 0;
}
extern "C" __global__ void through_scratch(const float4* x, float4* y, long long n, float* scratch, long long floats) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < floats; i += gridDim.x * 256ll) scratch[i] = i;
  copy_but(x, y, n, -1);
}
extern "C" __global__ void trap(const float4* x, float4* y, long long n) {
  copy_but(x, y, n, -1);
  asm volatile("trap;");
}
extern "C" __global__ void illegal(const float4* x, float4* y, long long n) { y[1ll << 40] = x[0]; }
extern "C" __global__ void other_bits(const float4* x, float4* y, long long n) {
  copy_but(x, y, n, -1);
  unsigned long long now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  if (blockIdx.x == 0 && threadIdx.x == 0) y[0].x = x[0].x + static_cast<float>(now >> 5 & 0xfffff);
}
// y[i] = scale * x[i] + starts[i % entries]
extern "C" __global__ void scaled(const float* x, float* y, long long n, float scale, const int* starts, int entries) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll)
    y[i] = scale * x[i] + (starts ? starts[i % entries] : 0);
}
extern "C" __global__ void table_changed(const float* x, float* y, long long n, float scale, int* starts, int entries) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) y[i] = scale * x[i] + starts[i % entries];
  if (blockIdx.x == 0 && threadIdx.x == 0) starts[1] = 0;
}
extern "C" __global__ void hang(const float4* x, float4* y, long long n) {
  while (atomicAdd(reinterpret_cast<unsigned*>(y), 0u) != 0xdeadbeefu) {}
}
)";

constexpr const char* kReference = R"(
extern "C" __global__ void reference(const float* x, float* y, long long n) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) y[i] = x[i];
}
extern "C" __global__ void scaled(const float* x, float* y, long long n, float scale, const int* starts, int entries) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll)
    y[i] = scale * x[i] + (starts ? starts[i % entries] : 0);
}
extern "C" __global__ void make_ones(float* x, long long n) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) x[i] = 1;
}
// Right only of inputs that are all 1.
extern "C" __global__ void ones(const float* x, float* y, long long n) {
  for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) y[i] = 1;
}
)";

fs::path test_folder() {
  static const fs::path folder = [] {
    const fs::path created = fs::path(testing::TempDir()) / ("weir_device_" + std::to_string(getpid()));
    fs::create_directories(created);
    std::ofstream(created / "kernel.cu") << kKernels;
    std::ofstream(created / "reference.cu") << kReference;
    return created;
  }();
  return folder;
}

fs::path kernels_folder() {
  const char* given = std::getenv("WEIR_KERNELS");
  return given ? fs::path(given) : fs::path(WEIR_SOURCE_DIR) / "kernels";
}

WorkerOptions worker_options() {
  return {.include_folder = kernels_folder(),
          .cache_folder = test_folder() / "cache",
          .kernel_seconds_limit = 1.5};
}

class OnDevice : public testing::Test {
 protected:
  void SetUp() override {
    const Result<const Driver*> opened = open_driver();
    if (!opened) GTEST_SKIP() << opened.error().message;
    driver = opened.value();
  }
  const Driver* driver = nullptr;
};

// One worker for all tests: faults are meant to leave it usable.
class WithBackend : public OnDevice {
 protected:
  static void TearDownTestSuite() { backend_.reset(); }
  void SetUp() override {
    OnDevice::SetUp();
    if (IsSkipped()) return;
    if (!backend_) {
      Result<std::unique_ptr<Backend>> opened = open_worker_backend(worker_options());
      ASSERT_TRUE(opened) << opened.error().message << "\n" << opened.error().advice;
      backend_ = std::move(opened).value();
    }
  }
  Backend& backend() { return *backend_; }

  Candidate candidate(const std::string& entry, std::int64_t bytes) {
    Candidate c;
    c.kernel = "copy";
    c.source = test_folder() / "kernel.cu";
    c.problem.values = {{"bytes", bytes, std::to_string(bytes)}};
    c.config.variant = entry;
    c.device = backend().facts().limits;
    const TensorLayout x{.name = "x", .element = Element::f32, .shape = {bytes / 4}, .strides_elements = {1}};
    TensorLayout y = x;
    y.name = "y";
    y.role = Role::out;
    c.tensors = {x, y};
    const std::vector<Argument> arguments{
        {Argument::Kind::tensor, 0, 0}, {Argument::Kind::tensor, 1, 0}, {Argument::Kind::i64, 0, bytes / 16}};
    c.launches.resize(1);
    c.launches[0].entry = entry;
    c.launches[0].grid = {c.device.sm_count * 8, 1, 1};
    c.launches[0].threads = {256, 1, 1};
    c.launches[0].arguments = arguments;
    c.verify = {.source = test_folder() / "reference.cu",
                .exact_entry = "reference",
                .low_entry = "reference",
                .grid = {c.device.sm_count * 8, 1, 1},
                .threads = {256, 1, 1},
                .arguments = arguments};
    c.verify.arguments[2].value = bytes / 4;
    return c;
  }
  Executable build(const std::string& entry, std::int64_t bytes) {
    Result<Executable> executable = backend().build(candidate(entry, bytes));
    EXPECT_TRUE(executable) << executable.error().message;
    return executable ? *executable : Executable{};
  }
  void prepare(std::int64_t bytes) {
    const Status status = backend().prepare(candidate("copy", bytes));
    ASSERT_TRUE(status) << status.error().message;
  }

 private:
  static std::unique_ptr<Backend> backend_;
};
std::unique_ptr<Backend> WithBackend::backend_;

TEST_F(OnDevice, DoctorFindsEverythingThatTuningNeeds) {
  const DoctorReport report = doctor({.cache_folder = test_folder() / "cache"});
  for (const DoctorCheck& check : report.checks) {
    std::printf("  %-15s %s  %s%s%s\n", check.name.c_str(), check.ok ? "ok" : "NO", check.detail.c_str(),
                check.advice.empty() ? "" : "\n                      ", check.advice.c_str());
    if (check.name == "driver" || check.name == "compiler" || check.name == "gpu 0") {
      EXPECT_TRUE(check.ok) << check.name;
    }
  }
  ASSERT_FALSE(report.devices.empty());
  EXPECT_NE(report.tier, Tier::none);
}

TEST_F(OnDevice, FactsAreThoseOfTheDriver) {
  const Result<DeviceFacts> facts = query_device(*driver, 0);
  ASSERT_TRUE(facts) << facts.error().message;
  const DeviceFacts& f = facts.value();
  EXPECT_EQ(f.uuid.size(), 40u);
  EXPECT_GE(f.limits.compute_capability, 75);
  EXPECT_GT(f.dram_bytes, 1ll << 30);
  EXPECT_GT(f.limits.shared_bytes_per_sm, f.limits.shared_bytes_per_block);
  if (f.name.find("H100 80GB HBM3") != std::string::npos) {
    EXPECT_EQ(f.limits, (DeviceLimits{.compute_capability = 90,
                                      .sm_count = 132,
                                      .max_threads_per_sm = 2048,
                                      .registers_per_sm = 65536,
                                      .shared_bytes_per_sm = 233472,
                                      .shared_bytes_per_block = 232448,
                                      .l2_bytes = 52428800}));
    EXPECT_EQ(f.max_blocks_per_sm, 32);
    EXPECT_EQ(f.shared_reserved_bytes_per_block, 1024);
    EXPECT_EQ(f.memory_bus_bits, 5120);
  }
}

// The backend's own kernels, in this process.
class Utilities : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    if (IsSkipped()) return;
    context.emplace(PrimaryContext::open(*driver, 0).value());
    stream = create_stream(*driver).value();
    const Result<Compiler> compiler = Compiler::open(test_folder() / "cache");
    ASSERT_TRUE(compiler) << compiler.error().message;
    const DeviceFacts facts = query_device(*driver, 0).value();
    Result<UtilityKernels> loaded = UtilityKernels::load(
        *driver, compiler.value(), facts.limits.compute_capability, facts.limits.sm_count, stream.get());
    ASSERT_TRUE(loaded) << loaded.error().message;
    kernels.emplace(std::move(loaded).value());
  }

  TensorLayout tensor(Element element, std::int64_t count) const {
    return {.name = "t", .element = element, .shape = {count}, .strides_elements = {1}};
  }
  // Fills and reads back as f32.
  std::vector<float> filled(Element element, Fill fill, std::int64_t count) {
    const TensorLayout layout = tensor(element, count);
    const BufferHandle data = allocate(*driver, static_cast<std::size_t>(extent_bytes(layout))).value();
    const BufferHandle wide = allocate(*driver, static_cast<std::size_t>(count) * 4).value();
    EXPECT_TRUE(kernels->fill(data.get(), layout, fill, 17));
    EXPECT_TRUE(kernels->widen(data.get(), layout, wide.get()));
    EXPECT_EQ(driver->stream_synchronize(stream.get()), cuda::kSuccess);
    std::vector<float> host(static_cast<std::size_t>(count));
    EXPECT_EQ(driver->copy_to_host(host.data(), wide.get(), host.size() * 4), cuda::kSuccess);
    return host;
  }

  std::optional<PrimaryContext> context;
  StreamHandle stream;
  std::optional<UtilityKernels> kernels;
};

TEST_F(Utilities, NormalFillHasMeanZeroAndVarianceOneInEveryType) {
  constexpr std::int64_t kCount = 1 << 22;
  for (const Element element :
       {Element::f32, Element::f64, Element::bf16, Element::f16, Element::fp8_e4m3, Element::fp8_e5m2}) {
    const std::vector<float> values = filled(element, Fill::normal, kCount);
    double sum = 0, squares = 0;
    for (const float v : values) {
      sum += v;
      squares += static_cast<double>(v) * v;
    }
    EXPECT_NEAR(sum / kCount, 0, 5 / std::sqrt(kCount)) << to_string(element);
    EXPECT_NEAR(squares / kCount, 1, 0.02) << to_string(element);  // fp8 e5m2 rounds to two bits
  }
}

TEST_F(Utilities, UniformAndIotaAndIntegers) {
  constexpr std::int64_t kCount = 1 << 20;
  double sum = 0, squares = 0;
  for (const float v : filled(Element::f32, Fill::uniform, kCount)) {
    EXPECT_TRUE(v >= -1 && v < 1);
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.003);
  EXPECT_NEAR(squares / kCount, 1.0 / 3, 0.002);
  const std::vector<float> iota = filled(Element::i32, Fill::iota, 1000);
  for (std::size_t i = 0; i < iota.size(); ++i) ASSERT_EQ(iota[i], static_cast<float>(i));
  for (const float v : filled(Element::i32, Fill::normal, 1000))
    EXPECT_TRUE(v >= -128 && v <= 127 && v == std::floor(v));
  for (const float v : filled(Element::u8, Fill::uniform, 1000)) EXPECT_TRUE(v >= 0 && v <= 255);
}

TEST_F(Utilities, CompareCountsErrorsSpecialsAndTheirPlaces) {
  const std::vector<float> reference{1, 2, 3, -INFINITY, 5, 6};
  const std::vector<float> values{1, 2.5f, 3, -INFINITY, NAN, 6.25f};
  const BufferHandle a = allocate(*driver, 24).value(), b = allocate(*driver, 24).value();
  driver->copy_to_device(a.get(), values.data(), 24);
  driver->copy_to_device(b.get(), reference.data(), 24);
  const TensorLayout layout{
      .name = "t", .element = Element::f32, .shape = {2, 3}, .strides_elements = {3, 1}};
  EXPECT_EQ(kernels->compare(a.get(), Element::f32, b.get(), layout).value(),
            (Comparison{.squared_error = 0.25 + 0.0625,
                        .squared_reference = 1 + 4 + 9 + 36,
                        .largest_error = 0.5,
                        .largest_reference = 6,
                        .largest_error_index = 1,
                        .special_mismatches = 1,
                        .special_index = 4}));
  // Strided: only the first two of each row of three.
  const TensorLayout strided{
      .name = "t", .element = Element::f32, .shape = {2, 2}, .strides_elements = {3, 1}};
  EXPECT_EQ(kernels->compare(a.get(), Element::f32, b.get(), strided).value().special_index, 3);
  EXPECT_NE(kernels->checksum(a.get(), 24).value(), kernels->checksum(b.get(), 24).value());
  EXPECT_NE(kernels->checksum(a.get(), 23).value(), kernels->checksum(a.get(), 24).value());
}

constexpr std::int64_t kSmall = 1 << 20;

TEST_F(WithBackend, VerifyPassesARightKernel) {
  prepare(kSmall);
  const Result<Verification> verification = backend().verify(build("copy", kSmall));
  ASSERT_TRUE(verification) << verification.error().message;
  EXPECT_TRUE(verification.value().passed) << verification.value().detail;
  EXPECT_EQ(verification.value().error, 0);
}

// A copy with scratch of `floats`, of which it writes `written`.
Candidate with_scratch(Candidate c, std::int64_t floats, std::int64_t written) {
  TensorLayout scratch = c.tensors[0];
  scratch.name = "scratch";
  scratch.role = Role::scratch;
  scratch.shape = {floats};
  c.tensors.push_back(scratch);
  c.launches[0].arguments.push_back({Argument::Kind::tensor, 2, 0});
  c.launches[0].arguments.push_back({Argument::Kind::i64, 0, written});
  return c;
}

TEST_F(WithBackend, ScratchIsAsLargeAsEachCandidateSays) {
  const Candidate copy = candidate("through_scratch", kSmall);
  ASSERT_TRUE(backend().prepare(with_scratch(copy, 4, 4)));
  for (const std::int64_t floats : {4, 1 << 20, 100}) {
    const Executable right = backend().build(with_scratch(copy, floats, floats)).value();
    const Result<Verification> verification = backend().verify(right);
    ASSERT_TRUE(verification) << verification.error().message;
    EXPECT_TRUE(verification->passed) << floats << ": " << verification->detail;
    const Executable wrong = backend().build(with_scratch(copy, floats, floats + 1)).value();
    EXPECT_THAT(backend().verify(wrong)->detail, HasSubstr("outside tensor scratch: "));
    // Together with a smaller one.
    const Executable small = backend().build(with_scratch(copy, 4, 4)).value();
    for (const Result<Timing>& timing : backend().time({{small, right}}, {.maximum_seconds = 0.05}))
      EXPECT_TRUE(timing) << timing.error().message;
  }
}

TEST_F(WithBackend, AVariantMayHaveScratchOfItsOwn) {
  prepare(kSmall);
  const Candidate copy = candidate("through_scratch", kSmall);
  const Executable with = backend().build(with_scratch(copy, 100, 100)).value();
  const Executable without = build("copy", kSmall);
  for (const Executable& executable : {without, with, without}) {
    const Result<Verification> verification = backend().verify(executable);
    ASSERT_TRUE(verification) << verification.error().message;
    EXPECT_TRUE(verification->passed) << verification->detail;
  }
  const Executable past = backend().build(with_scratch(copy, 100, 101)).value();
  EXPECT_THAT(backend().verify(past)->detail, HasSubstr("outside tensor scratch: "));
  for (const Result<Timing>& timing : backend().time({{without, with}}, {.maximum_seconds = 0.05}))
    EXPECT_TRUE(timing) << timing.error().message;
  // In another place only what is scratch and has the same name is the same tensor.
  Candidate named = with_scratch(copy, 100, 100);
  named.tensors[2].name = "sums";
  const Result<Verification> other = backend().verify(backend().build(named).value());
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("has other tensors"));
}

TEST_F(WithBackend, OnlyScratchMayDependOnTheConfiguration) {
  prepare(kSmall);
  Candidate other = candidate("copy", kSmall);
  other.tensors[1].shape = {kSmall / 8};
  const Result<Verification> verification = backend().verify(backend().build(other).value());
  ASSERT_FALSE(verification);
  EXPECT_EQ(verification.error().kind, ErrorKind::usage);
  EXPECT_THAT(verification.error().message, HasSubstr("tensor y of copy has another shape"));
}

TEST_F(WithBackend, VerifyFindsWhatIsWrong) {
  prepare(kSmall);
  const std::pair<const char*, const char*> wrong[] = {
      {"one_wrong", "the largest, 1, at [131073]"},
      {"one_missing", "4 of 262144 elements are NaN"},
      {"one_past", "outside tensor y: 4 bytes past its end"},
      {"one_before", "outside tensor y: 1 bytes before its start"},
      {"input_changed", "changed its input tensor x"},
      {"write_only", "rms error"}};
  for (const auto& [entry, expected] : wrong) {
    const Result<Verification> verification = backend().verify(build(entry, kSmall));
    ASSERT_TRUE(verification) << entry << ": " << verification.error().message;
    EXPECT_FALSE(verification.value().passed) << entry;
    EXPECT_THAT(verification.value().detail, HasSubstr(expected)) << entry;
    // What it damaged is repaired.
    EXPECT_TRUE(backend().verify(build("copy", kSmall)).value().passed) << "after " << entry;
  }
}

TEST_F(WithBackend, KernelsGetFloatsAndTables) {
  for (const bool has_entries : {true, false}) {
    Candidate c = candidate("scaled", kSmall);
    c.problem.tables = {{"starts", {}}};
    if (has_entries) c.problem.tables["starts"] = {3, -5, 1 << 20};
    c.table_names = {"starts"};
    c.tables = {c.problem.tables["starts"]};
    c.launches[0].arguments[2].value = kSmall / 4;
    c.launches[0].arguments.push_back({.kind = Argument::Kind::f32, .real = 0.375f});
    c.launches[0].arguments.push_back({.kind = Argument::Kind::table, .tensor = 0});
    c.launches[0].arguments.push_back({.kind = Argument::Kind::i32, .value = 3});
    c.verify.arguments = c.launches[0].arguments;
    c.verify.exact_entry = c.verify.low_entry = "scaled";
    const Status prepared = backend().prepare(c);
    ASSERT_TRUE(prepared) << prepared.error().message;
    const Result<Executable> executable = backend().build(c);
    ASSERT_TRUE(executable) << executable.error().message;
    const Result<Verification> verification = backend().verify(*executable);
    ASSERT_TRUE(verification) << verification.error().message;
    EXPECT_TRUE(verification->passed) << verification->detail;

    if (!has_entries) continue;
    c.launches[0].entry = c.config.variant = "table_changed";
    const Result<Verification> damage = backend().verify(backend().build(c).value());
    ASSERT_TRUE(damage) << damage.error().message;
    EXPECT_THAT(damage->detail, HasSubstr("changed its input table starts"));
    EXPECT_TRUE(backend().verify(*executable).value().passed) << "the table is repaired";
  }
}

TEST_F(WithBackend, PreparingLaunchesWriteInputsAlsoAfterDamage) {
  Candidate c = candidate("copy", kSmall);
  c.verify.exact_entry = c.verify.low_entry = "ones";
  c.verify.prepare = {{.entry = "make_ones",
                       .grid = {64, 1, 1},
                       .threads = {256, 1, 1},
                       .arguments = {{.tensor = 0}, {.kind = Argument::Kind::i64, .value = kSmall / 4}}}};
  const Status prepared = backend().prepare(c);
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Executable copy = backend().build(c).value();
  EXPECT_TRUE(backend().verify(copy).value().passed);
  EXPECT_THAT(backend().verify(build("input_changed", kSmall)).value().detail,
              HasSubstr("changed its input tensor x"));
  EXPECT_TRUE(backend().verify(copy).value().passed) << "inputs are prepared again";
}

TEST_F(WithBackend, VerifyAsksForTheSameBitsWhereItMust) {
  prepare(kSmall);
  Executable steady = build("copy", kSmall), other = build("other_bits", kSmall);
  steady.deterministic = other.deterministic = true;
  EXPECT_TRUE(backend().verify(steady).value().passed);
  const Result<Verification> verification = backend().verify(other);
  ASSERT_TRUE(verification) << verification.error().message;
  EXPECT_FALSE(verification->passed);
  EXPECT_EQ(verification->detail, "tensor y: two runs on the same inputs gave different bits");
}

TEST_F(WithBackend, CountersOfAPipelineAreThoseOfItsLaunches) {
  if (backend().tier() != Tier::counters) GTEST_SKIP() << backend().tier_reason();
  constexpr std::int64_t kBytes = 256 << 20;
  prepare(kBytes);
  Executable pipeline = build("copy", kBytes);
  pipeline.launches[0].name = "copy";
  pipeline.launches.push_back(build("read_only", kBytes).launches[0]);
  pipeline.launches[1].name = "read";
  const Result<Counters> counters = backend().count(pipeline, {.repeats = 3});
  ASSERT_TRUE(counters) << counters.error().message;
  ASSERT_EQ(counters->launches.size(), 2u);
  EXPECT_EQ(counters->launches[0].launch, "copy");
  EXPECT_EQ(counters->launches[1].launch, "read");
  EXPECT_NEAR(counters->launches[0].l2_read_bytes, kBytes, 0.01 * kBytes);
  EXPECT_NEAR(counters->launches[0].l2_write_bytes, kBytes, 0.01 * kBytes);
  EXPECT_NEAR(counters->launches[1].l2_read_bytes, kBytes, 0.01 * kBytes);
  EXPECT_LT(counters->launches[1].l2_write_bytes, 0.01 * kBytes);
  EXPECT_NEAR(counters->dram_read_bytes, 2.0 * kBytes,
              0.3 * kBytes);  // the copy leaves a part of x in the L2
}

TEST_F(WithBackend, AFaultCostsOneCandidate) {
  prepare(kSmall);
  for (const char* entry : {"trap", "illegal"}) {
    const Result<Verification> fault = backend().verify(build(entry, kSmall));
    ASSERT_FALSE(fault) << entry;
    EXPECT_EQ(fault.error().kind, ErrorKind::failed);
    EXPECT_THAT(fault.error().message, HasSubstr("CUDA_ERROR"));
    std::printf("  %s: %s\n", entry, fault.error().message.c_str());
    const Result<Verification> after = backend().verify(build("copy", kSmall));
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_TRUE(after.value().passed);
  }
}

TEST_F(WithBackend, AHangCostsOneCandidate) {
  prepare(kSmall);
  const Result<Verification> hang = backend().verify(build("hang", kSmall));
  ASSERT_FALSE(hang);
  EXPECT_THAT(hang.error().message, HasSubstr("did not finish within 1.5 s"));
  const Result<Verification> after = backend().verify(build("copy", kSmall));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_TRUE(after.value().passed);
}

TEST_F(WithBackend, AFaultWhileTimingLeavesTheOthersTheirTimes) {
  prepare(kSmall);
  const auto timings =
      backend().time({{build("copy", kSmall), build("trap", kSmall), build("write_only", kSmall)}},
                     {.maximum_seconds = 0.2});
  ASSERT_EQ(timings.size(), 3u);
  EXPECT_TRUE(timings[0]) << timings[0].error().message;
  EXPECT_FALSE(timings[1]);
  EXPECT_TRUE(timings[2]) << timings[2].error().message;
}

TEST_F(WithBackend, TimesRepeatAndFitTheMemory) {
  constexpr std::int64_t kBytes = 256'000'000;
  prepare(kBytes);
  const std::vector<Executable> both{build("copy", kBytes), build("write_only", kBytes)};
  const auto first = backend().time(both, {.seed = 1});
  const auto second = backend().time(both, {.seed = 2});
  const DeviceFacts& facts = backend().facts();
  const double peak =
      2.0 * static_cast<double>(facts.memory_clock_hertz) * static_cast<double>(facts.memory_bus_bits) / 8;
  for (std::size_t i = 0; i < both.size(); ++i) {
    ASSERT_TRUE(first[i] && second[i]);
    const Timing& a = first[i].value();
    const Timing& b = second[i].value();
    const double moved = static_cast<double>(kBytes) * (i == 0 ? 2 : 1);
    for (const Timing& t : {a, b}) {
      std::printf(
          "  %s: %.2f us [%.2f, %.2f], fastest %.2f, %d samples, %d discarded, SM %.0f MHz, %.0f GB/s of "
          "%.0f\n",
          both[i].config.c_str(), t.median_seconds * 1e6, t.low_seconds * 1e6, t.high_seconds * 1e6,
          t.minimum_seconds * 1e6, static_cast<int>(t.samples), static_cast<int>(t.discarded),
          t.sm_clock_hertz * 1e-6, moved / t.median_seconds * 1e-9, peak * 1e-9);
      EXPECT_EQ(t.l2_state, "cold");
      EXPECT_LE(t.low_seconds, t.median_seconds);
      EXPECT_GE(t.high_seconds, t.median_seconds);
    }
    EXPECT_NEAR(a.median_seconds / b.median_seconds, 1, 0.03);
    EXPECT_GT(moved / a.median_seconds, 0.5 * peak);
    EXPECT_LT(moved / a.median_seconds, 1.15 * peak);  // what stays dirty in the L2 is not waited for
  }
}

TEST_F(WithBackend, AWarmCacheIsFasterThanAColdOne) {
  constexpr std::int64_t kBytes = 8'000'000;
  prepare(kBytes);
  const std::vector<Executable> one{build("copy", kBytes)};
  const Timing cold = backend().time(one, {.cold_l2 = true}).at(0).value();
  const Timing warm = backend().time(one, {.cold_l2 = false}).at(0).value();
  std::printf("  copy of 8 MB: cold %.2f us [%.2f, %.2f], warm %.2f us [%.2f, %.2f]\n",
              cold.median_seconds * 1e6, cold.low_seconds * 1e6, cold.high_seconds * 1e6,
              warm.median_seconds * 1e6, warm.low_seconds * 1e6, warm.high_seconds * 1e6);
  EXPECT_EQ(warm.l2_state, "warm");
  EXPECT_LT(warm.high_seconds, cold.low_seconds);
}

TEST_F(WithBackend, AnEmptyKernelShowsWhatTheEventsCost) {
  prepare(4096);
  const Timing empty = backend().time({{build("read_only", 4096)}}, {}).at(0).value();
  std::printf("  4 kB: %.3f us [%.3f, %.3f], fastest %.3f\n", empty.median_seconds * 1e6,
              empty.low_seconds * 1e6, empty.high_seconds * 1e6, empty.minimum_seconds * 1e6);
  EXPECT_LT(empty.median_seconds, 20e-6) << "the launch is not hidden";
}

class WithCounters : public WithBackend {
 protected:
  void SetUp() override {
    WithBackend::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (backend().tier() != Tier::counters) GTEST_SKIP() << backend().tier_reason();
  }
  Counters count(const std::string& entry, std::int64_t bytes, std::int64_t repeats = 1) {
    const Result<Counters> counters = backend().count(build(entry, bytes), {.repeats = repeats});
    EXPECT_TRUE(counters) << counters.error().message;
    if (!counters) return {};
    const Counters& c = counters.value();
    std::printf(
        "  %-10s %6.0f MB: DRAM read %8.3f write %8.3f MB, L2 read %8.3f write %8.3f MB, %.1f us, spread "
        "%.4f, %zu metrics\n",
        entry.c_str(), static_cast<double>(bytes) * 1e-6, c.dram_read_bytes * 1e-6, c.dram_write_bytes * 1e-6,
        c.l2_read_bytes * 1e-6, c.l2_write_bytes * 1e-6, c.duration_seconds * 1e6, c.dram_read_spread,
        c.raw.size());
    return c;
  }
};

TEST_F(WithCounters, ACopyReadsAndWritesWhatItCopies) {
  constexpr std::int64_t kBytes = 512'000'000;
  prepare(kBytes);
  const Counters counters = count("copy", kBytes, 3);
  EXPECT_EQ(counters.repeats, 3);
  EXPECT_NEAR(counters.dram_read_bytes, kBytes, 0.02 * kBytes);
  EXPECT_NEAR(counters.l2_read_bytes, kBytes, 0.01 * kBytes);
  EXPECT_NEAR(requested_l2_read_bytes(counters).value_or(0), kBytes, 0.01 * kBytes);
  EXPECT_NEAR(counters.l2_write_bytes, kBytes, 0.01 * kBytes);
  // Up to an L2 of written lines is still dirty at the end.
  EXPECT_LE(counters.dram_write_bytes, 1.01 * kBytes);
  EXPECT_GE(counters.dram_write_bytes, kBytes - 1.0 * static_cast<double>(backend().facts().limits.l2_bytes));
  EXPECT_LT(counters.dram_read_spread, 0.01);
}

TEST_F(WithCounters, WritesThatFitTheCacheDoNotReachMemory) {
  constexpr std::int64_t kBytes = 512'000'000;
  prepare(kBytes);
  const Counters large = count("write_only", kBytes);
  EXPECT_LT(large.dram_read_bytes, 0.01 * kBytes) << "full lines are not fetched before they are written";
  EXPECT_LT(large.dram_write_bytes, kBytes);
  constexpr std::int64_t kFits = 8'000'000;
  prepare(kFits);
  EXPECT_LT(count("write_only", kFits).dram_write_bytes, 0.1 * kFits);
  EXPECT_NEAR(count("read_only", kFits, 3).dram_read_bytes, kFits, 0.03 * kFits);
}

TEST_F(WithCounters, CountingLeavesTimesAlone) {
  constexpr std::int64_t kBytes = 64'000'000;
  prepare(kBytes);
  const std::vector<Executable> one{build("copy", kBytes)};
  const Timing before = backend().time(one, {}).at(0).value();
  (void)count("copy", kBytes);
  const Timing after = backend().time(one, {}).at(0).value();
  EXPECT_NEAR(after.median_seconds / before.median_seconds, 1, 0.03);
}

class Shipped : public WithBackend,
                public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(Shipped, DefaultIsRightTimedAndCounted) {
  const auto [name, problem_text] = GetParam();
  const Result<KernelDefinition> definition = find_kernel(kernels_folder(), name);
  if (!definition) GTEST_SKIP() << definition.error().message;
  const DeviceLimits& limits = backend().facts().limits;
  const Problem problem = definition.value().problem(problem_text).value();
  const Result<Candidate> resolved =
      definition.value().resolve(problem, definition.value().default_config(limits).value(), limits);
  ASSERT_TRUE(resolved) << resolved.error().message;
  const Result<Executable> executable = backend().build(resolved.value());
  ASSERT_TRUE(executable) << executable.error().message;
  const Status prepared = backend().prepare(resolved.value());
  ASSERT_TRUE(prepared) << prepared.error().message;
  const Result<Verification> verification = backend().verify(executable.value());
  ASSERT_TRUE(verification) << verification.error().message;
  EXPECT_TRUE(verification.value().passed) << verification.value().detail;
  const auto timing = backend().time({{executable.value()}}, {});
  ASSERT_TRUE(timing.at(0)) << timing[0].error().message;
  const double seconds = timing[0].value().median_seconds;
  std::printf("  %s %s: %s; %.2f us, %.1f TFLOP/s, %d registers\n", name, executable.value().config.c_str(),
              verification.value().detail.c_str(), seconds * 1e6,
              resolved.value().useful_flops / seconds * 1e-12,
              static_cast<int>(executable.value().resources.registers_per_thread));
  if (backend().tier() != Tier::counters) return;
  const Result<Counters> counters = backend().count(executable.value(), {});
  ASSERT_TRUE(counters) << counters.error().message;
  std::printf("  DRAM read %.3f write %.3f MB, L2 read %.3f write %.3f MB\n",
              counters.value().dram_read_bytes * 1e-6, counters.value().dram_write_bytes * 1e-6,
              counters.value().l2_read_bytes * 1e-6, counters.value().l2_write_bytes * 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Kernels, Shipped,
                         testing::Values(std::pair{"stream_copy", "bytes=256000000"},
                                         std::pair{"gemm", "m=4096,n=4096,k=4096"}),
                         [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (const auto status = weir::run_worker_if_asked(argc, argv)) return *status;
  testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  std::error_code ignored;
  std::filesystem::remove_all(weir::test_folder(), ignored);
  return status;
}
