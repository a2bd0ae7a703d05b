#include "store/store.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <thread>

#include "store/file_image.h"
#include "store/local_file.h"
#include "store/row.h"
#include "store/schema.h"
#include "store/store_impl.h"

namespace weir {
namespace {

constexpr int kBusyAttempts = 4;

std::filesystem::path wal_of(std::filesystem::path file) {
  return file += "-wal";
}

bool has_wal(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(wal_of(file), error);
  return !error && bytes > 0;
}

void configure(SQLite::Database& db, bool writable) {
  db.exec("PRAGMA foreign_keys = ON");
  db.exec("PRAGMA trusted_schema = OFF");
  db.exec("PRAGMA cell_size_check = ON");
  if (writable) db.exec("PRAGMA synchronous = FULL");
}

// A complete, empty work file appears under its name or nothing does: a crash here leaves no half-made file
// to trip over.
Status create(const std::filesystem::path& file) {
  const std::filesystem::path temporary = temporary_beside(file);
  try {
    SQLite::Database db(temporary.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
    db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    db.exec(kSchema);
    db.exec(kLaunchCounters);
    db.exec(kResultsView);
    db.exec("INSERT INTO meta VALUES ('kind', 'work'), ('weir_version', '" WEIR_VERSION
            "'), "
            "('created_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))");
    transaction.commit();
    db.exec("PRAGMA journal_mode = WAL");
  } catch (const SQLite::Exception& exception) {
    ::unlink(temporary.c_str());
    return to_error(exception, file);
  }
  Result<bool> placed =
      move_into_place(temporary, file);  // false: another process was faster, which is as good
  return placed ? ok_status() : Status(placed.error());
}

Result<SQLite::Database> deserialize(FileImage image, const std::filesystem::path& file) {
  SQLite::Database db(":memory:", SQLite::OPEN_READWRITE);
  const auto size = static_cast<sqlite3_int64>(image.bytes.size());
  image.bytes[18] = image.bytes[19] = 1;  // memory has no WAL; without a -wal file the main file is complete
  auto* buffer = static_cast<unsigned char*>(sqlite3_malloc64(static_cast<sqlite3_uint64>(size)));
  if (buffer == nullptr)
    return Error{ErrorKind::unexpected, file.string() + ": not enough memory to read it", ""};
  std::memcpy(buffer, image.bytes.data(), image.bytes.size());
  const int code = sqlite3_deserialize(db.getHandle(), "main", buffer, size, size,
                                       SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
  if (code != SQLITE_OK) throw SQLite::Exception(db.getHandle(), code);
  return db;
}

// A file of an older schema: in place if it may be written, and in the copy in memory if it is only read.
void upgrade(SQLite::Database& db) {
  const auto version = [&] { return db.execAndGet("PRAGMA user_version").getInt(); };
  if (version() >= kSchemaVersion) return;
  SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
  // Another process may have been faster.
  if (version() == 1) {
    db.exec(kUpgradeFrom1);
    db.exec(kResultsView);
  }
  if (version() == 2) db.exec(kLaunchCounters);
  transaction.commit();
}

void check_pages(SQLite::Database& db, const std::filesystem::path& file) {
  const std::string found = db.execAndGet("PRAGMA quick_check(1)").getString();
  if (found != "ok") throw UnreadableRow(file.string() + ": " + found);
}

// A work file that nobody has open is copied into memory, so that reading leaves no -wal and -shm files
// beside it and works in folders that cannot be written. With a -wal file there, SQLite must put the two
// together.
Result<SQLite::Database> open_to_read(const std::filesystem::path& file, const FileHeader& header,
                                      int timeout) {
  if (!header.wal) {
    Result<FileImage> image = read_published(file);
    if (!image) return image.error();
    return deserialize(std::move(*image), file);
  }
  for (int attempt = 0; attempt < kBusyAttempts && !has_wal(file); ++attempt) {
    Result<FileImage> image = read_image(file);
    if (!image && image.error().kind != ErrorKind::busy) return image.error();
    if (image && !has_wal(file)) return deserialize(std::move(*image), file);
  }
  try {
    return SQLite::Database(file.string(), SQLite::OPEN_READONLY, timeout);
  } catch (const SQLite::Exception& exception) {
    Error error = to_error(exception, file);
    error.advice =
        "a writer is active or was killed and the folder cannot be written: copy the file together with " +
        wal_of(file).string() + " to a folder of yours";
    return error;
  }
}

}  // namespace

Error to_error(const SQLite::Exception& exception, const std::filesystem::path& file) {
  const std::string message = file.string() + ": " + exception.what();
  switch (exception.getErrorCode()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {ErrorKind::busy, message,
              "another process is writing to it: try again when that has finished (fuser FILE names it)"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
      return {ErrorKind::corrupt, message,
              "the file is damaged: keep a copy, save what can be read with weir db export, and start a new "
              "file"};
    case SQLITE_FULL:
      return {ErrorKind::unexpected, message,
              "free some space and try again; what was written before is kept"};
    case SQLITE_IOERR:
      return {ErrorKind::unexpected, message,
              "the disk may be full or failing; what was written before is kept"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {ErrorKind::usage, message, "check that the file and its folder can be written"};
    case SQLITE_CONSTRAINT:
      return {ErrorKind::usage, message, "the row breaks a rule of the schema (FORMAT.md)"};
    default:
      return {ErrorKind::unexpected, message, ""};
  }
}

Status Store::Impl::guard(const std::function<void()>& body) const {
  try {
    body();
    return ok_status();
  } catch (const SQLite::Exception& exception) {
    return to_error(exception, file);
  } catch (const UnstorableValue& exception) {
    return Error{ErrorKind::usage, file.string() + ": a record cannot be stored: " + exception.what(), ""};
  } catch (const UnreadableRow& exception) {
    return Error{ErrorKind::corrupt, file.string() + ": a row cannot be read: " + exception.what(),
                 "the file is damaged: restore it from a copy"};
  }
}

Status Store::Impl::transact(const std::function<void()>& body) {
  if (!writable) {
    return Error{ErrorKind::usage, file.string() + ": it was opened to read", "open a work file to write"};
  }
  // The busy timeout covers ordinary waits; SQLite answers some lock conflicts (recovery, checkpoints) at
  // once.
  std::minstd_rand random(static_cast<unsigned>(::getpid()));
  Status status = ok_status();
  for (int attempt = 0; attempt < kBusyAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(random() % (10 << attempt)));
    status = guard([&] {
      SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
      body();
      transaction.commit();
    });
    if (status || status.error().kind != ErrorKind::busy) break;
  }
  return status;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store make_store(std::unique_ptr<Store::Impl> impl) {
  return Store(std::move(impl));
}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

const std::filesystem::path& Store::file() const {
  return impl_->file;
}
bool Store::published() const {
  return impl_->published;
}

Result<Store> Store::open(const std::filesystem::path& file, Mode mode, const StoreOptions& options) {
  const bool writable = mode != Mode::read_only;
  if (const std::string network = writable ? network_file_system_of(file) : ""; !network.empty()) {
    return Error{ErrorKind::usage, file.string() + ": a work file cannot live on " + network,
                 "choose a folder on a local disk; published files may live anywhere"};
  }
  Result<FileHeader> header = read_header(file);
  if (!header && header.error().kind == ErrorKind::missing && mode == Mode::create_or_open) {
    if (Status created = create(file); !created) return created.error();
    header = read_header(file);
  }
  if (!header) return header.error();
  if (writable && !header->wal) {
    return Error{ErrorKind::usage, file.string() + ": a published file, which is never changed",
                 "write to the work file and publish it again"};
  }

  const int timeout = static_cast<int>(options.busy_timeout.count());
  try {
    Result<SQLite::Database> db = writable ? SQLite::Database(file.string(), SQLite::OPEN_READWRITE, timeout)
                                           : open_to_read(file, *header, timeout);
    if (!db) return db.error();
    auto impl = std::make_unique<Impl>(Impl{file, options, writable, !header->wal, std::move(*db)});
    Status checked = impl->guard([&] {
      configure(impl->db, writable);
      if (header->wal) check_pages(impl->db, file);
      upgrade(impl->db);
    });
    if (!checked) return checked.error();
    return Store(std::move(impl));
  } catch (const SQLite::Exception& exception) {
    return to_error(exception, file);
  }
}

std::string Store::Impl::now() const {
  return db.execAndGet("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')").getString();
}

Status Store::write(const Record& record) {
  return impl_->transact([&] { impl_->insert(record, impl_->now()); });
}

Status Store::write(const std::vector<Record>& records) {
  return impl_->transact([&] {
    const std::string now = impl_->now();
    for (const Record& record : records) impl_->insert(record, now);
  });
}

Status Store::write(const StoredDefinition& definition) {
  return impl_->transact([&] {
    const std::int64_t id = impl_->kernel_id(definition.kernel, definition.source_hash);
    SQLite::Statement update(impl_->db, "UPDATE kernel SET definition = ? WHERE kernel_id = ?");
    update.bind(1, definition.yaml);
    update.bind(2, id);
    update.exec();
  });
}

Status Store::write(const StoredModule& module) {
  return impl_->transact([&] {
    SQLite::Statement insert(
        impl_->db,
        "INSERT INTO module (source_hash, header_hash, architecture, compiler_version, cubin) VALUES (?, ?, "
        "?, ?, ?) "
        "ON CONFLICT DO UPDATE SET compiler_version = excluded.compiler_version, cubin = excluded.cubin");
    insert.bind(1, module.source_hash);
    insert.bind(2, module.header_hash);
    insert.bind(3, module.architecture);
    insert.bind(4, module.compiler_version);
    // A null pointer would be NULL, not an empty blob.
    insert.bind(5, module.cubin.empty() ? static_cast<const void*>("") : module.cubin.data(),
                static_cast<int>(module.cubin.size()));
    insert.exec();
  });
}

Status Store::write(const StoredDevice& device) {
  return impl_->transact([&] {
    Provenance key;
    key.gpu_name = device.gpu_name;
    key.compute_capability = device.limits.compute_capability;
    key.sm_count = device.limits.sm_count;
    key.l2_bytes = device.limits.l2_bytes;
    const std::int64_t id = impl_->device_id(&key, "");
    SQLite::Statement update(
        impl_->db,
        "UPDATE device SET max_threads_per_sm = ?, registers_per_sm = ?, shared_bytes_per_sm = ?, "
        "shared_bytes_per_block = ? WHERE device_id = ?");
    update.bind(1, device.limits.max_threads_per_sm);
    update.bind(2, device.limits.registers_per_sm);
    update.bind(3, device.limits.shared_bytes_per_sm);
    update.bind(4, device.limits.shared_bytes_per_block);
    update.bind(5, id);
    update.exec();
  });
}

Status Store::write(const StoredTables& tables) {
  return impl_->transact([&] {
    SQLite::Statement update(impl_->db, "UPDATE problem SET tables = ? WHERE problem_id = ?");
    update.bind(1, tables_text(tables.tables));
    update.bind(2, impl_->problem_id(tables.kernel, tables.source_hash, tables.problem));
    update.exec();
  });
}

Status Store::verify() const {
  if (impl_->published) {
    if (Result<FileImage> image = read_published(impl_->file); !image) return image.error();
  }
  return impl_->guard([&] {
    SQLite::Statement integrity(impl_->db, "PRAGMA integrity_check(5)");
    std::string found;
    while (integrity.executeStep()) {
      const std::string line = integrity.getColumn(0).getString();
      if (line != "ok") found += (found.empty() ? "" : "; ") + line;
    }
    SQLite::Statement keys(impl_->db, "PRAGMA foreign_key_check");
    while (keys.executeStep()) {
      found += (found.empty() ? "" : "; ") + ("a row of " + keys.getColumn(0).getString() +
                                              " refers to a missing row of " + keys.getColumn(2).getString());
    }
    if (!found.empty()) throw UnreadableRow(found);
    read_rows(*impl_, {});
  });
}

}  // namespace weir
