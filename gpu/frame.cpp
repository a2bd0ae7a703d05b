#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>

#include "gpu/wire.h"

namespace weir {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMagic = 0x52494557;   // "WEIR": anything else on the line is not from us
constexpr std::uint32_t kLargest = 64u << 20;  // a longer message is damage, not data

struct Header {
  std::uint32_t magic = kMagic;
  std::uint32_t bytes = 0;
};

bool write_all(int fd, const void* data, std::size_t bytes) {
  const char* next = static_cast<const char*>(data);
  while (bytes > 0) {
    // Not write(): a reader that has died is an answer here, not a SIGPIPE for the whole program.
    ssize_t done = send(fd, next, bytes, MSG_NOSIGNAL);
    if (done < 0 && errno == ENOTSOCK) done = write(fd, next, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    next += done;
    bytes -= static_cast<std::size_t>(done);
  }
  return true;
}

FrameEnd read_all(int fd, void* data, std::size_t bytes, const Clock::time_point* deadline) {
  char* next = static_cast<char*>(data);
  while (bytes > 0) {
    int wait_milliseconds = -1;
    if (deadline != nullptr) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      if (left <= 0) return FrameEnd::timed_out;
      wait_milliseconds = static_cast<int>(std::min<long long>(left, 1'000'000));
    }
    pollfd ready{fd, POLLIN, 0};
    const int count = poll(&ready, 1, wait_milliseconds);
    if (count == 0 || (count < 0 && errno == EINTR)) continue;
    if (count < 0) return FrameEnd::closed;
    const ssize_t done = read(fd, next, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return FrameEnd::closed;
    next += done;
    bytes -= static_cast<std::size_t>(done);
  }
  return FrameEnd::whole;
}

}  // namespace

bool write_frame(int fd, std::string_view text) {
  const Header header{kMagic, static_cast<std::uint32_t>(text.size())};
  return text.size() <= kLargest && write_all(fd, &header, sizeof header) &&
         write_all(fd, text.data(), text.size());
}

ReceivedFrame read_frame(int fd, double seconds) {
  const Clock::time_point deadline =
      Clock::now() +
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds < 0 ? 0 : seconds));
  const Clock::time_point* limit = seconds < 0 ? nullptr : &deadline;
  Header header;
  ReceivedFrame frame;
  frame.end = read_all(fd, &header, sizeof header, limit);
  if (frame.end != FrameEnd::whole) return frame;
  if (header.magic != kMagic || header.bytes > kLargest) return {FrameEnd::garbage, ""};
  frame.text.resize(header.bytes);
  frame.end = read_all(fd, frame.text.data(), frame.text.size(), limit);
  return frame;
}

}  // namespace weir
