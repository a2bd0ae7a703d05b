// Which compiled module a stored row runs: from the definition, the problem and the configuration alone.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "kernels/definition.h"
#include "store/store.h"

namespace weir {

// Resolves rows of one store; definitions are parsed once.
class RowResolver {
 public:
  // Reads the definitions, tables and devices that `store` holds.
  static Result<RowResolver> open(const Store& store);

  // header_hash() of the row's generated header. Errors: missing (the store holds no definition, or not the
  // problem's tables); those of the definition.
  Result<std::string> module_header(const Record& record);

 private:
  DeviceLimits limits_of(const Provenance& provenance) const;
  Result<KernelDefinition> definition_of(const Record& record);

  std::map<std::pair<std::string, std::string>, StoredDefinition> definitions_;
  std::map<std::pair<std::string, std::string>, KernelDefinition> parsed_;
  std::vector<StoredDevice> devices_;
  std::vector<StoredTables> tables_;
};

}  // namespace weir
