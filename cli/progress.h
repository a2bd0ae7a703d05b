// A progress line on stderr: redrawn in place with an ETA on a terminal, one line now and then otherwise. And
// the units that people read.
#pragma once

#include <chrono>
#include <string>

namespace weir::cli {

class ProgressLine {
 public:
  explicit ProgressLine(std::string label);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void update(std::size_t done, std::size_t total, const std::string& detail = "");
  void finish();  // clears the line on a terminal

 private:
  std::string label_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point started_, last_;
};

bool color_wanted(int file_descriptor);  // a terminal, and neither NO_COLOR nor TERM=dumb

std::string megabytes(double bytes);       // "12.3 MB", decimal
std::string microseconds(double seconds);  // "123.4 µs" or "12.3 ms"

}  // namespace weir::cli
