// The bytes of a store file, checked before SQLite parses any of them. A ship file is only ever read this
// way: one read, one digest, no locks, nothing kept open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir {

// What the first 100 bytes of the file say.
struct FileHeader {
  bool wal = false;  // a work file; a ship file is never in WAL mode
  std::int64_t page_bytes = 0;
  std::int64_t pages = 0;  // 0: the header's count is stale
};

// Errors: missing; corrupt (empty, not SQLite, not Weir's, a newer schema), each with advice. Reads only the
// header.
Result<FileHeader> read_header(const std::filesystem::path& file);

struct FileImage {
  FileHeader header;
  std::vector<std::uint8_t> bytes;
};

// The whole file. Errors as above, and corrupt if the size contradicts the header; busy if the file changed
// while it was read.
Result<FileImage> read_image(const std::filesystem::path& file);

// A ship file carries the XXH3-128 of its own bytes, computed with these 32 digits as zeros, in the row of
// `meta` with the key "digest"; every byte of the file is covered.
inline constexpr std::string_view kDigestMarker = "digestxxh3-128:";
inline constexpr std::string_view kEmptyDigest = "00000000000000000000000000000000";

// The digest of an image. Error corrupt: the marker is missing or not unique.
struct FileDigest {
  std::string stored;
  std::string computed;
  std::int64_t offset = 0;  // of the stored digits
};
Result<FileDigest> digest_of(const FileImage& image, const std::filesystem::path& file);

// read_image of a published file whose digest is right. Errors: usage for a work file; corrupt for anything
// that changed since it was published.
Result<FileImage> read_published(const std::filesystem::path& file);

}  // namespace weir
