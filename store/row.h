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

// "prefix.a, prefix.b, …" without record_id; an empty prefix gives "a, b, …".
std::string prediction_columns(const std::string& prefix);
std::string measurement_columns(const std::string& prefix);
int prediction_column_count();
int measurement_column_count();

// Bind from `first` (1-based) on, or read from column `first` (0-based) on.
void bind(SQLite::Statement& statement, int first, const Prediction& prediction);
void bind(SQLite::Statement& statement, int first, const Measurement& measurement);
void read(SQLite::Statement& statement, int first, Prediction& prediction);
// Leaves the provenance's identity (GPU, driver, compiler, policy) to the caller: it lives in the record's
// key.
void read(SQLite::Statement& statement, int first, Measurement& measurement);

std::string launch_counter_columns();
int launch_counter_column_count();
void bind(SQLite::Statement& statement, int first, const LaunchCounters& counters);
void read(SQLite::Statement& statement, int first, LaunchCounters& counters);

using Tables = std::map<std::string, std::vector<std::int64_t>>;
std::string tables_text(const Tables& tables);   // JSON
Tables parse_tables(const std::string& text);    // throws UnreadableRow
Outcome parse_outcome(const std::string& text);  // throws UnreadableRow

}  // namespace weir
