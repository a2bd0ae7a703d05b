// What a store asks of the file system.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace weir {

// "NFS", "Lustre", …, or empty for a local file system. `magic` is statfs' f_type. WAL needs memory shared by
// all processes that use the file, which network file systems do not give.
std::string network_file_system(long magic);

// Of the folder that holds `file`; empty if local or unknown.
std::string network_file_system_of(const std::filesystem::path& file);

// Makes a file's content or a folder's entries durable.
Status sync_path(const std::filesystem::path& path);

// Gives `from` the name `to` unless a file has it already: then false, and `from` is gone. Durable when it
// returns.
Result<bool> move_into_place(const std::filesystem::path& from, const std::filesystem::path& to);
// The same, replacing what was there.
Status replace(const std::filesystem::path& from, const std::filesystem::path& to);

// A name beside `file` that no other process or thread uses.
std::filesystem::path temporary_beside(const std::filesystem::path& file);

}  // namespace weir
