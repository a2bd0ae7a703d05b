#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace weir::cli {

using Clock = std::chrono::steady_clock;

ProgressLine::ProgressLine(std::string label)
    : label_(std::move(label)),
      terminal_(isatty(STDERR_FILENO) != 0),
      started_(Clock::now()),
      last_(started_) {}

ProgressLine::~ProgressLine() {
  finish();
}

void ProgressLine::update(std::size_t done, std::size_t total, const std::string& detail) {
  const Clock::time_point now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (since < (terminal_ ? 0.1 : 10.0)) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  std::string line = fmt::format("{} {}/{}", label_, done, total);
  if (done > 0 && total > done) line += fmt::format(", {:.0f} s left", elapsed / done * (total - done));
  if (!detail.empty()) line += ", " + detail;
  std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::finish() {
  if (drawn_ && terminal_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

bool color_wanted(int file_descriptor) {
  const char* term = std::getenv("TERM");
  return isatty(file_descriptor) && !std::getenv("NO_COLOR") && term && std::strcmp(term, "dumb") != 0;
}

std::string megabytes(double bytes) {
  if (bytes >= 1e10) return fmt::format("{:.2f} GB", bytes / 1e9);
  return fmt::format("{:.1f} MB", bytes / 1e6);
}

std::string microseconds(double seconds) {
  if (seconds >= 1e-2) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.1f} µs", seconds * 1e6);
}

}  // namespace weir::cli
