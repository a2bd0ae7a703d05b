// Publishing: from the rows of a work file to the file that applications read.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "store/candidate_module.h"
#include "store/file_image.h"
#include "store/local_file.h"
#include "store/row.h"
#include "store/schema.h"
#include "store/store_impl.h"

namespace weir {
namespace {

// When a row was made: what decides between two rows of one candidate.
std::pair<std::string, std::string> age(const StoredRow& row) {
  return {row.record.measurement ? row.record.measurement->provenance.date : "", row.written_at};
}

using DeviceKey = std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t>;
DeviceKey device_key(const Record& record) {
  const Provenance& p = record.measurement->provenance;
  return {p.gpu_name, p.compute_capability, p.sm_count, p.l2_bytes};
}

// What is published for one problem on one GPU model.
struct Offer {
  std::vector<const StoredRow*> rows;  // the tie set, best first, then the safe default if it is not in there
  std::size_t ties = 0;
};

using Rows = std::vector<const StoredRow*>;

bool verified(const Record& record) {
  return record.outcome == Outcome::measured && record.measurement && record.measurement->verification.passed;
}

// Of the rows of one problem and GPU: those of the policy with most rows, one per configuration, the most
// recent.
Rows comparable(const Rows& rows) {
  std::map<std::string, std::pair<std::size_t, std::pair<std::string, std::string>>> policies;
  for (const StoredRow* row : rows) {
    auto& [count, latest] = policies[row->record.measurement->provenance.policy];
    ++count;
    latest = std::max(latest, age(*row));
  }
  const auto best = std::max_element(policies.begin(), policies.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  std::map<std::string, const StoredRow*> latest;
  for (const StoredRow* row : rows) {
    if (row->record.measurement->provenance.policy != best->first) continue;
    const StoredRow*& kept = latest[row->record.config];
    if (kept == nullptr || age(*kept) < age(*row)) kept = row;
  }
  Rows kept;
  for (const auto& [config, row] : latest) kept.push_back(row);
  return kept;
}

std::optional<Offer> offer(const Rows& rows) {
  const Rows candidates = comparable(rows);
  std::vector<Record> records;
  for (const StoredRow* row : candidates) records.push_back(row->record);
  const std::optional<Choice> choice = choose(records);
  if (!choice) return std::nullopt;
  Offer offer;
  const auto row_of = [&](const Record& record) {
    return *std::find_if(candidates.begin(), candidates.end(),
                         [&](const StoredRow* row) { return row->record.config == record.config; });
  };
  for (const Record& record : choice->tie_set) offer.rows.push_back(row_of(record));
  offer.ties = offer.rows.size();
  for (const StoredRow* row : candidates) {
    const bool in_tie_set = std::find(offer.rows.begin(), offer.rows.end(), row) != offer.rows.end();
    if (row->record.is_default && !in_tie_set) offer.rows.push_back(row);
  }
  return offer;
}

std::vector<Offer> offers(const std::vector<StoredRow>& rows, std::vector<std::string>& skipped) {
  std::map<std::pair<std::string, DeviceKey>, const StoredRow*> latest;
  for (const StoredRow& row : rows) {
    if (!verified(row.record)) continue;
    const StoredRow*& newest = latest[{row.record.kernel, device_key(row.record)}];
    if (newest == nullptr || age(*newest) < age(row)) newest = &row;
  }
  std::map<std::tuple<std::string, std::string, DeviceKey>, Rows> problems;
  std::set<std::string> outdated;
  for (const StoredRow& row : rows) {
    if (!verified(row.record)) continue;
    const Record& record = row.record;
    if (latest[{record.kernel, device_key(record)}]->record.source_hash == record.source_hash) {
      problems[{record.kernel, record.problem, device_key(record)}].push_back(&row);
    } else {
      outdated.insert(record.kernel + " " + record.problem + " on " +
                      record.measurement->provenance.gpu_name);
    }
  }
  std::vector<Offer> made;
  for (const auto& [key, group] : problems) {
    const Record& record = group.front()->record;
    const std::string name =
        record.kernel + " " + record.problem + " on " + record.measurement->provenance.gpu_name;
    outdated.erase(name);
    if (std::optional<Offer> one = offer(group)) {
      made.push_back(std::move(*one));
    } else {
      skipped.push_back(name + ": no verified row has a time");
    }
  }
  for (const std::string& name : outdated) {
    skipped.push_back(name + ": tuned only with an older version of the kernel's sources");
  }
  return made;
}

struct Contents {
  std::vector<StoredRow> rows;
  std::vector<Offer> offers;  // point into rows
  std::map<std::pair<std::string, std::string>, StoredDefinition> definitions;
  std::vector<StoredDevice> devices;
  std::vector<StoredTables> tables;
  std::map<std::tuple<std::string, std::string, std::int64_t>, StoredModule> modules;
};

// The modules of the best configuration and of the safe default must be there; those of the others in the tie
// set may be.
Status collect_modules(const Store& work, Contents& contents) {
  Result<RowResolver> resolver = RowResolver::open(work);
  if (!resolver) return resolver.error();
  for (const Offer& offer : contents.offers) {
    for (std::size_t i = 0; i < offer.rows.size(); ++i) {
      const Record& record = offer.rows[i]->record;
      const std::string name = record.kernel + " " + record.problem + " " + record.config;
      Result<std::string> header = resolver->module_header(record);
      if (!header) {
        Error error = header.error();
        error.message = name + ": " + error.message;
        return error;
      }
      const std::int64_t architecture = record.measurement->provenance.compute_capability;
      Result<std::optional<StoredModule>> module = work.module(record.source_hash, *header, architecture);
      if (!module) return module.error();
      if (*module) {
        contents.modules[{record.source_hash, *header, architecture}] = std::move(**module);
      } else if (i == 0 || record.is_default) {
        return Error{ErrorKind::missing,
                     work.file().string() + ": the compiled module of " + name + " is not in the file",
                     "tune the problem again without --resume"};
      }
    }
  }
  return ok_status();
}

Result<Contents> collect(const Store& work, ShipReport& report) {
  Contents contents;
  Status read =
      work.impl().guard([&] { contents.rows = read_rows(work.impl(), {.outcome = Outcome::measured}); });
  if (!read) return read.error();
  contents.offers = offers(contents.rows, report.skipped);
  if (contents.offers.empty()) {
    return Error{ErrorKind::missing,
                 work.file().string() + ": it holds no measured and verified configuration",
                 "tune a kernel first: weir tune KERNEL --problem k=v,… --db " + work.file().string()};
  }
  if (Status modules = collect_modules(work, contents); !modules) return modules.error();
  Result<std::vector<StoredDefinition>> definitions = work.definitions();
  if (!definitions) return definitions.error();
  for (StoredDefinition& definition : *definitions) {
    const std::pair key(definition.kernel, definition.source_hash);
    contents.definitions.emplace(key, std::move(definition));
  }
  Result<std::vector<StoredDevice>> devices = work.devices();
  if (!devices) return devices.error();
  contents.devices = std::move(*devices);
  Result<std::vector<StoredTables>> tables = work.tables();
  if (!tables) return tables.error();
  contents.tables = std::move(*tables);
  return contents;
}

void add_pick(Store::Impl& target, const Offer& offer, std::size_t rank, std::int64_t record_id) {
  const Record& record = offer.rows[rank]->record;
  SQLite::Statement insert(target.db,
                           "INSERT INTO pick (problem_id, device_id, rank, record_id) VALUES (?, ?, ?, ?)");
  insert.bind(1, target.problem_id(record.kernel, record.source_hash, record.problem));
  insert.bind(2, target.device_id(&record.measurement->provenance, ""));
  insert.bind(3, static_cast<std::int64_t>(rank));
  insert.bind(4, record_id);
  insert.exec();
}

// Fills an empty database with exactly what applications need, in a fixed order: the same rows give the same
// file.
Status fill(Store& target, const Contents& contents, ShipReport& report) {
  Store::Impl& impl = target.impl();
  std::set<std::pair<std::string, std::string>> kernels;
  std::set<DeviceKey> devices;
  Status inserted = impl.transact([&] {
    for (const Offer& offer : contents.offers) {
      for (std::size_t rank = 0; rank < offer.rows.size(); ++rank) {
        const StoredRow& row = *offer.rows[rank];
        impl.insert(row.record, row.written_at);
        const std::int64_t record_id = impl.last_record_id;
        if (rank < offer.ties) add_pick(impl, offer, rank, record_id);
        kernels.emplace(row.record.kernel, row.record.source_hash);
        devices.insert(device_key(row.record));
      }
    }
  });
  if (!inserted) return inserted;
  for (const auto& key : kernels) {
    if (Status written = target.write(contents.definitions.at(key)); !written) return written;
  }
  for (const StoredDevice& device : contents.devices) {
    const DeviceKey key{device.gpu_name, device.limits.compute_capability, device.limits.sm_count,
                        device.limits.l2_bytes};
    if (!devices.count(key)) continue;
    if (Status written = target.write(device); !written) return written;
  }
  for (const StoredTables& tables : contents.tables) {
    const bool used = std::any_of(contents.offers.begin(), contents.offers.end(), [&](const Offer& offer) {
      const Record& record = offer.rows.front()->record;
      return record.kernel == tables.kernel && record.source_hash == tables.source_hash &&
             record.problem == tables.problem;
    });
    if (!used) continue;
    if (Status written = target.write(tables); !written) return written;
  }
  for (const auto& [key, module] : contents.modules) {
    if (Status written = target.write(module); !written) return written;
  }
  std::set<std::string> names;
  for (const auto& [kernel, hash] : kernels) names.insert(kernel);
  report.kernels = static_cast<std::int64_t>(names.size());
  report.picks = static_cast<std::int64_t>(contents.offers.size());
  report.modules = static_cast<std::int64_t>(contents.modules.size());
  return ok_status();
}

// Writes the digest into the file's own bytes, then reads the file as an application would.
Status seal(const std::filesystem::path& file, ShipReport& report) {
  Result<FileImage> image = read_image(file);
  if (!image) return image.error();
  Result<FileDigest> digest = digest_of(*image, file);
  if (!digest) return digest.error();
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  const auto length = static_cast<ssize_t>(digest->computed.size());
  const bool written = descriptor >= 0 && ::pwrite(descriptor, digest->computed.data(),
                                                   digest->computed.size(), digest->offset) == length;
  if (descriptor >= 0) ::close(descriptor);
  if (!written)
    return Error{ErrorKind::unexpected, file.string() + ": the digest cannot be written", "check the disk"};
  if (Result<FileImage> sealed = read_published(file); !sealed) return sealed.error();
  Result<Store> readable = Store::open(file, Store::Mode::read_only);
  if (!readable) return readable.error();
  report.digest = "xxh3-128:" + digest->computed;
  report.bytes = static_cast<std::int64_t>(image->bytes.size());
  return readable->verify();
}

}  // namespace

Result<ShipReport> ship(const Store& work, const std::filesystem::path& out) {
  if (Result<FileHeader> header = read_header(out); header && header->wal) {
    return Error{ErrorKind::usage, out.string() + ": a work file, which publishing would replace",
                 "choose another name for the ship file"};
  }
  ShipReport report;
  Result<Contents> contents = [&]() -> Result<Contents> {
    Result<Contents> collected = Error{};
    // One read transaction: the tuner may be writing.
    Status read = work.impl().guard([&] {
      SQLite::Transaction snapshot(work.impl().db);
      collected = collect(work, report);
    });
    return read ? std::move(collected) : Result<Contents>(read.error());
  }();
  if (!contents) return contents.error();

  const std::filesystem::path temporary = temporary_beside(out);
  Status built = [&]() -> Status {
    try {
      auto impl = std::make_unique<Store::Impl>(
          Store::Impl{out, {}, true, false, SQLite::Database(":memory:", SQLite::OPEN_READWRITE)});
      impl->db.exec("PRAGMA foreign_keys = ON");
      impl->db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
      impl->db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
      impl->db.exec(kSchema);
      impl->db.exec(kLaunchCounters);
      impl->db.exec(kResultsView);
      impl->db.exec("INSERT INTO meta VALUES ('kind', 'ship'), ('weir_version', '" WEIR_VERSION
                    "'), ('digest', 'xxh3-128:" +
                    std::string(kEmptyDigest) + "')");
      Store target = make_store(std::move(impl));
      if (Status filled = fill(target, *contents, report); !filled) return filled;
      SQLite::Statement vacuum(target.impl().db, "VACUUM INTO ?");
      vacuum.bind(1, temporary.string());
      vacuum.exec();
    } catch (const SQLite::Exception& exception) {
      return to_error(exception, out);
    }
    if (Status sealed = seal(temporary, report); !sealed) return sealed;
    return replace(temporary, out);
  }();
  if (!built) {
    ::unlink(temporary.c_str());
    return built.error();
  }
  return report;
}

}  // namespace weir
