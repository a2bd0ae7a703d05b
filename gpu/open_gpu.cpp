#include "gpu/open_gpu.h"

#include <utility>

namespace weir {

Result<OpenGpu> open_gpu(int ordinal, const std::filesystem::path& cache_folder) {
  OpenGpu gpu;
  Result<const Driver*> driver = open_driver();
  if (!driver) return driver.error();
  gpu.driver = *driver;
  Result<DeviceFacts> facts = query_device(*gpu.driver, ordinal);
  if (!facts) return facts.error();
  gpu.facts = std::move(*facts);
  Result<PrimaryContext> context = PrimaryContext::open(*gpu.driver, ordinal);
  if (!context) return context.error();
  gpu.context = std::move(*context);
  Result<StreamHandle> stream = create_stream(*gpu.driver);
  if (!stream) return stream.error();
  gpu.stream = std::move(*stream);
  Result<Compiler> compiler = Compiler::open(cache_folder);
  if (!compiler) return compiler.error();
  gpu.compiler.emplace(std::move(*compiler));
  return gpu;
}

}  // namespace weir
