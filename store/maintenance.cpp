#include "store/maintenance.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <tuple>

#include "store/candidate_module.h"
#include "store/store_impl.h"

namespace weir {
namespace {

std::string shortest(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string result = "\"";
  for (char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::int64_t file_bytes(SQLite::Database& db) {
  return db.execAndGet("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").getInt64();
}

// (source hash, header hash, architecture) of every module that a measured row runs. A row that cannot be
// resolved keeps all modules of its source.
struct UsedModules {
  std::set<std::tuple<std::string, std::string, std::int64_t>> exact;
  std::set<std::string> whole_sources;
};

// Of measured rows: each problem's tie set and its safe default, on each device.
std::vector<Record> published_rows(const std::vector<Record>& measured) {
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<Record>> problems;
  for (const Record& record : measured) {
    problems[{record.kernel, record.problem, record.measurement->provenance.gpu_name}].push_back(record);
  }
  std::vector<Record> kept;
  for (const auto& [key, rows] : problems) {
    if (const std::optional<Choice> choice = choose(rows)) {
      kept.insert(kept.end(), choice->tie_set.begin(), choice->tie_set.end());
    }
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(kept),
                 [](const Record& r) { return r.is_default; });
  }
  return kept;
}

Result<UsedModules> used_modules(const Store& store, KeepModules keep) {
  Result<RowResolver> resolver = RowResolver::open(store);
  if (!resolver) return resolver.error();
  Result<std::vector<Record>> records = store.records({.outcome = Outcome::measured});
  if (!records) return records.error();
  if (keep == KeepModules::picks) *records = published_rows(*records);
  UsedModules used;
  for (const Record& record : *records) {
    if (Result<std::string> header = resolver->module_header(record)) {
      used.exact.emplace(record.source_hash, *header, record.measurement->provenance.compute_capability);
    } else {
      used.whole_sources.insert(record.source_hash);
    }
  }
  return used;
}

}  // namespace

Result<std::vector<Summary>> summaries(const Store& store) {
  std::vector<Summary> all;
  Status status = store.impl().guard([&] {
    SQLite::Statement select(
        store.impl().db,
        "SELECT kernel, source_hash, problem, iif(gpu_name = '', profile, gpu_name) AS device, "
        "sum(outcome = 'predicted'), sum(outcome = 'measured'), sum(outcome = 'rejected'), sum(outcome = "
        "'failed'), "
        "coalesce(min(iif(outcome = 'measured' AND verified, median_seconds, NULL)), 0), max(written_at) "
        "FROM results GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 4, 10 DESC");
    while (select.executeStep()) {
      all.push_back({select.getColumn(0).getString(), select.getColumn(1).getString(),
                     select.getColumn(2).getString(), select.getColumn(3).getString(),
                     select.getColumn(4).getInt64(), select.getColumn(5).getInt64(),
                     select.getColumn(6).getInt64(), select.getColumn(7).getInt64(),
                     select.getColumn(8).getDouble(), select.getColumn(9).getString()});
    }
  });
  if (!status) return status.error();
  return all;
}

Status export_csv(const Store& store, std::ostream& out) {
  return store.impl().guard([&] {
    SQLite::Statement select(
        store.impl().db,
        "SELECT * FROM results ORDER BY kernel, problem, gpu_name, profile, config, source_hash, "
        "driver_version, compiler_version, policy");
    for (int i = 0; i < select.getColumnCount(); ++i) out << (i ? "," : "") << select.getColumnName(i);
    out << "\r\n";
    while (select.executeStep()) {
      for (int i = 0; i < select.getColumnCount(); ++i) {
        const SQLite::Column column = select.getColumn(i);
        out << (i ? "," : "");
        if (column.isFloat()) {
          out << shortest(column.getDouble());
        } else if (!column.isNull()) {
          out << quoted(column.getString());
        }
      }
      out << "\r\n";
    }
  });
}

Result<GarbageReport> collect_garbage(Store& store, KeepModules keep) {
  GarbageReport report;
  Store::Impl& impl = store.impl();
  Status status = impl.guard([&] { report.bytes_before = file_bytes(impl.db); });
  if (!status) return status.error();
  status = impl.transact([&] {
    report.rows = impl.db.exec(
        "DELETE FROM entry WHERE problem_id IN (SELECT problem_id FROM problem JOIN kernel k USING "
        "(kernel_id) WHERE "
        "k.source_hash <> (SELECT source_hash FROM record JOIN problem USING (problem_id) JOIN kernel l "
        "USING (kernel_id) "
        "WHERE l.kernel = k.kernel ORDER BY written_at DESC, record_id DESC LIMIT 1))");
    impl.db.exec("DELETE FROM problem WHERE problem_id NOT IN (SELECT problem_id FROM entry)");
    impl.db.exec(
        "DELETE FROM text WHERE text_id NOT IN (SELECT config_id FROM entry UNION SELECT driver_version_id "
        "FROM entry "
        "UNION SELECT compiler_version_id FROM entry UNION SELECT policy_id FROM entry "
        "UNION SELECT reason_id FROM entry UNION SELECT profile_id FROM entry)");
    impl.db.exec(
        "DELETE FROM kernel WHERE kernel_id NOT IN (SELECT kernel_id FROM problem) AND kernel IN "
        "(SELECT kernel FROM kernel JOIN problem USING (kernel_id))");
  });
  if (!status) return status.error();

  Result<UsedModules> used = used_modules(store, keep);
  if (!used) return used.error();
  status = impl.transact([&] {
    SQLite::Statement select(impl.db, "SELECT module_id, source_hash, header_hash, architecture FROM module");
    std::vector<std::int64_t> unused;
    while (select.executeStep()) {
      const std::string source = select.getColumn(1).getString();
      if (used->whole_sources.count(source)) continue;
      if (used->exact.count({source, select.getColumn(2).getString(), select.getColumn(3).getInt64()}))
        continue;
      unused.push_back(select.getColumn(0).getInt64());
    }
    for (std::int64_t module : unused) {
      SQLite::Statement remove(impl.db, "DELETE FROM module WHERE module_id = ?");
      remove.bind(1, module);
      remove.exec();
    }
    report.modules = static_cast<std::int64_t>(unused.size());
  });
  if (!status) return status.error();
  status = impl.guard([&] {
    impl.db.exec("VACUUM");
    report.bytes_after = file_bytes(impl.db);
  });
  if (!status) return status.error();
  return report;
}

}  // namespace weir
