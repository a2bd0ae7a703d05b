// Problems and configurations of stored rows, as a definition reads them today: parameters that it gained
// since have their defaults.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/definition.h"
#include "store/store.h"

namespace weir {

// The tables of a problem whose text ends in "tables=<hash>" are those that the store holds for it. Errors:
// those of KernelDefinition::problem.
Result<Problem> stored_problem(const KernelDefinition& definition, const std::string& kernel,
                               const std::string& source_hash, const std::string& problem,
                               const std::vector<StoredTables>& tables);

// "k=v,…,tables=<hash>" without the hash, which stands for tables and is not itself a parameter.
std::string without_tables(const std::string& problem);
// The hash; empty if there is none.
std::string tables_hash_of(const std::string& problem);

}  // namespace weir
