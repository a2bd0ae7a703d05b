// What a worker process and its parent say to each other: one JSON text per message, in a frame of a magic
// word and a length.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cuda_backend.h"

namespace weir {

enum class WorkerCall { open, prepare, verify, time, count };

struct WorkerRequest {
  WorkerCall call = WorkerCall::open;
  CudaBackendOptions open;
  // prepare: what of a candidate a backend needs for it: kernel, problem, tensors, tables, the verify plan
  // and the reference's header.
  Candidate candidate;
  std::vector<Executable> executables;  // verify and count: one
  TimingOptions timing;
  CountOptions counting;
};

struct WorkerReply {
  std::optional<Error> error;  // the call failed; nothing else is set then, except `lost`
  bool lost = false;           // the worker has no working context any more and ends
  // open
  DeviceFacts facts;
  Tier tier = Tier::none;
  std::string tier_reason;
  Provenance provenance;
  // verify, time, count
  Verification verification;
  std::vector<Result<Timing>> timings;
  Counters counters;
};

std::string encode(const WorkerRequest& request);
std::string encode(const WorkerReply& reply);
// ErrorKind::corrupt if the text is no such message.
Result<WorkerRequest> decode_request(std::string_view text);
Result<WorkerReply> decode_reply(std::string_view text);

enum class FrameEnd { whole, closed, timed_out, garbage };
struct ReceivedFrame {
  FrameEnd end = FrameEnd::whole;
  std::string text;
};

// False if the other side is gone.
bool write_frame(int fd, std::string_view text);
// A negative time waits for ever.
ReceivedFrame read_frame(int fd, double seconds);

}  // namespace weir
