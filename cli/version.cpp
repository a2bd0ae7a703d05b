#include "cli/version.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace weir::cli {

std::string version_text() {
  return fmt::format("weir {} (SQLite {})", WEIR_VERSION, sqlite3_libversion());
}

}  // namespace weir::cli
