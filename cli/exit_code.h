// Exit codes of `weir`, part of its interface.
#pragma once

#include "base/result.h"

namespace weir::cli {

enum ExitCode : int {
  kOk = 0,
  kUnexpected = 1,
  kUsage = 2,
  kNoDevice = 3,
  kCountersDenied = 4,
  kBusy = 5,
  kCorrupt = 6,
  kMiss = 7,
  kVerificationFailed = 8,
  kInterrupted = 130,
};

int exit_code(ErrorKind kind);

}  // namespace weir::cli
