#include "gpu/worker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "gpu/wire.h"

extern char** environ;

namespace weir {
namespace {

constexpr int kWorkerFd = 3;

std::string describe(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return "was killed by signal " + std::to_string(signal) + ", " + strsignal(signal);
  }
  return "exited with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const std::string& program,
                                                            const std::vector<std::string>& arguments) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{ErrorKind::unexpected, std::string("socketpair: ") + std::strerror(errno), ""};
  }
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.insert(words.end(), 2, std::to_string(kWorkerFd));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], kWorkerFd);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  const int code = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (code != 0) {
    close(ends[0]);
    return Error{ErrorKind::unexpected, "cannot start the worker " + program + ": " + std::strerror(code),
                 ""};
  }
  return std::unique_ptr<WorkerProcess>(new WorkerProcess(pid, ends[0]));
}

WorkerProcess::~WorkerProcess() {
  if (pid_ > 0) (void)end(true);
  if (fd_ >= 0) close(fd_);
}

std::string WorkerProcess::end(bool kill_now) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  constexpr auto kGrace = std::chrono::seconds(2);
  // A process that waits for the GPU inside the driver may take long to die; never for ever.
  constexpr auto kPatience = std::chrono::seconds(30);
  if (kill_now) kill(pid_, SIGKILL);
  bool killed = kill_now;
  for (;;) {
    int status = 0;
    const pid_t done = waitpid(pid_, &status, WNOHANG);
    if (done == pid_) {
      pid_ = -1;
      return describe(status);
    }
    if (done < 0 && errno != EINTR) {
      pid_ = -1;
      return "is gone";
    }
    if (!killed && Clock::now() - start > kGrace) {
      kill(pid_, SIGKILL);
      killed = true;
    }
    if (Clock::now() - start > kPatience) {
      pid_ = -1;
      return "does not die although it was killed";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Result<std::string> WorkerProcess::ask(std::string_view request, double seconds) {
  if (pid_ <= 0) return Error{ErrorKind::failed, "the worker is gone", ""};
  ReceivedFrame frame{FrameEnd::closed, ""};
  if (write_frame(fd_, request)) frame = read_frame(fd_, seconds);
  switch (frame.end) {
    case FrameEnd::whole:
      return std::move(frame.text);
    case FrameEnd::closed:
      return Error{ErrorKind::failed, "the worker " + end(false), ""};
    case FrameEnd::garbage:
      (void)end(true);
      return Error{ErrorKind::failed, "the worker answered garbage and was killed", ""};
    case FrameEnd::timed_out:
      break;
  }
  (void)end(true);
  char text[80];
  std::snprintf(text, sizeof text, "the worker gave no answer within %.3g s and was killed", seconds);
  return Error{ErrorKind::failed, text, ""};
}

}  // namespace weir
