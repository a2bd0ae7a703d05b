// The worker's side of worker_backend.h.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "gpu/wire.h"
#include "gpu/worker_backend.h"

namespace weir {
namespace {

constexpr int kParentGone = 3;
constexpr int kBadRequest = 4;

// Ends this process when the parent goes away, also in the middle of a kernel that never ends.
// (PR_SET_PDEATHSIG would fire when the parent's thread that started us ends, which may be a pool's.)
void watch_parent(int fd) {
  std::thread([fd] {
    for (;;) {
      pollfd line{fd, 0, 0};  // hang-up is reported without being asked for
      if (poll(&line, 1, -1) > 0 && (line.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) _exit(kParentGone);
    }
  }).detach();
}

WorkerReply answer(Backend& backend, const WorkerRequest& request) {
  WorkerReply reply;
  const bool one = request.call == WorkerCall::verify || request.call == WorkerCall::count;
  if (one && request.executables.size() != 1) {
    reply.error = Error{ErrorKind::usage, "the request needs one executable", ""};
    return reply;
  }
  switch (request.call) {
    case WorkerCall::open:
      reply.facts = backend.facts();
      reply.tier = backend.tier();
      reply.tier_reason = backend.tier_reason();
      reply.provenance = backend.provenance();
      break;
    case WorkerCall::prepare:
      if (Status status = backend.prepare(request.candidate); !status) reply.error = status.error();
      break;
    case WorkerCall::verify: {
      Result<Verification> verification = backend.verify(request.executables.front());
      if (verification) {
        reply.verification = *verification;
      } else {
        reply.error = verification.error();
      }
      break;
    }
    case WorkerCall::time:
      reply.timings = backend.time(request.executables, request.timing);
      break;
    case WorkerCall::count: {
      Result<Counters> counters = backend.count(request.executables.front(), request.counting);
      if (counters) {
        reply.counters = *counters;
      } else {
        reply.error = counters.error();
      }
      break;
    }
  }
  return reply;
}

}  // namespace

int serve_backend(int in_fd, int out_fd, const BackendFactory& open) {
  signal(SIGPIPE, SIG_IGN);
  watch_parent(in_fd);
  ServedBackend served;
  for (;;) {
    const ReceivedFrame frame = read_frame(in_fd, -1);
    if (frame.end == FrameEnd::closed) return 0;
    Result<WorkerRequest> request = decode_request(frame.text);
    if (frame.end != FrameEnd::whole || !request) return kBadRequest;
    WorkerReply reply;
    if (request->call == WorkerCall::open) {
      Result<ServedBackend> opened = open(request->open);
      if (opened) {
        served = std::move(opened).value();
      } else {
        reply.error = opened.error();
      }
    }
    if (!reply.error) {
      if (!served.backend) return kBadRequest;
      reply = answer(*served.backend, *request);
      reply.lost = served.lost && served.lost();
    }
    if (!write_frame(out_fd, encode(reply))) return kParentGone;
    // Releasing what a broken context held can hang; the kernel does it for us.
    if (reply.lost) _exit(0);
  }
}

int run_worker(int in_fd, int out_fd) {
  return serve_backend(in_fd, out_fd, [](const CudaBackendOptions& options) -> Result<ServedBackend> {
    Result<std::unique_ptr<CudaBackend>> backend = CudaBackend::open(options);
    if (!backend) return backend.error();
    CudaBackend* cuda = backend->get();
    return ServedBackend{std::move(backend).value(), [cuda] { return cuda->lost(); }};
  });
}

std::optional<int> run_worker_if_asked(int argc, char** argv) {
  if (argc != 4 || std::strcmp(argv[1], kWorkerCommand) != 0) return std::nullopt;
  return run_worker(std::atoi(argv[2]), std::atoi(argv[3]));
}

}  // namespace weir
