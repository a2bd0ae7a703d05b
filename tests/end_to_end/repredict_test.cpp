// `weir db repredict` that is stopped.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "store/store.h"
#include "tests/end_to_end/command.h"

namespace weir {
namespace {

using testing_support::Command;
using testing_support::CommandResult;
using testing_support::TemporaryFolder;

std::vector<Record> rows_of(const std::filesystem::path& file) {
  return Store::open(file, Store::Mode::read_only).value().records().value();
}

TEST(Repredict, ASignalStopsItWithEveryMeasurementAndASoundFile) {
  const TemporaryFolder folder;
  const std::filesystem::path db = folder / "rows.weir";
  std::filesystem::copy_file(testing_support::recorded_file(), db);
  const std::vector<Record> before = rows_of(db);
  Command command(folder.path(), {"db", "repredict", "--db", db.string()});
  // From then on signals are caught: the store is open.
  while (command.running() && !std::filesystem::exists(db.string() + "-wal"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  command.signal(SIGTERM);
  const CommandResult result = command.wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_NE(result.err.find("rows are predicted again and written"), std::string::npos) << result.err;
  EXPECT_EQ(testing_support::weir(folder.path(), {"db", "verify", "--db", db.string()}).exit_code, 0);
  std::map<std::string, const Record*> by_key;
  const auto key = [](const Record& row) { return row.kernel + row.source_hash + row.problem + row.config; };
  const std::vector<Record> after = rows_of(db);
  for (const Record& row : after) by_key[key(row)] = &row;
  EXPECT_EQ(after.size(), before.size());
  for (const Record& row : before) {
    ASSERT_TRUE(by_key.contains(key(row))) << row.config;
    EXPECT_EQ(by_key[key(row)]->outcome, row.outcome);
    EXPECT_EQ(by_key[key(row)]->measurement, row.measurement);
  }
}

}  // namespace
}  // namespace weir
