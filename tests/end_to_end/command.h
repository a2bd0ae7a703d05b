// Runs `weir` as a user does: a child process with arguments, its output and exit code.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace weir::testing_support {

struct CommandResult {
  int exit_code = -1;  // 128 + signal for a killed process
  std::string out, err;
};

// Starts build/weir with WEIR_HOME set to the source tree; stdout and stderr go to files in `folder`.
class Command {
 public:
  Command(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
          const std::map<std::string, std::string>& environment = {});
  void signal(int number);
  bool running();
  CommandResult wait();

 private:
  std::filesystem::path out_, err_;
  pid_t child_ = -1;
  int status_ = 0;
  bool reaped_ = false;
};

CommandResult weir(const std::filesystem::path& folder, const std::vector<std::string>& arguments);

// A fresh folder that is removed at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::filesystem::path recorded_file();  // the sweep that ships with Weir

}  // namespace weir::testing_support
