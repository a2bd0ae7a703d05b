// Joining the rows of two files.
#include "store/store_impl.h"

namespace weir {
namespace {

// True if `into` has a row with this row's key that is at least as recent, or, for a row without a device, a
// row of a device with the same candidate and profile.
bool has_newer(Store::Impl& into, const StoredRow& row) {
  const Record& record = row.record;
  const Provenance* provenance = record.measurement ? &record.measurement->provenance : nullptr;
  const std::int64_t problem = into.problem_id(record.kernel, record.source_hash, record.problem);
  if (!provenance) {
    SQLite::Statement superseding(into.db,
                                  "SELECT 1 FROM record JOIN measurement USING (record_id) "
                                  "WHERE problem_id = ? AND config = ? AND profile = ?");
    superseding.bind(1, problem);
    superseding.bind(2, record.config);
    superseding.bind(3, record.profile);
    if (superseding.executeStep()) return true;
  }
  SQLite::Statement same(
      into.db,
      "SELECT (coalesce(date, ''), written_at) >= (?, ?) FROM record "
      "LEFT JOIN measurement USING (record_id) WHERE problem_id = ? AND config = ? AND device_id = ? "
      "AND driver_version = ? AND compiler_version = ? AND policy = ?");
  same.bind(1, provenance ? provenance->date : "");
  same.bind(2, row.written_at);
  same.bind(3, problem);
  same.bind(4, record.config);
  same.bind(5, into.device_id(provenance, record.profile));
  same.bind(6, provenance ? provenance->driver_version : "");
  same.bind(7, provenance ? provenance->compiler_version : "");
  same.bind(8, provenance ? provenance->policy : "");
  return same.executeStep() && same.getColumn(0).getInt() != 0;
}

// Entries of `from` that are not among those of `into`.
template <typename T, typename Same>
Status add_missing(Store& into, const Result<std::vector<T>>& present, const Result<std::vector<T>>& incoming,
                   Same same) {
  if (!present) return present.error();
  if (!incoming) return incoming.error();
  for (const T& entry : *incoming) {
    bool found = false;
    for (const T& other : *present) found = found || same(entry, other);
    if (found) continue;
    if (Status written = into.write(entry); !written) return written;
  }
  return ok_status();
}

}  // namespace

Result<std::int64_t> merge(Store& into, const Store& from) {
  std::vector<StoredRow> rows;
  Status status = from.impl().guard([&] { rows = read_rows(from.impl(), {}); });
  if (!status) return status.error();

  // What rows refer to comes first, so that a crash in between leaves nothing that cannot be published.
  status = add_missing(into, into.definitions(), from.definitions(), [](const auto& a, const auto& b) {
    return a.kernel == b.kernel && a.source_hash == b.source_hash;
  });
  if (!status) return status.error();
  status = add_missing(into, into.modules(), from.modules(), [](const auto& a, const auto& b) {
    return a.source_hash == b.source_hash && a.header_hash == b.header_hash &&
           a.architecture == b.architecture;
  });
  if (!status) return status.error();
  status =
      add_missing(into, into.devices(), from.devices(), [](const auto& a, const auto& b) { return a == b; });
  if (!status) return status.error();
  status =
      add_missing(into, into.tables(), from.tables(), [](const auto& a, const auto& b) { return a == b; });
  if (!status) return status.error();

  std::int64_t taken = 0;
  status = into.impl().transact([&] {
    taken = 0;
    for (const StoredRow& row : rows) {
      if (has_newer(into.impl(), row)) continue;
      into.impl().insert(row.record, row.written_at);
      ++taken;
    }
  });
  if (!status) return status.error();
  return taken;
}

}  // namespace weir
