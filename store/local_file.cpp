#include "store/local_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace weir {
namespace {

struct NetworkFileSystem {
  unsigned long magic;
  const char* name;
};
// statfs(2) and the headers of the file systems.
constexpr NetworkFileSystem kNetworkFileSystems[] = {
    {0x6969, "NFS"},        {0x517B, "SMB"},        {0xFE534D42, "SMB"},   {0xFF534D42, "CIFS"},
    {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},   {0x5346414F, "AFS"},   {0x00C36400, "Ceph"},
    {0x01021997, "9P"},     {0x19830326, "BeeGFS"}, {0xAAD7AAEA, "PanFS"}, {0x7461636F, "OCFS2"},
    {0x01161970, "GFS2"},   {0x564C, "NCP"},        {0x73757245, "Coda"},
};

Error failure(const std::string& what, const std::filesystem::path& path, int code) {
  return {
      ErrorKind::unexpected, path.string() + ": " + what + ": " + std::strerror(code),
      code == ENOSPC || code == EDQUOT ? "free some space and try again" : "check the folder's permissions"};
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

}  // namespace

std::string network_file_system(long magic) {
  for (const NetworkFileSystem& known : kNetworkFileSystems) {
    if (known.magic == (static_cast<unsigned long>(magic) & 0xFFFFFFFFul)) return known.name;
  }
  return "";
}

std::string network_file_system_of(const std::filesystem::path& file) {
  struct statfs status {};
  if (::statfs(folder_of(file).c_str(), &status) != 0) return "";
  return network_file_system(static_cast<long>(status.f_type));
}

Status sync_path(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failure("cannot be opened", path, errno);
  const int result = ::fsync(descriptor);
  const int code = errno;
  ::close(descriptor);
  if (result != 0 && code != EINVAL) return failure("cannot be made durable", path, code);
  return ok_status();
}

Result<bool> move_into_place(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (Status synced = sync_path(from); !synced) return synced.error();
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
    int code = errno;
    if (code == EINVAL || code == ENOSYS) {  // the file system cannot refuse to replace; a hard link can
      code = ::link(from.c_str(), to.c_str()) == 0 ? 0 : errno;
    }
    ::unlink(from.c_str());
    if (code == EEXIST) return false;
    if (code != 0) return failure("cannot be created", to, code);
  }
  if (Status synced = sync_path(folder_of(to)); !synced) return synced.error();
  return true;
}

Status replace(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (Status synced = sync_path(from); !synced) return synced;
  if (::rename(from.c_str(), to.c_str()) != 0) return failure("cannot be replaced", to, errno);
  return sync_path(folder_of(to));
}

std::filesystem::path temporary_beside(const std::filesystem::path& file) {
  static std::atomic<unsigned> counter{0};
  std::filesystem::path path = file;
  path += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
  return path;
}

}  // namespace weir
