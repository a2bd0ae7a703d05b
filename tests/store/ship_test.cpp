#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "store/maintenance.h"
#include "tests/store/sample_work.h"

namespace weir {
namespace {

using Mode = Store::Mode;
using testing::ElementsAre;
using testing::HasSubstr;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Ship, HoldsPicksDefaultsModulesAndDefinitions) {
  const TemporaryFolder folder;
  const Store work = sample_work(folder / "work.weir");
  const ShipReport report = must(ship(work, folder / "ship.weir"));
  EXPECT_EQ(report.kernels, 1);
  EXPECT_EQ(report.picks, 2);
  EXPECT_EQ(report.modules, 3);
  EXPECT_EQ(report.bytes, static_cast<std::int64_t>(std::filesystem::file_size(folder / "ship.weir")));
  EXPECT_THAT(report.skipped, ElementsAre());

  const Store shipped = must(Store::open(folder / "ship.weir", Mode::read_only));
  must(shipped.verify());
  EXPECT_TRUE(shipped.published());
  const std::vector<StoredPick> picks = must(shipped.picks());
  ASSERT_EQ(picks.size(), 2u);
  EXPECT_EQ(picks[0].problem, kSmall);
  EXPECT_THAT(picks[0].configs, ElementsAre("tile=256,variant=plain"));
  EXPECT_EQ(picks[0].median_seconds, 1e-6);
  EXPECT_EQ(picks[0].predicted_dram_bytes, 1.5e9 + 3.3e7);
  EXPECT_THAT(picks[1].configs, ElementsAre("tile=1024,variant=plain"));
  EXPECT_EQ(must(shipped.records()),
            (std::vector{scale_record(kSmall, 256, 1e-6), scale_record(kSmall, 128, 3e-6),
                         scale_record(kLarge, 1024, 1e-5), scale_record(kLarge, 128, 3e-5)}));
  EXPECT_EQ(must(shipped.definitions()).front().yaml, kScaleYaml);
  EXPECT_THAT(must(shipped.devices()), ElementsAre(sample_device()));
}

TEST(Ship, TheSameRowsGiveTheSameFile) {
  const TemporaryFolder folder;
  const Store work = sample_work(folder / "work.weir");
  const ShipReport first = must(ship(work, folder / "a.weir"));
  const ShipReport second = must(ship(work, folder / "b.weir"));
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_EQ(bytes_of(folder / "a.weir"), bytes_of(folder / "b.weir"));
}

TEST(Ship, RefusesWithoutThePicksModule) {
  const TemporaryFolder folder;
  Store work = sample_work(folder / "work.weir");
  must(work.write(scale_record("n=1000,wide=true", 256, 1e-6)));  // another header: never compiled
  const Result<ShipReport> report = ship(work, folder / "ship.weir");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::missing);
  EXPECT_THAT(report.error().message, HasSubstr("scale n=1000,wide=true tile=256"));
  EXPECT_FALSE(std::filesystem::exists(folder / "ship.weir"));
}

TEST(Ship, RefusesAnEmptyFileAndToReplaceAWorkFile) {
  const TemporaryFolder folder;
  const Store empty = must(Store::open(folder / "empty.weir", Mode::create_or_open));
  EXPECT_EQ(ship(empty, folder / "ship.weir").error().kind, ErrorKind::missing);
  const Store work = sample_work(folder / "work.weir");
  EXPECT_EQ(ship(work, folder / "empty.weir").error().kind, ErrorKind::usage);
  EXPECT_EQ(ship(work, folder / "work.weir").error().kind, ErrorKind::usage);
}

TEST(Ship, LeavesOutWhatOnlyOlderSourcesWereMeasuredWith) {
  const TemporaryFolder folder;
  Store work = sample_work(folder / "work.weir");
  Record old = scale_record("n=7,wide=false", 256, 1e-9);
  old.source_hash = "old";
  old.measurement->provenance.date = "2020-01-01T00:00:00Z";
  Record old_small = scale_record(kSmall, 1024, 1e-9);
  old_small.source_hash = "old";
  old_small.measurement->provenance.date = "2020-01-01T00:00:00Z";
  must(work.write(std::vector{old, old_small}));
  const ShipReport report = must(ship(work, folder / "ship.weir"));
  EXPECT_EQ(report.picks, 2);
  EXPECT_THAT(report.skipped, ElementsAre(HasSubstr("n=7,wide=false")));
  const Store shipped = must(Store::open(folder / "ship.weir", Mode::read_only));
  EXPECT_THAT(must(shipped.picks()).front().configs, ElementsAre("tile=256,variant=plain"));
}

TEST(Ship, ComparesOnlyRowsOfOnePolicyAndTakesTheMostRecentOfACandidate) {
  const TemporaryFolder folder;
  Store work = sample_work(folder / "work.weir");
  Record warm = scale_record(kSmall, 128, 1e-9);
  warm.measurement->provenance.policy = "warm L2";
  Record remeasured = scale_record(kSmall, 256, 9e-6);
  remeasured.measurement->provenance.driver_version = "590";
  remeasured.measurement->provenance.date = "2027-01-01T00:00:00Z";
  must(work.write(std::vector{warm, remeasured}));
  must(ship(work, folder / "ship.weir"));
  const Store shipped = must(Store::open(folder / "ship.weir", Mode::read_only));
  EXPECT_THAT(must(shipped.picks()).front().configs, ElementsAre("tile=1024,variant=plain"));
}

TEST(Ship, IsNeverWrittenTo) {
  const TemporaryFolder folder;
  must(ship(sample_work(folder / "work.weir"), folder / "ship.weir"));
  EXPECT_EQ(Store::open(folder / "ship.weir", Mode::open_existing).error().kind, ErrorKind::usage);
  EXPECT_EQ(Store::open(folder / "ship.weir", Mode::create_or_open).error().kind, ErrorKind::usage);
}

TEST(Ship, OpensInAFolderThatCannotBeWritten) {
  const TemporaryFolder folder;
  must(ship(sample_work(folder / "work.weir"), folder / "ship.weir"));
  // Root may write anywhere: give the folder's permissions a meaning by becoming somebody else.
  std::filesystem::permissions(folder / "ship.weir", static_cast<std::filesystem::perms>(0444));
  std::filesystem::permissions(folder / "work.weir", static_cast<std::filesystem::perms>(0444));
  std::filesystem::permissions(folder.path(), static_cast<std::filesystem::perms>(0555));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(77);
    const Result<Store> shipped = Store::open(folder / "ship.weir", Mode::read_only);
    const Result<Store> work = Store::open(folder / "work.weir", Mode::read_only);
    const Result<Store> create = Store::open(folder / "new.weir", Mode::create_or_open);
    ::_exit(shipped && shipped->verify() && work && work->verify() && !create ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Ship, NoBitFlipIsBelieved) {
  const TemporaryFolder folder;
  must(ship(sample_work(folder / "work.weir"), folder / "ship.weir"));
  const std::string good = bytes_of(folder / "ship.weir");
  std::mt19937 random(1);
  for (int i = 0; i < 600; ++i) {
    std::string bad = good;
    const std::size_t bit = random() % (bad.size() * 8);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    std::ofstream(folder / "bad.weir", std::ios::binary) << bad;
    const Result<Store> opened = Store::open(folder / "bad.weir", Mode::read_only);
    ASSERT_FALSE(opened) << "bit " << bit;
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt) << "bit " << bit << ": " << to_string(opened.error());
  }
}

TEST(Ship, NoTruncationOrExtensionIsBelieved) {
  const TemporaryFolder folder;
  must(ship(sample_work(folder / "work.weir"), folder / "ship.weir"));
  const std::string good = bytes_of(folder / "ship.weir");
  std::mt19937 random(2);
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = i < 4 ? static_cast<std::size_t>(i) * 50 : random() % good.size();
    std::ofstream(folder / "bad.weir", std::ios::binary) << good.substr(0, size);
    const Result<Store> opened = Store::open(folder / "bad.weir", Mode::read_only);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt) << size;
  }
  std::ofstream(folder / "bad.weir", std::ios::binary) << good << std::string(4096, '\0');
  EXPECT_FALSE(Store::open(folder / "bad.weir", Mode::read_only));
}

TEST(Ship, AChangeMadeWithSqlIsRefused) {
  const TemporaryFolder folder;
  must(ship(sample_work(folder / "work.weir"), folder / "ship.weir"));
  SQLite::Database(folder / "ship.weir", SQLite::OPEN_READWRITE)
      .exec("UPDATE text SET text = 'tile=2048,variant=plain' WHERE text = 'tile=256,variant=plain'");
  EXPECT_EQ(Store::open(folder / "ship.weir", Mode::read_only).error().kind, ErrorKind::corrupt);
}

TEST(Ship, ReadersNeverSeeAHalfPublishedFile) {
  const TemporaryFolder folder;
  Store work = sample_work(folder / "work.weir");
  must(ship(work, folder / "ship.weir"));
  std::atomic<bool> done{false};
  std::atomic<int> opens{0}, failures{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const Result<Store> shipped = Store::open(folder / "ship.weir", Mode::read_only);
        if (!shipped || !shipped->picks()) ++failures;
        ++opens;
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    must(work.write(scale_record(kSmall, 256, 1e-6 + i * 1e-9)));
    must(ship(work, folder / "ship.weir"));
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(opens, 0);
  EXPECT_EQ(failures, 0);
}

TEST(Merge, KeepsTheMoreRecentOfTwoRowsAndBringsWhatTheyNeed) {
  const TemporaryFolder folder;
  const Store from = sample_work(folder / "from.weir");
  Store into = must(Store::open(folder / "into.weir", Mode::create_or_open));
  Record newer = scale_record(kSmall, 256, 5e-6);
  newer.measurement->provenance.date = "2027-01-01T00:00:00Z";
  Record older = scale_record(kLarge, 256, 5e-5);
  older.measurement->provenance.date = "2025-01-01T00:00:00Z";
  must(into.write(std::vector{newer, older}));
  EXPECT_EQ(must(merge(into, from)), 5);
  EXPECT_EQ(must(merge(into, from)), 0);
  const std::vector<Record> rows = must(into.records());
  EXPECT_EQ(rows.size(), 6u);
  EXPECT_THAT(rows, testing::Contains(newer));
  EXPECT_THAT(rows, testing::Not(testing::Contains(older)));
  EXPECT_EQ(must(ship(into, folder / "ship.weir")).picks, 2);
}

TEST(Maintenance, SumsUpAndExports) {
  const TemporaryFolder folder;
  Store work = sample_work(folder / "work.weir");
  Record failed = scale_record(kSmall, 512, 1e-6);
  failed.outcome = Outcome::failed;
  failed.reason = "it \"hung\", twice";
  must(work.write(failed));
  const std::vector<Summary> all = must(summaries(work));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].problem, kSmall);
  EXPECT_EQ(all[0].measured, 3);
  EXPECT_EQ(all[0].failed, 1);
  EXPECT_EQ(all[0].best_seconds, 1e-6);
  EXPECT_EQ(all[0].gpu_name, sample_device().gpu_name);
  std::ostringstream csv;
  must(export_csv(work, csv));
  const std::string text = csv.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 8);
  EXPECT_THAT(text, testing::StartsWith("kernel,source_hash,problem,config,outcome,reason,"));
  EXPECT_THAT(text, HasSubstr("\"it \"\"hung\"\", twice\""));
  EXPECT_THAT(text, HasSubstr(",0.30000000000000004,"));
}

TEST(Maintenance, CollectsOldRowsAndUnusedModules) {
  const TemporaryFolder folder;
  Store work = sample_work(folder / "work.weir");
  {
    Store old = must(Store::open(folder / "old.weir", Mode::create_or_open));
    Record record = scale_record(kSmall, 256, 1e-6);
    record.source_hash = "old";
    must(old.write(record));
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    must(work.write(scale_record(kSmall, 256, 1e-6)));
    must(merge(work, old));
  }
  must(work.write(StoredModule{"old", header_hash("x"), 90, "13.0", std::vector<std::uint8_t>(100000)}));
  write_module(work, "n=1,wide=true", 256);
  const GarbageReport report = must(collect_garbage(work));
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(report.modules, 2);
  EXPECT_LT(report.bytes_after, report.bytes_before);
  EXPECT_EQ(must(work.records()).size(), 6u);
  must(ship(work, folder / "ship.weir"));
}

}  // namespace
}  // namespace weir
