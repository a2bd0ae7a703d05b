// What a work file survives: killed writers, full disks, damage, many writers.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "tests/store/sample_records.h"

namespace weir {
namespace {

using Mode = Store::Mode;

std::string config_of(int writer, int serial) {
  return "writer=" + std::to_string(writer) + ",serial=" + std::to_string(serial);
}

// Writes rows until it is killed; tells the pipe of each row after it was committed.
[[noreturn]] void write_forever(const std::filesystem::path& file, int writer, int first, int pipe) {
  Result<Store> store = Store::open(file, Mode::create_or_open);
  if (!store) ::_exit(1);
  for (int serial = first;; ++serial) {
    if (!store->write(sample_record(config_of(writer, serial)))) ::_exit(2);
    if (::write(pipe, &serial, sizeof serial) != sizeof serial) ::_exit(3);
  }
}

TEST(WorkFile, LosesNoCommittedRowWhenItsWriterIsKilled) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "a.weir";
  std::mt19937 random(3);
  int next = 0, committed = 0;
  for (int round = 0; round < 40; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) write_forever(file, 0, next, pipe[1]);
    ::close(pipe[1]);
    // Half of the writers die after a row at the earliest, the others at any time, the file's creation
    // included.
    pollfd first_row{pipe[0], POLLIN, 0};
    if (round % 2 == 1) ::poll(&first_row, 1, 10'000);
    ::usleep(random() % 20000);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended with " << WEXITSTATUS(status);
    int serial;
    while (::read(pipe[0], &serial, sizeof serial) == sizeof serial) {
      ++committed;
      next = serial + 1;
    }
    ::close(pipe[0]);
    ++next;  // the row in flight may or may not be there

    const Result<Store> reader = Store::open(file, Mode::read_only);
    if (!reader && committed == 0) continue;  // killed before the file had its name
    ASSERT_TRUE(reader) << to_string(reader.error());
    const std::vector<Record> rows = must(reader->records());
    ASSERT_GE(static_cast<int>(rows.size()), committed);
    ASSERT_LE(static_cast<int>(rows.size()), committed + round + 1);
    must(reader->verify());
  }
  EXPECT_GT(committed, 0);
  must(must(Store::open(file, Mode::open_existing)).verify());
}

TEST(WorkFile, TakesFourWritersAtOnce) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "a.weir";
  constexpr int kWriters = 4, kRows = 30;
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = ::fork();
    if (child == 0) {
      Result<Store> store = Store::open(file, Mode::create_or_open);  // all of them create it at once
      if (!store) ::_exit(1);
      for (int serial = 0; serial < kRows; ++serial) {
        if (!store->write(sample_record(config_of(writer, serial)))) ::_exit(2);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  const Store store = must(Store::open(file, Mode::open_existing));
  EXPECT_EQ(must(store.records()).size(), static_cast<std::size_t>(kWriters * kRows));
  must(store.verify());
}

TEST(WorkFile, KeepsItsRowsWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "a.weir";
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    Result<Store> store = Store::open(file, Mode::create_or_open);
    if (!store) ::_exit(1);
    const rlimit limit{400'000, 400'000};  // stands for the end of the disk: writes beyond it fail
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int serial = 0; serial < 10'000; ++serial) {
      const Status written = store->write(sample_record(config_of(0, serial)));
      if (!written)
        ::_exit(written.error().kind == ErrorKind::unexpected && !written.error().advice.empty() ? 0 : 2);
      if (::write(pipe[1], &serial, sizeof serial) != sizeof serial) ::_exit(3);
    }
    ::_exit(4);
  }
  ::close(pipe[1]);
  int committed = 0, serial;
  while (::read(pipe[0], &serial, sizeof serial) == sizeof serial) ++committed;
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_GT(committed, 10);
  Store store = must(Store::open(file, Mode::open_existing));
  EXPECT_EQ(must(store.records()).size(), static_cast<std::size_t>(committed));
  must(store.write(sample_record("after=1")));
  must(store.verify());
}

TEST(WorkFile, DamageNeverCrashesAReader) {
  const TemporaryFolder folder;
  {
    Store store = must(Store::open(folder / "good.weir", Mode::create_or_open));
    for (int i = 0; i < 20; ++i) must(store.write(sample_record(config_of(0, i))));
  }
  std::ifstream stream(folder / "good.weir", std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(stream), {}};
  std::mt19937 random(4);
  for (int i = 0; i < 150; ++i) {
    std::string bad = good;
    if (i % 3 == 0) bad.resize(random() % bad.size());
    for (int k = 0; k < 8 && !bad.empty(); ++k)
      bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    std::ofstream(folder / "bad.weir", std::ios::binary) << bad;
    for (Mode mode : {Mode::read_only, Mode::open_existing}) {
      const Result<Store> store = Store::open(folder / "bad.weir", mode);
      if (!store) {
        EXPECT_NE(store.error().advice, "");
        continue;
      }
      if (const Result<std::vector<Record>> rows = store->records(); !rows) {
        EXPECT_EQ(rows.error().kind, ErrorKind::corrupt) << to_string(rows.error());
      }
    }
  }
}

}  // namespace
}  // namespace weir
