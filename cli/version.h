#pragma once

#include <string>

namespace weir::cli {

std::string version_text();  // Weir's version and those of the libraries it found

}  // namespace weir::cli
