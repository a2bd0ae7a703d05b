#include "tests/end_to_end/command.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace weir::testing_support {
namespace {

std::string slurp(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

Command::Command(const std::filesystem::path& folder, const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment) {
  static int number = 0;
  out_ = folder / ("stdout." + std::to_string(number));
  err_ = folder / ("stderr." + std::to_string(number++));
  child_ = fork();
  if (child_ < 0) throw std::runtime_error("fork failed");
  if (child_ > 0) return;
  const int out = open(out_.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  const int err = open(err_.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  setenv("WEIR_HOME", WEIR_SOURCE_DIR, 1);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  std::vector<std::string> all{WEIR_BINARY_DIR "/weir"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : all) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execv(pointers[0], pointers.data());
  _exit(127);
}

void Command::signal(int number) {
  if (!reaped_) kill(child_, number);
}

bool Command::running() {
  if (!reaped_ && waitpid(child_, &status_, WNOHANG) == child_) reaped_ = true;
  return !reaped_;
}

CommandResult Command::wait() {
  if (!reaped_) waitpid(child_, &status_, 0);
  reaped_ = true;
  CommandResult result;
  result.exit_code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  result.out = slurp(out_);
  result.err = slurp(err_);
  return result;
}

CommandResult weir(const std::filesystem::path& folder, const std::vector<std::string>& arguments) {
  return Command(folder, arguments).wait();
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path recorded_file() {
  return WEIR_SOURCE_DIR "/profiles/recorded/h100-sxm5-80gb.weir";
}

}  // namespace weir::testing_support
