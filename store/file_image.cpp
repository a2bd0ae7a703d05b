#include "store/file_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "store/schema.h"

namespace weir {
namespace {

constexpr std::size_t kHeaderBytes = 100;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr const char* kRestoreAdvice = "restore it from a copy, or publish or tune it again";

struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

Error corrupt(const std::filesystem::path& file, const std::string& what, const std::string& advice) {
  return {ErrorKind::corrupt, file.string() + ": " + what, advice};
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
         bytes[3];
}

// The offsets are those of the SQLite file format, section 1.3.
Result<FileHeader> parse_header(const std::uint8_t* bytes, std::size_t size,
                                const std::filesystem::path& file) {
  if (size == 0) return corrupt(file, "the file is empty", "delete it, or restore it from a copy");
  if (size < kHeaderBytes || std::memcmp(bytes, kMagic.data(), kMagic.size()) != 0) {
    return corrupt(file, "not a Weir file", "give the path of a .weir file");
  }
  if (big_endian(bytes + 68) != static_cast<std::uint32_t>(kApplicationId)) {
    return corrupt(file, "an SQLite database, but not Weir's", "give the path of a .weir file");
  }
  const std::uint32_t version = big_endian(bytes + 60);
  if (version > static_cast<std::uint32_t>(kSchemaVersion)) {
    return corrupt(file,
                   "its schema is version " + std::to_string(version) + ", newer than this program's " +
                       std::to_string(kSchemaVersion),
                   "use a newer Weir");
  }
  if (version == 0) return corrupt(file, "it has no schema version", kRestoreAdvice);
  FileHeader header;
  header.wal = bytes[18] == 2;
  header.page_bytes = std::int64_t{bytes[16]} << 8 | bytes[17];
  if (header.page_bytes == 1) header.page_bytes = 65536;
  if (header.page_bytes < 512 || (header.page_bytes & (header.page_bytes - 1)) != 0) {
    return corrupt(file, "its header is damaged", kRestoreAdvice);
  }
  if (big_endian(bytes + 24) == big_endian(bytes + 92)) header.pages = big_endian(bytes + 28);
  return header;
}

Error cannot_read(const std::filesystem::path& file) {
  const int code = errno;
  return {code == ENOENT ? ErrorKind::missing : ErrorKind::unexpected,
          file.string() + ": cannot be read: " + std::strerror(code),
          code == ENOENT ? "check the path" : "check its permissions"};
}

bool read_fully(int descriptor, std::uint8_t* to, std::size_t bytes, std::size_t& got) {
  got = 0;
  while (got < bytes) {
    const ssize_t step = ::pread(descriptor, to + got, bytes - got, static_cast<off_t>(got));
    if (step < 0 && errno == EINTR) continue;
    if (step < 0) return false;
    if (step == 0) break;
    got += static_cast<std::size_t>(step);
  }
  return true;
}

Status open_regular(const std::filesystem::path& file, Descriptor& descriptor, struct stat& status) {
  descriptor.value = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor.value < 0 || ::fstat(descriptor.value, &status) != 0) return cannot_read(file);
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorKind::usage, file.string() + ": not a file", "give the path of a .weir file"};
  }
  return ok_status();
}

}  // namespace

Result<FileHeader> read_header(const std::filesystem::path& file) {
  Descriptor descriptor;
  struct stat status {};
  if (Status opened = open_regular(file, descriptor, status); !opened) return opened.error();
  std::uint8_t bytes[kHeaderBytes];
  std::size_t got = 0;
  if (!read_fully(descriptor.value, bytes, sizeof bytes, got)) return cannot_read(file);
  return parse_header(bytes, got, file);
}

Result<FileImage> read_image(const std::filesystem::path& file) {
  Descriptor descriptor;
  struct stat before {};
  if (Status opened = open_regular(file, descriptor, before); !opened) return opened.error();
  FileImage image;
  image.bytes.resize(static_cast<std::size_t>(before.st_size));
  std::size_t got = 0;
  if (!read_fully(descriptor.value, image.bytes.data(), image.bytes.size(), got)) return cannot_read(file);
  struct stat after {};
  if (::fstat(descriptor.value, &after) != 0) return cannot_read(file);
  if (got != image.bytes.size() || after.st_size != before.st_size ||
      after.st_mtim.tv_sec != before.st_mtim.tv_sec || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec) {
    return Error{ErrorKind::busy, file.string() + ": it changed while it was read", "try again"};
  }
  Result<FileHeader> header = parse_header(image.bytes.data(), image.bytes.size(), file);
  if (!header) return header.error();
  image.header = *header;
  const auto size = static_cast<std::int64_t>(image.bytes.size());
  if (size % header->page_bytes != 0 || (header->pages != 0 && header->pages * header->page_bytes != size)) {
    return corrupt(file,
                   "it is " + std::to_string(size) + " bytes long, which contradicts its header: truncated",
                   kRestoreAdvice);
  }
  return image;
}

Result<FileDigest> digest_of(const FileImage& image, const std::filesystem::path& file) {
  const std::string_view bytes(reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size());
  const std::size_t marker = bytes.find(kDigestMarker);
  const std::size_t digits = marker + kDigestMarker.size();
  if (marker == bytes.npos || bytes.size() - digits < kEmptyDigest.size()) {
    return corrupt(file, "it carries no digest", kRestoreAdvice);
  }
  if (bytes.find(kDigestMarker, marker + 1) != bytes.npos) {
    return corrupt(file, "it carries more than one digest", kRestoreAdvice);
  }
  return FileDigest{.stored = std::string(bytes.substr(digits, kEmptyDigest.size())),
                    .computed = xxh3_hex(
                        {bytes.substr(0, digits), kEmptyDigest, bytes.substr(digits + kEmptyDigest.size())}),
                    .offset = static_cast<std::int64_t>(digits)};
}

Result<FileImage> read_published(const std::filesystem::path& file) {
  Result<FileImage> image = read_image(file);
  if (!image) return image.error();
  if (image->header.wal) {
    return Error{ErrorKind::usage, file.string() + ": a work file, not a published one",
                 "publish it with: weir ship --db " + file.string() + " --out FILE"};
  }
  Result<FileDigest> digest = digest_of(*image, file);
  if (!digest) return digest.error();
  if (digest->stored != digest->computed) {
    return corrupt(file,
                   "its content differs from what was published: the digest is " + digest->computed +
                       " instead of " + digest->stored,
                   "copy or publish it again");
  }
  return image;
}

}  // namespace weir
