// A record's fields as columns: each part of a record lists its fields once, and naming, binding and reading
// follow from the list.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/record.h"

namespace weir {

// A record that no row can hold: a number that is not finite. The message names the column.
class UnstorableValue : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A row that no record can hold: an unknown name of an enumeration, or broken JSON.
class UnreadableRow : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Of a part of a record: Prediction, Measurement or LaunchCounters.
// "prefix.a, prefix.b, …" without record_id; an empty prefix gives "a, b, …".
template <typename Part>
std::string columns_of(const std::string& prefix = "");
template <typename Part>
int column_count_of();
// Bind from `first` (1-based) on, or read from column `first` (0-based) on. Reading a measurement leaves the
// provenance's identity (GPU, driver, compiler, policy) to the caller: it lives in the record's key.
template <typename Part>
void bind(SQLite::Statement& statement, int first, const Part& part);
template <typename Part>
void read(SQLite::Statement& statement, int first, Part& part);

using Tables = std::map<std::string, std::vector<std::int64_t>>;
std::string tables_text(const Tables& tables);   // JSON
Tables parse_tables(const std::string& text);    // throws UnreadableRow
Outcome parse_outcome(const std::string& text);  // throws UnreadableRow

}  // namespace weir
