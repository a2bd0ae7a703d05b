// A child process that answers requests, one at a time.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace weir {

class WorkerProcess {
 public:
  // Starts `program arguments… 3 3`: the worker reads requests from file descriptor 3 and answers there. Its
  // standard output goes to our standard error, and it is in a process group of its own, so that Ctrl-C
  // reaches only us.
  static Result<std::unique_ptr<WorkerProcess>> start(const std::string& program,
                                                      const std::vector<std::string>& arguments);
  // Kills it if it still runs.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // The answer. ErrorKind::failed says how the worker ended instead ("was killed by signal 11, Segmentation
  // fault") or that it was killed because it took longer than `seconds`; it is dead then.
  Result<std::string> ask(std::string_view request, double seconds);

  pid_t pid() const { return pid_; }

 private:
  WorkerProcess(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  // Waits for the end, killing it after a moment, and says how it came.
  std::string end(bool kill_now);

  pid_t pid_ = -1;
  int fd_ = -1;
};

}  // namespace weir
