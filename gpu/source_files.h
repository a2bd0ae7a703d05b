// A kernel's source with every header it can include, for cache keys.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct SourceFile {
  std::string name;  // as the source spells it: "device/pipeline.cuh"
  std::string text;
};

// Follows every #include, also those that conditions would skip. A header is searched in the folder of the
// file that includes it and then in `include_folders`; one that is not found is left to the compiler (it may
// be built in, or an error).
std::vector<SourceFile> included_files(std::string_view source_text,
                                       const std::filesystem::path& source_folder,
                                       const std::vector<std::filesystem::path>& include_folders);

}  // namespace weir
