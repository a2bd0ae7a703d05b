// The connection behind a Store, for the store library's own files.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <functional>
#include <string>

#include "store/store.h"

namespace weir {

// An SQLite failure in the vocabulary of Error.
Error to_error(const SQLite::Exception& exception, const std::filesystem::path& file);

struct Store::Impl {
  std::filesystem::path file;
  StoreOptions options;
  bool writable = false;
  bool published = false;
  mutable SQLite::Database db;
  std::int64_t last_record_id = 0;  // of the last insert()

  // Runs `body` in one BEGIN IMMEDIATE transaction; tries again, a bounded number of times, while the file is
  // locked.
  Status transact(const std::function<void()>& body);
  // Turns what `body` throws into an Error.
  Status guard(const std::function<void()>& body) const;

  // Precondition of the calls below: inside a transaction.
  void insert(const Record& record, const std::string& written_at);
  std::int64_t kernel_id(const std::string& kernel, const std::string& source_hash);
  std::int64_t problem_id(const std::string& kernel, const std::string& source_hash,
                          const std::string& problem);
  std::int64_t device_id(const Provenance* provenance, const std::string& profile);
  std::int64_t text_id(const std::string& text);
  std::string now() const;
};

// A Store around a connection that is already configured.
Store make_store(std::unique_ptr<Store::Impl> impl);

// One stored record with what is not part of Record.
struct StoredRow {
  std::int64_t record_id = 0;
  std::string written_at;
  Record record;
};
// Throws what guard() catches.
std::vector<StoredRow> read_rows(const Store::Impl& impl, const RecordFilter& filter);

}  // namespace weir
