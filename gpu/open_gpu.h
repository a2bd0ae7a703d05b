// What everything that runs kernels opens first.
#pragma once

#include <filesystem>
#include <optional>

#include "gpu/compiler.h"
#include "gpu/device_facts.h"
#include "gpu/driver.h"

namespace weir {

struct OpenGpu {
  const Driver* driver = nullptr;
  DeviceFacts facts;
  PrimaryContext context;  // current in the thread that opened it; outlives everything below
  StreamHandle stream;
  std::optional<Compiler> compiler;  // holds one after open_gpu
};

// `cache_folder` as of Compiler::open. Errors: no_device; those of NVRTC.
Result<OpenGpu> open_gpu(int ordinal, const std::filesystem::path& cache_folder = {});

}  // namespace weir
