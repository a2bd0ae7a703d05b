#include "store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "store/local_file.h"
#include "store/schema.h"
#include "tests/store/sample_records.h"

namespace weir {
namespace {

using Mode = Store::Mode;
using testing::HasSubstr;

std::string list(const std::filesystem::path& folder) {
  std::string names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names += entry.path().filename().string() + " ";
  return names;
}

TEST(Store, KeepsRowsOverReopening) {
  const TemporaryFolder folder;
  {
    Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
    must(store.write(sample_record("tile=1")));
    must(store.write(sample_record("tile=2", 5e-4)));
  }
  for (Mode mode : {Mode::create_or_open, Mode::open_existing, Mode::read_only}) {
    Store store = must(Store::open(folder / "a.weir", mode));
    EXPECT_EQ(must(store.records()),
              (std::vector<Record>{sample_record("tile=2", 5e-4), sample_record("tile=1")}));
    must(store.verify());
  }
  EXPECT_EQ(list(folder.path()), "a.weir ");
}

TEST(Store, APredictedRowHasNoMeasurementAndAFailedOneKeepsItsProvenance) {
  const TemporaryFolder folder;
  Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
  Record predicted = sample_record("tile=1");
  predicted.outcome = Outcome::predicted;
  predicted.measurement.reset();
  Record failed = sample_record("tile=2");
  failed.outcome = Outcome::failed;
  failed.reason = "it hung";
  failed.measurement = Measurement{};
  failed.measurement->provenance = sample_provenance();
  must(store.write(std::vector{predicted, failed}));
  EXPECT_EQ(must(store.records({.outcome = Outcome::predicted})), std::vector{predicted});
  EXPECT_EQ(must(store.records({.outcome = Outcome::failed})), std::vector{failed});
  EXPECT_EQ(must(store.records({.gpu_name = "NVIDIA H100 80GB HBM3"})), std::vector{failed});
}

TEST(Store, AMeasuredRowTakesThePlaceOfItsPrediction) {
  const TemporaryFolder folder;
  Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
  Record predicted = sample_record("tile=1");
  predicted.outcome = Outcome::predicted;
  predicted.measurement.reset();
  Record elsewhere = predicted;
  elsewhere.profile = "a100-sxm4-80gb";
  must(store.write(std::vector{predicted, elsewhere}));
  must(store.write(sample_record("tile=1")));
  EXPECT_EQ(must(store.records()), (std::vector{elsewhere, sample_record("tile=1")}));
}

TEST(Store, AnotherDriverCompilerPolicyGpuOrSourceIsAnotherRow) {
  const TemporaryFolder folder;
  Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
  std::vector<Record> rows(6, sample_record("tile=1"));
  rows[1].measurement->provenance.driver_version = "590";
  rows[2].measurement->provenance.compiler_version = "14";
  rows[3].measurement->provenance.policy = "warm L2";
  rows[4].measurement->provenance.sm_count = 114;
  rows[5].source_hash = "other";
  must(store.write(rows));
  EXPECT_EQ(must(store.records()).size(), 6u);
}

TEST(Store, AListIsWrittenAsAWholeOrNotAtAll) {
  const TemporaryFolder folder;
  Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
  Record broken = sample_record("tile=2");
  broken.measurement->counters.dram_read_spread = std::numeric_limits<double>::quiet_NaN();
  const Status status = store.write(std::vector{sample_record("tile=1"), broken});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::usage);
  EXPECT_THAT(status.error().message, HasSubstr("dram_read_spread"));
  EXPECT_TRUE(must(store.records()).empty());
  must(store.write(sample_record("tile=1")));
}

TEST(Store, AMeasuredRowNeedsAMeasurement) {
  const TemporaryFolder folder;
  Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
  Record record = sample_record("tile=1");
  record.measurement.reset();
  EXPECT_EQ(store.write(record).error().kind, ErrorKind::usage);
}

TEST(Store, KeepsDefinitionsModulesAndDevices) {
  const TemporaryFolder folder;
  Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
  const StoredDefinition definition{"gemm", "hash", "kernel: gemm\n"};
  const StoredModule module{"hash", header_hash("x"), 90, "13.0", {0, 1, 2, 255, 0}};
  const StoredModule empty{"hash", header_hash("y"), 90, "13.0", {}};
  const StoredDevice device{"NVIDIA H100 80GB HBM3", {90, 132, 2048, 65536, 233472, 232448, 52428800}};
  must(store.write(definition));
  must(store.write(definition));
  must(store.write(module));
  must(store.write(empty));
  must(store.write(device));
  must(store.write(sample_record("tile=1")));
  EXPECT_EQ(must(store.definitions()), std::vector{definition});
  EXPECT_EQ(must(store.module("hash", header_hash("x"), 90)), module);
  EXPECT_EQ(must(store.module("hash", header_hash("y"), 90)), empty);
  EXPECT_EQ(must(store.module("hash", header_hash("x"), 80)), std::nullopt);
  EXPECT_EQ(must(store.devices()), std::vector{device});
  EXPECT_EQ(header_hash("x").size(), 32u);
}

TEST(Store, ReadingDoesNotWrite) {
  const TemporaryFolder folder;
  must(must(Store::open(folder / "a.weir", Mode::create_or_open)).write(sample_record("tile=1")));
  Store reader = must(Store::open(folder / "a.weir", Mode::read_only));
  EXPECT_EQ(reader.write(sample_record("tile=2")).error().kind, ErrorKind::usage);
  EXPECT_EQ(list(folder.path()), "a.weir ");
}

TEST(Store, AReaderSeesWhatAnOpenWriterCommitted) {
  const TemporaryFolder folder;
  Store writer = must(Store::open(folder / "a.weir", Mode::create_or_open));
  must(writer.write(sample_record("tile=1")));
  Store reader = must(Store::open(folder / "a.weir", Mode::read_only));
  must(writer.write(sample_record("tile=2")));
  EXPECT_EQ(must(reader.records()).size(), 2u);
}

TEST(Store, NamesWhatIsWrongWithAFile) {
  const TemporaryFolder folder;
  const auto kind = [&](const char* name) {
    Result<Store> store = Store::open(folder / name, Mode::create_or_open);
    EXPECT_FALSE(store.ok());
    EXPECT_NE(store.error().advice, "");
    EXPECT_THAT(store.error().message, HasSubstr(name));
    return store.error().kind;
  };
  std::ofstream(folder / "empty.weir");
  EXPECT_EQ(kind("empty.weir"), ErrorKind::corrupt);
  std::ofstream(folder / "text.weir") << std::string(5000, 'x');
  EXPECT_EQ(kind("text.weir"), ErrorKind::corrupt);
  SQLite::Database(folder / "foreign.weir", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE t(x)");
  EXPECT_EQ(kind("foreign.weir"), ErrorKind::corrupt);
  must(Store::open(folder / "newer.weir", Mode::create_or_open));
  SQLite::Database(folder / "newer.weir", SQLite::OPEN_READWRITE)
      .exec("PRAGMA user_version = " + std::to_string(kSchemaVersion + 1));
  EXPECT_EQ(kind("newer.weir"), ErrorKind::corrupt);
  std::filesystem::create_directory(folder / "folder.weir");
  EXPECT_EQ(kind("folder.weir"), ErrorKind::usage);
  EXPECT_EQ(Store::open(folder / "none.weir", Mode::open_existing).error().kind, ErrorKind::missing);
  EXPECT_EQ(Store::open(folder / "none.weir", Mode::read_only).error().kind, ErrorKind::missing);
}

// What version 1 wrote: predictions that do not say whether they were calibrated.
void make_version_1(const std::filesystem::path& file) {
  SQLite::Database db(file, SQLite::OPEN_READWRITE);
  db.exec("DROP TABLE launch_counters");
  db.exec("DROP VIEW results");
  db.exec("ALTER TABLE prediction DROP COLUMN uncalibrated_traffic");
  db.exec("ALTER TABLE prediction DROP COLUMN uncalibrated_time");
  db.exec("CREATE VIEW results AS SELECT * FROM record JOIN prediction USING (record_id)");
  db.exec("PRAGMA user_version = 1");
}

TEST(Store, APredictionOfAVersion1FileCountsAsUncalibratedUntilItIsMadeAgain) {
  const TemporaryFolder folder;
  Record calibrated = sample_record("tile=1");
  calibrated.prediction->uncalibrated = {"", ""};
  must(must(Store::open(folder / "a.weir", Mode::create_or_open)).write(calibrated));
  make_version_1(folder / "a.weir");
  Record unknown = calibrated;
  unknown.prediction->uncalibrated = {"not recorded", "not recorded"};
  ASSERT_FALSE(is_calibrated(unknown.prediction->uncalibrated));

  EXPECT_EQ(must(must(Store::open(folder / "a.weir", Mode::read_only)).records()), std::vector{unknown});
  EXPECT_EQ(list(folder.path()), "a.weir ");
  EXPECT_EQ(SQLite::Database(folder / "a.weir").execAndGet("PRAGMA user_version").getInt(), 1)
      << "reading changes nothing";

  Store store = must(Store::open(folder / "a.weir", Mode::open_existing));
  EXPECT_EQ(must(store.records()), std::vector{unknown});
  must(store.write(calibrated));
  EXPECT_EQ(must(store.records()), std::vector{calibrated});
  must(store.verify());
  SQLite::Database db(folder / "a.weir");
  EXPECT_EQ(db.execAndGet("PRAGMA user_version").getInt(), kSchemaVersion);
  EXPECT_EQ(db.execAndGet("SELECT calibrated FROM results").getInt(), 1);
}

Record pipeline_record() {
  Record record = sample_record("tile=2");
  record.measurement->counters.launches = {{"main", 1, 2, 3, 4, 5e-6}, {"sum", 6, 7, 8, 9, 1e-6}};
  return record;
}

TEST(Store, AFileOfVersion2HasNoCountersOfLaunchesUntilTheyAreWritten) {
  const TemporaryFolder folder;
  must(must(Store::open(folder / "a.weir", Mode::create_or_open)).write(sample_record("tile=1")));
  SQLite::Database(folder / "a.weir", SQLite::OPEN_READWRITE)
      .exec("DROP TABLE launch_counters; PRAGMA user_version = 2");
  EXPECT_EQ(must(must(Store::open(folder / "a.weir", Mode::read_only)).records()),
            std::vector{sample_record("tile=1")});

  Store store = must(Store::open(folder / "a.weir", Mode::open_existing));
  must(store.write(pipeline_record()));
  const std::vector<Record> records = must(store.records());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].measurement->counters.launches.empty(), records[0].config == "tile=1");
  must(store.verify());
  EXPECT_EQ(SQLite::Database(folder / "a.weir").execAndGet("PRAGMA user_version").getInt(), kSchemaVersion);
}

TEST(Store, TheCountersOfARowsLaunchesGoWithIt) {
  const TemporaryFolder folder;
  Store store = must(Store::open(folder / "a.weir", Mode::create_or_open));
  must(store.write(pipeline_record()));
  Record again = pipeline_record();
  again.measurement->counters.launches.pop_back();
  must(store.write(again));
  EXPECT_EQ(must(store.records()), std::vector{again});
  EXPECT_EQ(SQLite::Database(folder / "a.weir", SQLite::OPEN_READWRITE)
                .execAndGet("SELECT count(*) FROM launch_counters")
                .getInt(),
            1);
}

TEST(Store, AFileThatIsLockedIsBusyNotCorrupt) {
  const TemporaryFolder folder;
  must(Store::open(folder / "a.weir", Mode::create_or_open));
  SQLite::Database other(folder / "a.weir", SQLite::OPEN_READWRITE);
  other.exec("BEGIN IMMEDIATE");
  Store store = must(
      Store::open(folder / "a.weir", Mode::open_existing, {.busy_timeout = std::chrono::milliseconds(20)}));
  EXPECT_EQ(store.write(sample_record("tile=1")).error().kind, ErrorKind::busy);
  other.exec("COMMIT");
  must(store.write(sample_record("tile=1")));
}

TEST(Store, KnowsNetworkFileSystems) {
  EXPECT_EQ(network_file_system(0x6969), "NFS");
  EXPECT_EQ(network_file_system(0x0BD00BD0), "Lustre");
  EXPECT_EQ(network_file_system(static_cast<int>(0xFF534D42)), "CIFS");  // f_type is signed on some systems
  EXPECT_EQ(network_file_system(0xEF53), "");                            // ext4
}

TEST(Store, CanBeQueriedInSql) {
  const TemporaryFolder folder;
  must(must(Store::open(folder / "a.weir", Mode::create_or_open)).write(sample_record("tile=1", 2e-3)));
  SQLite::Database db(folder / "a.weir", SQLite::OPEN_READWRITE);
  SQLite::Statement query(
      db, "SELECT config, median_seconds, predicted_dram_read_bytes, dram_read_error FROM results");
  ASSERT_TRUE(query.executeStep());
  EXPECT_EQ(query.getColumn(0).getString(), "tile=1");
  EXPECT_EQ(query.getColumn(1).getDouble(), 2e-3);
  EXPECT_EQ(query.getColumn(2).getDouble(), 1.5e9);
  EXPECT_DOUBLE_EQ(query.getColumn(3).getDouble(), 1.5e9 / 1.6e9 - 1);
}

}  // namespace
}  // namespace weir
