// The worker protocol, with a backend inside the worker that crashes, hangs and lies on demand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "gpu/wire.h"
#include "gpu/worker_backend.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int kLine = 3;  // where the worker talks

// What a call does is the executable's config.
class FakeBackend : public Backend {
 public:
  FakeBackend() {
    facts_.name = "Fake GPU";
    facts_.uuid = "GPU-fake";
    facts_.ordinal = getpid();
    facts_.limits.compute_capability = 90;
  }

  const DeviceFacts& facts() const override { return facts_; }
  Tier tier() const override { return Tier::events; }
  std::string tier_reason() const override { return "it is a fake"; }
  Provenance provenance() const override { return {.gpu_name = facts_.name, .gpu_uuid = facts_.uuid}; }
  Result<Executable> build(const Candidate&) override {
    return Error{ErrorKind::unexpected, "the parent builds", ""};
  }

  Status prepare(const Candidate& candidate) override {
    if (candidate.kernel == "broken")
      return Error{ErrorKind::failed, "the reference does not compile", "Mend it."};
    problem_ = to_string(candidate.problem) + "/" + candidate.tensors.at(0).name + "/" +
               candidate.verify.exact_entry;
    return ok_status();
  }

  Result<Verification> verify(const Executable& executable) override {
    if (auto error = misbehave(executable.config)) return *error;
    return Verification{.passed = true, .error = 0.5, .allowed_error = 1, .detail = problem_};
  }

  std::vector<Result<Timing>> time(std::span<const Executable> executables,
                                   const TimingOptions& options) override {
    std::vector<Result<Timing>> results;
    for (const Executable& executable : executables) {
      if (lost_) {
        results.push_back(Error{ErrorKind::interrupted, "another candidate broke the context", ""});
      } else if (auto error = misbehave(executable.config)) {
        results.push_back(*error);
      } else {
        results.push_back(Timing{
            .median_seconds = 1e-3, .samples = options.minimum_samples, .l2_state = executable.config});
      }
    }
    return results;
  }

  Result<Counters> count(const Executable& executable, const CountOptions& options) override {
    if (auto error = misbehave(executable.config)) return *error;
    if (executable.config == "denied" || (executable.config == "denied in time" && counted_))
      return Error{ErrorKind::counters_denied, "CUPTI_ERROR_UNKNOWN", ""};
    counted_ = true;
    return Counters{.dram_read_bytes = 64, .repeats = options.repeats, .raw = {{"dram__bytes_read.sum", 64}}};
  }

  bool lost() const { return lost_; }

 private:
  std::optional<Error> misbehave(const std::string& how) {
    if (how == "abort") std::abort();
    if (how == "exit") _exit(7);
    if (how == "hang") std::this_thread::sleep_for(std::chrono::hours(1));
    if (how == "garbage") {
      constexpr char kNoise[] = "Segmentation fault, or so it seems";
      (void)!write(kLine, kNoise, sizeof kNoise);
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
    if (how == "no json") {
      write_frame(kLine, "{\"lost\": maybe}");
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
    if (how == "fault") {
      lost_ = true;
      return Error{ErrorKind::failed, "cuStreamQuery: CUDA_ERROR_ILLEGAL_ADDRESS", ""};
    }
    if (how == "error") return Error{ErrorKind::failed, "too many resources", "Use less."};
    return std::nullopt;
  }

  DeviceFacts facts_;
  std::string problem_ = "nothing prepared";
  bool lost_ = false;
  bool counted_ = false;  // in this process
};

int fake_worker(int in_fd, int out_fd) {
  return serve_backend(in_fd, out_fd, [](const CudaBackendOptions&) -> Result<ServedBackend> {
    auto backend = std::make_unique<FakeBackend>();
    FakeBackend* fake = backend.get();
    return ServedBackend{std::move(backend), [fake] { return fake->lost(); }};
  });
}

WorkerOptions fake_options(const char* how = "__fake_worker") {
  WorkerOptions options{.arguments = {how}};
  options.patience = {
      .open = 10, .prepare = 10, .verify = 1, .count = 1, .time = 1, .time_per_candidate = 0.1};
  return options;
}

Candidate candidate(const std::string& kernel = "gemm") {
  Candidate c;
  c.kernel = kernel;
  c.problem.values = {{"m", 64, "64"}};
  c.tensors = {{.name = "a", .shape = {64}, .strides_elements = {1}}};
  c.verify.source = "reference.cu";
  c.verify.exact_entry = "exact";
  return c;
}

Executable executable(const std::string& config) {
  return {.kernel = "gemm", .problem = "m=64", .config = config};
}

class WorkerBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_worker_backend(fake_options());
    ASSERT_TRUE(opened) << opened.error().message;
    backend = std::move(opened).value();
    ASSERT_TRUE(backend->prepare(candidate()));
  }
  // The worker is alive, and knows the problem that was prepared before anything went wrong.
  void expect_working() {
    const Result<Verification> verification = backend->verify(executable("fine"));
    ASSERT_TRUE(verification) << verification.error().message;
    EXPECT_EQ(verification.value(),
              (Verification{.passed = true, .error = 0.5, .allowed_error = 1, .detail = "m=64/a/exact"}));
  }
  std::unique_ptr<Backend> backend;
};

TEST_F(WorkerBackendTest, PassesEverythingOn) {
  EXPECT_EQ(backend->facts().name, "Fake GPU");
  EXPECT_EQ(backend->facts().limits.compute_capability, 90);
  EXPECT_EQ(backend->tier(), Tier::events);
  EXPECT_EQ(backend->tier_reason(), "it is a fake");
  EXPECT_EQ(backend->provenance().gpu_uuid, "GPU-fake");
  expect_working();
  const auto timings =
      backend->time({{executable("one"), executable("error"), executable("two")}}, {.minimum_samples = 7});
  ASSERT_EQ(timings.size(), 3u);
  EXPECT_EQ(timings[0].value().l2_state, "one");
  EXPECT_EQ(timings[0].value().samples, 7);
  EXPECT_THAT(timings[1].error().message, HasSubstr("too many resources"));
  EXPECT_EQ(timings[2].value().l2_state, "two");
  const Result<Counters> counters = backend->count(executable("fine"), {.repeats = 3});
  EXPECT_EQ(counters.value(),
            (Counters{.dram_read_bytes = 64, .repeats = 3, .raw = {{"dram__bytes_read.sum", 64}}}));
}

TEST_F(WorkerBackendTest, AnErrorCostsNeitherWorkerNorAdvice) {
  const int pid = backend->facts().ordinal;
  const Result<Verification> failed = backend->verify(executable("error"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::failed);
  EXPECT_EQ(failed.error().advice, "Use less.");
  expect_working();
  EXPECT_EQ(kill(pid, 0), 0) << "the first worker was replaced";
}

TEST_F(WorkerBackendTest, ACrashNamesTheSignalAndTheCandidate) {
  const Result<Verification> crashed = backend->verify(executable("abort"));
  ASSERT_FALSE(crashed);
  EXPECT_EQ(crashed.error().kind, ErrorKind::failed);
  EXPECT_THAT(crashed.error().message, AllOf(HasSubstr("signal 6"), HasSubstr("gemm with abort")));
  expect_working();
}

TEST_F(WorkerBackendTest, AnExitNamesItsStatus) {
  EXPECT_THAT(backend->count(executable("exit"), {}).error().message, HasSubstr("exited with status 7"));
  expect_working();
}

TEST_F(WorkerBackendTest, AHangIsKilledInTime) {
  const auto start = std::chrono::steady_clock::now();
  const Result<Verification> hung = backend->verify(executable("hang"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().kind, ErrorKind::failed);
  EXPECT_THAT(hung.error().message, HasSubstr("no answer within 1 s"));
  expect_working();
}

TEST_F(WorkerBackendTest, GarbageIsNotBelieved) {
  for (const char* kind : {"garbage", "no json"}) {
    const Result<Verification> answer = backend->verify(executable(kind));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::failed);
    expect_working();
  }
}

TEST_F(WorkerBackendTest, ABrokenContextIsReplaced) {
  const Result<Verification> faulted = backend->verify(executable("fault"));
  ASSERT_FALSE(faulted);
  EXPECT_THAT(faulted.error().message, HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS"));
  expect_working();
}

TEST_F(WorkerBackendTest, OneBrokenCandidateDoesNotCostTheOthersTheirTime) {
  for (const char* how : {"fault", "abort", "exit"}) {
    const auto timings =
        backend->time({{executable("one"), executable(how), executable("two"), executable("three")}}, {});
    ASSERT_EQ(timings.size(), 4u);
    EXPECT_FALSE(timings[1]) << how;
    EXPECT_EQ(timings[1].error().kind, ErrorKind::failed);
    for (const std::size_t good : {0, 2, 3})
      ASSERT_TRUE(timings[good]) << how << ": " << timings[good].error().message;
    EXPECT_EQ(timings[3].value().l2_state, "three");
  }
  expect_working();
}

TEST_F(WorkerBackendTest, CountersThatFailInAUsedProcessAreReadInANewOne) {
  ASSERT_TRUE(backend->count(executable("fine"), {}));
  const Result<Counters> counters = backend->count(executable("denied in time"), {});
  ASSERT_TRUE(counters) << counters.error().message;
  EXPECT_EQ(counters->dram_read_bytes, 64);
  expect_working();
}

TEST_F(WorkerBackendTest, CountersThatFailInANewProcessTooAreDenied) {
  const Result<Counters> counters = backend->count(executable("denied"), {});
  ASSERT_FALSE(counters);
  EXPECT_EQ(counters.error().kind, ErrorKind::counters_denied);
  EXPECT_THAT(counters.error().message, HasSubstr("gemm with denied: CUPTI_ERROR_UNKNOWN"));
  expect_working();
}

TEST_F(WorkerBackendTest, TimingNothingIsNoError) {
  EXPECT_TRUE(backend->time({}, {}).empty());
}

TEST_F(WorkerBackendTest, AProblemThatCannotBePreparedIsAnError) {
  const Status status = backend->prepare(candidate("broken"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().advice, "Mend it.");
}

TEST(OpenWorkerBackend, RefusesWithoutCountersIfTheyAreRequired) {
  WorkerOptions options = fake_options();
  options.counters_required = true;
  const auto opened = open_worker_backend(options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::counters_denied);
  EXPECT_THAT(opened.error().message, HasSubstr("it is a fake"));
}

TEST(OpenWorkerBackend, SaysWhyAWorkerDoesNotStart) {
  WorkerOptions options = fake_options();
  options.program = "/no/such/program";
  EXPECT_FALSE(open_worker_backend(options));
  const auto ended = open_worker_backend(fake_options("__exit_at_once"));
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message, HasSubstr("exited with status 9"));
}

// "Z" for a process that is dead but not collected, empty if there is none.
std::string process_state(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  stat >> number >> name >> state;
  return state;
}

TEST(Worker, DiesWithItsParentInTheMiddleOfACall) {
  int line[2];
  ASSERT_EQ(pipe(line), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    WorkerOptions options = fake_options();
    options.patience.verify = 100;
    auto backend = open_worker_backend(options);
    if (!backend) _exit(1);
    const int pid = (*backend)->facts().ordinal;
    (void)!write(line[1], &pid, sizeof pid);
    (void)(*backend)->verify(executable("hang"));
    _exit(1);
  }
  int worker = 0;
  ASSERT_EQ(read(line[0], &worker, sizeof worker), static_cast<ssize_t>(sizeof worker));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_NE(process_state(worker), "");
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  std::string state;
  for (int i = 0; i < 200; ++i) {
    state = process_state(worker);
    if (state.empty() || state == "Z" || state == "X") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(state.empty() || state == "Z" || state == "X") << state;
}

TEST(Wire, KeepsRequestsWhole) {
  WorkerRequest request{.call = WorkerCall::time};
  request.executables = {executable("tile=1")};
  request.executables[0].cubin = "/tmp/a b.cubin";
  request.executables[0].deterministic = true;
  request.executables[0].launches = {{.name = "main",
                                      .entry = "k",
                                      .grid = {1, 2, 3},
                                      .threads = {4, 5, 6},
                                      .cluster = {2, 1, 1},
                                      .shared_bytes = 7,
                                      .arguments = {{.kind = Argument::Kind::i64, .value = 1ll << 40}}}};
  request.timing.target_relative_width = 0.003;
  const Result<WorkerRequest> back = decode_request(encode(request));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back.value().executables.at(0).launches, request.executables[0].launches);
  EXPECT_EQ(back.value().executables.at(0).cubin, request.executables[0].cubin);
  EXPECT_TRUE(back.value().executables.at(0).deterministic);
  EXPECT_EQ(back.value().timing.target_relative_width, 0.003);
}

TEST(Wire, KeepsWhatAProblemNeedsToBePrepared) {
  WorkerRequest request{.call = WorkerCall::prepare};
  Candidate& candidate = request.candidate;
  candidate.kernel = "k";
  candidate.problem = {{{"n", 5, "5"}, {"slope", 0, "0.1", 0.1}}, {{"starts", {0, 1ll << 40}}}};
  candidate.table_names = {"starts", "none"};
  candidate.tables = {{0, 3}, {}};
  candidate.verify.arguments = {{.kind = Argument::Kind::f32, .real = 0.1f},
                                {.kind = Argument::Kind::table, .tensor = 1}};
  candidate.verify.prepare = {{.entry = "make_lse",
                               .grid = {1, 2, 3},
                               .threads = {4, 5, 6},
                               .shared_bytes = 7,
                               .arguments = {{.tensor = 2}}}};
  candidate.verify.deterministic = true;
  const Result<WorkerRequest> back = decode_request(encode(request));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->candidate.problem, candidate.problem);
  EXPECT_EQ(back->candidate.table_names, candidate.table_names);
  EXPECT_EQ(back->candidate.tables, candidate.tables);
  EXPECT_EQ(back->candidate.verify.arguments, candidate.verify.arguments);
  EXPECT_EQ(back->candidate.verify.prepare, candidate.verify.prepare);
  EXPECT_TRUE(back->candidate.verify.deterministic);
}

TEST(Wire, KeepsTheCountersOfEachLaunch) {
  WorkerReply reply;
  reply.counters = {.dram_read_bytes = 5, .raw = {{"dram__bytes_read.sum", 5}}};
  reply.counters.launches = {{"main", 1, 2, 3, 4, 5e-6}, {"sum", 4, 7, 8, 9, 1e-6}};
  const Result<WorkerReply> back = decode_reply(encode(reply));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->counters, reply.counters);
}

TEST(Wire, SurvivesTextThatIsNotUtf8AndErrorsThatAreNotFinite) {
  WorkerReply reply;
  reply.error = Error{ErrorKind::failed, "ptxas said \xff\xfe", ""};
  EXPECT_THAT(decode_reply(encode(reply)).value().error->message, HasSubstr("ptxas said"));
  reply.error.reset();
  reply.verification.error = std::numeric_limits<double>::infinity();
  EXPECT_GT(decode_reply(encode(reply)).value().verification.error, 1e300);
}

TEST(Wire, RefusesOtherTexts) {
  for (const char* text : {"", "{}", "[1]", "{\"lost\": 3}", "\xff"}) {
    EXPECT_EQ(decode_reply(text).error().kind, ErrorKind::corrupt) << text;
    EXPECT_EQ(decode_request(text).error().kind, ErrorKind::corrupt) << text;
  }
}

TEST(Frames, ArriveWholeOrNotAtAll) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const std::string large(3 << 20, 'x');
  std::thread writer([&] { EXPECT_TRUE(write_frame(ends[0], large)); });
  EXPECT_EQ(read_frame(ends[1], 5).text, large);
  writer.join();
  EXPECT_EQ(read_frame(ends[1], 0.02).end, FrameEnd::timed_out);
  (void)!write(ends[0], "WEIR\xff\xff\xff\xff", 8);
  EXPECT_EQ(read_frame(ends[1], 1).end, FrameEnd::garbage);
  (void)!write(ends[0], "WEIR\x10\0\0\0half", 12);
  close(ends[0]);
  EXPECT_EQ(read_frame(ends[1], 1).end, FrameEnd::closed);
  EXPECT_FALSE(write_frame(ends[1], "to nobody"));
  close(ends[1]);
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "__fake_worker") == 0) {
    return weir::fake_worker(std::atoi(argv[2]), std::atoi(argv[3]));
  }
  if (argc == 4 && std::strcmp(argv[1], "__exit_at_once") == 0) return 9;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
