// Stored rows' problems and configurations as today's definitions write them, so that rows of older sources
// are found by what is asked for now.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/definition.h"
#include "store/store.h"

namespace weir {

class StoredTexts {
 public:
  // Definitions are looked up in `kernels_folder`; the tables are those of the rows' store.
  StoredTexts(std::filesystem::path kernels_folder, std::vector<StoredTables> tables);

  // Texts that no definition reads stay as they are.
  void read(Record& record);

 private:
  const KernelDefinition* definition_of(const std::string& kernel);

  std::filesystem::path kernels_folder_;
  std::vector<StoredTables> tables_;
  std::map<std::string, std::optional<KernelDefinition>> definitions_;
  std::map<std::pair<std::string, std::string>, std::string> problems_;
};

}  // namespace weir
