// The work file: the tuner's journal and database. One row per (kernel, source hash, problem, config, device,
// driver, compiler, policy); writing a row again replaces it. FORMAT.md describes the schema.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/candidate.h"
#include "store/record.h"

namespace weir {

// The definition a row was made with, kept so that a ship file needs no sources: YAML text by source hash.
struct StoredDefinition {
  std::string kernel;
  std::string source_hash;
  std::string yaml;

  bool operator==(const StoredDefinition&) const = default;
};

// A compiled module, found by what it was compiled from.
struct StoredModule {
  std::string source_hash;
  std::string header_hash;        // XXH3-128 of the generated config header, 32 hex digits
  std::int64_t architecture = 0;  // 90 for sm_90
  std::string compiler_version;
  std::vector<std::uint8_t> cubin;

  bool operator==(const StoredModule&) const = default;
};
std::string header_hash(const std::string& config_header);

// A GPU that rows were measured on, with what a definition's restrictions ask of it: a pick can then be
// resolved without the GPU.
struct StoredDevice {
  std::string gpu_name;
  DeviceLimits limits;

  bool operator==(const StoredDevice&) const = default;
};

// The integer tables of a problem whose text ends in "tables=<hash>": without them the problem cannot be
// resolved again.
struct StoredTables {
  std::string kernel;
  std::string source_hash;
  std::string problem;
  std::map<std::string, std::vector<std::int64_t>> tables;

  bool operator==(const StoredTables&) const = default;
};

// What a ship file offers for one problem on one GPU model: the best configuration first, then those that tie
// with it.
struct StoredPick {
  std::string kernel;
  std::string source_hash;
  std::string problem;
  std::string gpu_name;
  std::int64_t compute_capability = 0;
  std::int64_t sm_count = 0;
  std::int64_t l2_bytes = 0;
  std::vector<std::string> configs;
  double median_seconds = 0;
  double predicted_dram_bytes = 0;  // read and written; 0 without a prediction
  Uncalibrated uncalibrated;        // of that prediction

  bool operator==(const StoredPick&) const = default;
};

struct RecordFilter {
  std::optional<std::string> kernel;
  std::optional<std::string> source_hash;
  std::optional<std::string> problem;
  std::optional<std::string> gpu_name;
  std::optional<Outcome> outcome;
};

struct StoreOptions {
  std::chrono::milliseconds busy_timeout{10'000};  // how long a call waits for another process's transaction
};

// Any number of processes may open one file; an object serves one thread at a time and must not be used
// across fork().
class Store {
 public:
  enum class Mode { create_or_open, open_existing, read_only };

  // WAL, synchronous=FULL, foreign keys, busy timeout. Errors: busy; corrupt (not a Weir store, damaged,
  // newer schema: what to do); missing; usage (a network file system, where WAL does not work; writing to a
  // published file). read_only opens work files, without leaving anything beside them, and published ones,
  // after checking their digest.
  static Result<Store> open(const std::filesystem::path& file, Mode mode, const StoreOptions& options = {});
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::filesystem::path& file() const;
  bool published() const;  // a ship file; its digest was right when it was opened

  // Durable when it returns. A row of a GPU takes the place of the predicted-only row of the same candidate
  // and profile. Errors: busy; usage (a number that is not finite, a measured row without a measurement);
  // corrupt; unexpected (no space left, for instance): nothing was written.
  Status write(const Record& record);
  Status write(const std::vector<Record>& records);  // in one transaction: all or nothing
  Status write(const StoredDefinition& definition);
  Status write(const StoredModule& module);
  Status write(const StoredDevice& device);
  Status write(const StoredTables& tables);

  // In a fixed order: kernel, problem, device, outcome (measured, predicted, rejected, failed), measured
  // median or predicted time, config.
  Result<std::vector<Record>> records(const RecordFilter& filter = {}) const;
  Result<std::vector<StoredDefinition>> definitions() const;
  Result<std::optional<StoredModule>> module(const std::string& source_hash, const std::string& header_hash,
                                             std::int64_t architecture) const;
  Result<std::vector<StoredModule>> modules(std::optional<std::int64_t> architecture = {}) const;
  Result<std::vector<StoredDevice>> devices() const;
  Result<std::vector<StoredTables>> tables() const;
  Result<std::vector<StoredPick>> picks() const;  // empty for a work file

  // Integrity, foreign keys, and for a ship file its digest. The Status is corrupt with what was found.
  Status verify() const;

  // Of the store library only.
  struct Impl;
  Impl& impl() const { return *impl_; }
  friend Store make_store(std::unique_ptr<Impl> impl);

 private:
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Tie-aware choice among the measured and verified rows of one (kernel, problem, device): rows whose 95%
// interval reaches below the best median's upper end form the tie set; the tie goes to fewer predicted DRAM
// bytes, then to the config's text.
struct Choice {
  Record best;
  std::vector<Record> tie_set;  // includes best
};
std::optional<Choice> choose(const std::vector<Record>& rows_of_one_problem);

struct ShipReport {
  std::int64_t kernels = 0, picks = 0, modules = 0, bytes = 0;
  std::string digest;
  std::vector<std::string> skipped;  // tuned problems that were left out, each with the reason
};
// Publishes what applications need: picks with their tie sets, safe defaults, cubins and definitions; VACUUM
// INTO a temporary file, digest, fsync, rename. Of each kernel and GPU the source hash measured last counts;
// of a problem's rows those of the policy with most of them, and of a candidate the most recent. Errors:
// missing (nothing was measured and verified; the module of a pick or of a safe default, or its definition,
// is not in the file); usage (`out` is a work file); corrupt.
Result<ShipReport> ship(const Store& work, const std::filesystem::path& out);

// Adds the rows of `from` to `into`; of two rows with one key the more recent stays. Returns the number of
// rows taken.
Result<std::int64_t> merge(Store& into, const Store& from);

}  // namespace weir
