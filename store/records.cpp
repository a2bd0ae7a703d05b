// Rows in and out of a Store.
#include <limits>

#include "store/row.h"
#include "store/schema.h"
#include "store/store_impl.h"

namespace weir {
namespace {

std::string placeholders(int count) {
  std::string text = "?";
  for (int i = 1; i < count; ++i) text += ", ?";
  return text;
}

// The id of the row with these key columns, which is added if it is missing.
std::int64_t find_or_add(SQLite::Database& db, const std::string& table, const std::string& columns,
                         const std::function<void(SQLite::Statement&)>& bind_key, int count) {
  SQLite::Statement find(db, "SELECT " + table + "_id FROM " + table + " WHERE (" + columns + ") = (" +
                                 placeholders(count) + ")");
  bind_key(find);
  if (find.executeStep()) return find.getColumn(0).getInt64();
  SQLite::Statement add(db,
                        "INSERT INTO " + table + " (" + columns + ") VALUES (" + placeholders(count) + ")");
  bind_key(add);
  add.exec();
  return db.getLastInsertRowid();
}

template <typename T>
void insert_part(SQLite::Database& db, const std::string& table, const std::string& columns, int count,
                 std::int64_t record_id, const T& part) {
  SQLite::Statement insert(
      db, "INSERT INTO " + table + " (record_id, " + columns + ") VALUES (" + placeholders(count + 1) + ")");
  insert.bind(1, record_id);
  bind(insert, 2, part);
  insert.exec();
}

void insert_launches(SQLite::Database& db, std::int64_t record_id,
                     const std::vector<LaunchCounters>& launches) {
  if (launches.empty()) return;
  SQLite::Statement insert(db, "INSERT INTO launch_counters (record_id, position, " +
                                   columns_of<LaunchCounters>() + ") VALUES (" +
                                   placeholders(column_count_of<LaunchCounters>() + 2) + ")");
  for (std::size_t i = 0; i < launches.size(); ++i) {
    insert.bind(1, record_id);
    insert.bind(2, static_cast<std::int64_t>(i));
    bind(insert, 3, launches[i]);
    insert.exec();
    insert.reset();
  }
}

// By record, in order.
std::map<std::int64_t, std::vector<LaunchCounters>> read_launches(const Store::Impl& impl) {
  std::map<std::int64_t, std::vector<LaunchCounters>> launches;
  SQLite::Statement select(impl.db, "SELECT record_id, " + columns_of<LaunchCounters>() +
                                        " FROM launch_counters ORDER BY record_id, position");
  while (select.executeStep()) read(select, 1, launches[select.getColumn(0).getInt64()].emplace_back());
  return launches;
}

}  // namespace

std::int64_t Store::Impl::kernel_id(const std::string& kernel, const std::string& source_hash) {
  return find_or_add(
      db, "kernel", "kernel, source_hash",
      [&](SQLite::Statement& statement) {
        statement.bind(1, kernel);
        statement.bind(2, source_hash);
      },
      2);
}

std::int64_t Store::Impl::text_id(const std::string& text) {
  return find_or_add(
      db, "text", "text", [&](SQLite::Statement& statement) { statement.bind(1, text); }, 1);
}

std::int64_t Store::Impl::problem_id(const std::string& kernel, const std::string& source_hash,
                                     const std::string& problem) {
  const std::int64_t kernel_row = kernel_id(kernel, source_hash);
  return find_or_add(
      db, "problem", "kernel_id, problem",
      [&](SQLite::Statement& statement) {
        statement.bind(1, kernel_row);
        statement.bind(2, problem);
      },
      2);
}

std::int64_t Store::Impl::device_id(const Provenance* provenance, const std::string& profile) {
  static const Provenance kNoDevice;
  const Provenance& device = provenance ? *provenance : kNoDevice;
  return find_or_add(
      db, "device", "gpu_name, compute_capability, sm_count, l2_bytes, profile",
      [&](SQLite::Statement& statement) {
        statement.bind(1, device.gpu_name);
        statement.bind(2, device.compute_capability);
        statement.bind(3, device.sm_count);
        statement.bind(4, device.l2_bytes);
        statement.bind(5, provenance ? std::string() : profile);
      },
      5);
}

void Store::Impl::insert(const Record& record, const std::string& written_at) {
  if (record.outcome == Outcome::measured && !record.measurement) {
    throw UnstorableValue("it is marked as measured and has no measurement");
  }
  const Provenance* provenance = record.measurement ? &record.measurement->provenance : nullptr;
  const std::int64_t problem = problem_id(record.kernel, record.source_hash, record.problem);
  const std::int64_t device = device_id(provenance, record.profile);

  SQLite::Statement replaced(
      db,
      "DELETE FROM entry WHERE record_id IN (SELECT record_id FROM record WHERE problem_id = ? AND config = "
      "? "
      "AND device_id = ? AND driver_version = ? AND compiler_version = ? AND policy = ?)");
  replaced.bind(1, problem);
  replaced.bind(2, record.config);
  replaced.bind(3, device);
  replaced.bind(4, provenance ? provenance->driver_version : "");
  replaced.bind(5, provenance ? provenance->compiler_version : "");
  replaced.bind(6, provenance ? provenance->policy : "");
  replaced.exec();
  if (provenance) {
    SQLite::Statement superseded(
        db,
        "DELETE FROM entry WHERE record_id IN (SELECT record_id FROM record WHERE problem_id = ? AND config "
        "= ? "
        "AND profile = ? AND device_id IN (SELECT device_id FROM device WHERE gpu_name = '' AND profile = "
        "?)) "
        "AND NOT EXISTS (SELECT 1 FROM measurement m WHERE m.record_id = entry.record_id)");
    superseded.bind(1, problem);
    superseded.bind(2, record.config);
    superseded.bind(3, record.profile);
    superseded.bind(4, record.profile);
    superseded.exec();
  }

  SQLite::Statement insert(db,
                           "INSERT INTO entry (problem_id, config_id, device_id, driver_version_id, "
                           "compiler_version_id, policy_id, "
                           "schema_version, outcome, reason_id, is_default, profile_id, written_at) "
                           "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, problem);
  insert.bind(2, text_id(record.config));
  insert.bind(3, device);
  insert.bind(4, text_id(provenance ? provenance->driver_version : ""));
  insert.bind(5, text_id(provenance ? provenance->compiler_version : ""));
  insert.bind(6, text_id(provenance ? provenance->policy : ""));
  insert.bind(7, kSchemaVersion);
  insert.bind(8, to_string(record.outcome));
  insert.bind(9, text_id(record.reason));
  insert.bind(10, record.is_default ? 1 : 0);
  insert.bind(11, text_id(record.profile));
  insert.bind(12, written_at);
  insert.exec();
  const std::int64_t record_id = last_record_id = db.getLastInsertRowid();
  if (record.prediction) {
    insert_part(db, "prediction", columns_of<Prediction>(), column_count_of<Prediction>(), record_id,
                *record.prediction);
  }
  if (record.measurement) {
    insert_part(db, "measurement", columns_of<Measurement>(), column_count_of<Measurement>(), record_id,
                *record.measurement);
    insert_launches(db, record_id, record.measurement->counters.launches);
  }
}

std::vector<StoredRow> read_rows(const Store::Impl& impl, const RecordFilter& filter) {
  std::string sql =
      "SELECT r.record_id, r.written_at, k.kernel, k.source_hash, q.problem, r.config, r.outcome, r.reason, "
      "r.is_default, "
      "r.profile, d.gpu_name, d.compute_capability, d.sm_count, d.l2_bytes, r.driver_version, "
      "r.compiler_version, r.policy, "
      "p.record_id, m.record_id, " +
      columns_of<Prediction>("p") + ", " + columns_of<Measurement>("m") +
      " FROM record r JOIN problem q USING (problem_id) JOIN kernel k USING (kernel_id) JOIN device d USING "
      "(device_id) "
      "LEFT JOIN prediction p USING (record_id) LEFT JOIN measurement m USING (record_id) WHERE 1";
  std::vector<std::string> values;
  const auto add = [&](const char* column, const std::optional<std::string>& value) {
    if (!value) return;
    sql += std::string(" AND ") + column + " = ?";
    values.push_back(*value);
  };
  add("k.kernel", filter.kernel);
  add("k.source_hash", filter.source_hash);
  add("q.problem", filter.problem);
  add("d.gpu_name", filter.gpu_name);
  add("r.outcome", filter.outcome ? std::optional<std::string>(to_string(*filter.outcome)) : std::nullopt);
  sql +=
      " ORDER BY k.kernel, q.problem, d.gpu_name, d.compute_capability, d.sm_count, d.l2_bytes, d.profile, "
      "CASE r.outcome WHEN 'measured' THEN 0 WHEN 'predicted' THEN 1 WHEN 'rejected' THEN 2 ELSE 3 END, "
      "iif(r.outcome = 'measured', m.median_seconds, p.time_seconds), r.config, k.source_hash, "
      "r.driver_version, "
      "r.compiler_version, r.policy";

  SQLite::Statement select(impl.db, sql);
  for (std::size_t i = 0; i < values.size(); ++i) select.bind(static_cast<int>(i) + 1, values[i]);
  std::map<std::int64_t, std::vector<LaunchCounters>> launches = read_launches(impl);
  std::vector<StoredRow> rows;
  while (select.executeStep()) {
    StoredRow& row = rows.emplace_back();
    Record& record = row.record;
    row.record_id = select.getColumn(0).getInt64();
    row.written_at = select.getColumn(1).getString();
    record.kernel = select.getColumn(2).getString();
    record.source_hash = select.getColumn(3).getString();
    record.problem = select.getColumn(4).getString();
    record.config = select.getColumn(5).getString();
    record.outcome = parse_outcome(select.getColumn(6).getString());
    record.reason = select.getColumn(7).getString();
    record.is_default = select.getColumn(8).getInt() != 0;
    record.profile = select.getColumn(9).getString();
    constexpr int kFirst = 19;
    if (!select.getColumn(17).isNull()) read(select, kFirst, record.prediction.emplace());
    if (!select.getColumn(18).isNull()) {
      Measurement& measurement = record.measurement.emplace();
      read(select, kFirst + column_count_of<Prediction>(), measurement);
      if (const auto found = launches.find(row.record_id); found != launches.end())
        measurement.counters.launches = std::move(found->second);
      Provenance& provenance = measurement.provenance;
      provenance.gpu_name = select.getColumn(10).getString();
      provenance.compute_capability = select.getColumn(11).getInt64();
      provenance.sm_count = select.getColumn(12).getInt64();
      provenance.l2_bytes = select.getColumn(13).getInt64();
      provenance.driver_version = select.getColumn(14).getString();
      provenance.compiler_version = select.getColumn(15).getString();
      provenance.policy = select.getColumn(16).getString();
    }
  }
  return rows;
}

Result<std::vector<Record>> Store::records(const RecordFilter& filter) const {
  std::vector<Record> records;
  Status status = impl_->guard([&] {
    for (StoredRow& row : read_rows(*impl_, filter)) records.push_back(std::move(row.record));
  });
  if (!status) return status.error();
  return records;
}

Result<std::vector<StoredDefinition>> Store::definitions() const {
  std::vector<StoredDefinition> definitions;
  Status status = impl_->guard([&] {
    SQLite::Statement select(
        impl_->db,
        "SELECT kernel, source_hash, definition FROM kernel WHERE definition IS NOT NULL ORDER BY 1, 2");
    while (select.executeStep()) {
      definitions.push_back({select.getColumn(0).getString(), select.getColumn(1).getString(),
                             select.getColumn(2).getString()});
    }
  });
  if (!status) return status.error();
  return definitions;
}

namespace {

Result<std::vector<StoredModule>> select_modules(
    const Store::Impl& impl, const std::string& condition,
    const std::function<void(SQLite::Statement&)>& bind_condition) {
  std::vector<StoredModule> modules;
  Status status = impl.guard([&] {
    SQLite::Statement select(
        impl.db, "SELECT source_hash, header_hash, architecture, compiler_version, cubin FROM module " +
                     condition + " ORDER BY 1, 2, 3");
    bind_condition(select);
    while (select.executeStep()) {
      const SQLite::Column cubin = select.getColumn(4);
      const auto* bytes = static_cast<const std::uint8_t*>(cubin.getBlob());
      modules.push_back({select.getColumn(0).getString(),
                         select.getColumn(1).getString(),
                         select.getColumn(2).getInt64(),
                         select.getColumn(3).getString(),
                         {bytes, bytes + cubin.getBytes()}});
    }
  });
  if (!status) return status.error();
  return modules;
}

}  // namespace

Result<std::vector<StoredModule>> Store::modules(std::optional<std::int64_t> architecture) const {
  return select_modules(*impl_, architecture ? "WHERE architecture = ?" : "", [&](SQLite::Statement& select) {
    if (architecture) select.bind(1, *architecture);
  });
}

Result<std::optional<StoredModule>> Store::module(const std::string& source_hash,
                                                  const std::string& header_hash,
                                                  std::int64_t architecture) const {
  Result<std::vector<StoredModule>> found =
      select_modules(*impl_, "WHERE source_hash = ? AND header_hash = ? AND architecture = ?",
                     [&](SQLite::Statement& select) {
                       select.bind(1, source_hash);
                       select.bind(2, header_hash);
                       select.bind(3, architecture);
                     });
  if (!found) return found.error();
  if (found->empty()) return std::optional<StoredModule>();
  return std::optional<StoredModule>(std::move(found->front()));
}

Result<std::vector<StoredDevice>> Store::devices() const {
  std::vector<StoredDevice> devices;
  Status status = impl_->guard([&] {
    SQLite::Statement select(
        impl_->db,
        "SELECT gpu_name, compute_capability, sm_count, max_threads_per_sm, registers_per_sm, "
        "shared_bytes_per_sm, shared_bytes_per_block, l2_bytes FROM device "
        "WHERE max_threads_per_sm IS NOT NULL ORDER BY 1, 2, 3, 8");
    while (select.executeStep()) {
      const auto integer = [&](int column) { return select.getColumn(column).getInt64(); };
      devices.push_back(
          {select.getColumn(0).getString(),
           {integer(1), integer(2), integer(3), integer(4), integer(5), integer(6), integer(7)}});
    }
  });
  if (!status) return status.error();
  return devices;
}

Result<std::vector<StoredTables>> Store::tables() const {
  std::vector<StoredTables> tables;
  Status status = impl_->guard([&] {
    SQLite::Statement select(
        impl_->db,
        "SELECT kernel, source_hash, problem, tables FROM problem JOIN kernel USING (kernel_id) "
        "WHERE tables IS NOT NULL ORDER BY 1, 2, 3");
    while (select.executeStep()) {
      tables.push_back({select.getColumn(0).getString(), select.getColumn(1).getString(),
                        select.getColumn(2).getString(), parse_tables(select.getColumn(3).getString())});
    }
  });
  if (!status) return status.error();
  return tables;
}

Result<std::vector<StoredPick>> Store::picks() const {
  std::vector<StoredPick> picks;
  Status status = impl_->guard([&] {
    SQLite::Statement select(
        impl_->db,
        "SELECT c.rank, k.kernel, k.source_hash, q.problem, d.gpu_name, d.compute_capability, d.sm_count, "
        "d.l2_bytes, "
        "r.config, m.median_seconds, coalesce(p.dram_read_bytes + p.dram_write_bytes, 0), "
        "coalesce(p.uncalibrated_traffic, 'not recorded'), coalesce(p.uncalibrated_time, 'not recorded') "
        "FROM pick c "
        "JOIN record r USING (record_id) JOIN problem q ON q.problem_id = c.problem_id JOIN kernel k USING "
        "(kernel_id) "
        "JOIN device d ON d.device_id = c.device_id LEFT JOIN prediction p USING (record_id) "
        "LEFT JOIN measurement m USING (record_id) ORDER BY 2, 3, 4, 5, 6, 7, 8, 1");
    while (select.executeStep()) {
      if (select.getColumn(0).getInt64() == 0) {
        picks.push_back({.kernel = select.getColumn(1).getString(),
                         .source_hash = select.getColumn(2).getString(),
                         .problem = select.getColumn(3).getString(),
                         .gpu_name = select.getColumn(4).getString(),
                         .compute_capability = select.getColumn(5).getInt64(),
                         .sm_count = select.getColumn(6).getInt64(),
                         .l2_bytes = select.getColumn(7).getInt64(),
                         .configs = {},
                         .median_seconds = select.getColumn(9).getDouble(),
                         .predicted_dram_bytes = select.getColumn(10).getDouble(),
                         .uncalibrated = {.traffic = select.getColumn(11).getString(),
                                          .time = select.getColumn(12).getString()}});
      }
      if (picks.empty()) throw UnreadableRow("a tie set without its pick");
      picks.back().configs.push_back(select.getColumn(8).getString());
    }
  });
  if (!status) return status.error();
  return picks;
}

}  // namespace weir
