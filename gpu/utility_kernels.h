// The backend's own kernels (utility.cu), compiled for one device and loaded on one context.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "gpu/compiler.h"
#include "gpu/driver.h"
#include "kernels/candidate.h"

namespace weir {

extern const char* const kUtilitySource;

// How a tensor differs from its reference. Indices are of elements in row-major order, -1 for none.
struct Comparison {
  double squared_error = 0;
  double squared_reference = 0;
  double largest_error = 0;
  double largest_reference = 0;
  std::int64_t largest_error_index = -1;
  std::int64_t special_mismatches = 0;  // NaN where the reference has none, or a different infinity
  std::int64_t special_index = -1;      // the first of them
  std::int64_t reference_nans = 0;

  bool operator==(const Comparison&) const = default;
};

struct ClockStamp {
  std::uint64_t nanoseconds = 0;
  std::uint64_t cycles = 0;
  std::uint64_t sm = 0;
};

// All calls queue on one stream, except those that return values, which wait. Not thread-safe.
class UtilityKernels {
 public:
  static Result<UtilityKernels> load(const Driver& driver, const Compiler& compiler,
                                     std::int64_t compute_capability, std::int64_t sm_count,
                                     cuda::Stream stream);

  // Fills the whole extent of the tensor, gaps between strides included.
  Status fill(cuda::DevicePointer data, const TensorLayout& tensor, Fill how, std::uint64_t seed);
  Status widen(cuda::DevicePointer data, const TensorLayout& tensor, cuda::DevicePointer wide);
  Result<Comparison> compare(cuda::DevicePointer data, Element element, cuda::DevicePointer reference,
                             const TensorLayout& tensor);
  Result<std::uint64_t> checksum(cuda::DevicePointer data, std::int64_t bytes);

  Status sweep_write(cuda::DevicePointer buffer, std::int64_t bytes);
  Status sweep_read(cuda::DevicePointer buffer, std::int64_t bytes);
  Status spin(std::uint64_t nanoseconds);
  Status stamp(int slot);  // 0 or 1
  // Precondition: both stamps have run.
  Result<std::pair<ClockStamp, ClockStamp>> stamps();

 private:
  template <typename... Values>
  Status run(cuda::Function function, unsigned blocks, unsigned threads, Values... values);

  const Driver* driver_ = nullptr;
  cuda::Stream stream_ = nullptr;
  unsigned blocks_ = 0;
  ModuleHandle module_;
  BufferHandle scratch_;
  cuda::Function fill_ = nullptr, widen_ = nullptr, compare_ = nullptr, checksum_ = nullptr,
                 sweep_write_ = nullptr, sweep_read_ = nullptr, spin_ = nullptr, stamp_ = nullptr;
};

}  // namespace weir
