#include "gpu/utility_kernels.h"

#include <algorithm>
#include <array>
#include <vector>

namespace weir {
namespace {

constexpr unsigned kThreads = 256;  // kCompareThreads of utility.cu
constexpr std::size_t kMaximumRank = 8;

// The scratch buffer: results of comparisons, then a checksum, two stamps and a sink.
constexpr std::size_t kStampBytes = 3 * sizeof(std::uint64_t);

struct DeviceLayout {
  int rank;
  std::int64_t shape[kMaximumRank];
  std::int64_t strides[kMaximumRank];
};

}  // namespace

template <typename... Values>
Status UtilityKernels::run(cuda::Function function, unsigned blocks, unsigned threads, Values... values) {
  std::array<void*, sizeof...(Values)> arguments{&values...};
  return launch(*driver_, function, {.grid = {blocks, 1, 1}, .threads = {threads, 1, 1}}, arguments.data(),
                stream_);
}

Result<UtilityKernels> UtilityKernels::load(const Driver& driver, const Compiler& compiler,
                                            std::int64_t compute_capability, std::int64_t sm_count,
                                            cuda::Stream stream) {
  Result<Compiled> compiled = compiler.compile(
      {.source = "utility.cu", .text = kUtilitySource, .compute_capability = compute_capability});
  if (!compiled) return compiled.error();
  Result<ModuleHandle> module = load_module(driver, compiled->cubin);
  if (!module) return module.error();

  UtilityKernels kernels;
  kernels.driver_ = &driver;
  kernels.stream_ = stream;
  kernels.blocks_ = static_cast<unsigned>(sm_count * 8);  // 256 threads x 8: every multiprocessor is full
  kernels.module_ = std::move(module).value();
  const std::pair<const char*, cuda::Function*> functions[] = {{"weir_fill", &kernels.fill_},
                                                               {"weir_widen", &kernels.widen_},
                                                               {"weir_compare", &kernels.compare_},
                                                               {"weir_checksum", &kernels.checksum_},
                                                               {"weir_sweep_write", &kernels.sweep_write_},
                                                               {"weir_sweep_read", &kernels.sweep_read_},
                                                               {"weir_spin", &kernels.spin_},
                                                               {"weir_stamp", &kernels.stamp_}};
  for (const auto& [name, function] : functions) {
    Result<cuda::Function> found = find_function(kernels.module_, name);
    if (!found) return found.error();
    *function = found.value();
  }
  Result<BufferHandle> scratch = allocate(driver, kernels.blocks_ * sizeof(Comparison) + 4 * kStampBytes);
  if (!scratch) return scratch.error();
  kernels.scratch_ = std::move(scratch).value();
  return kernels;
}

Status UtilityKernels::fill(cuda::DevicePointer data, const TensorLayout& tensor, Fill how,
                            std::uint64_t seed) {
  const std::int64_t count = extent_bytes(tensor) / bytes_of(tensor.element);
  return run(fill_, blocks_, kThreads, data, count, static_cast<int>(tensor.element), static_cast<int>(how),
             seed);
}

Status UtilityKernels::widen(cuda::DevicePointer data, const TensorLayout& tensor, cuda::DevicePointer wide) {
  const std::int64_t count = extent_bytes(tensor) / bytes_of(tensor.element);
  return run(widen_, blocks_, kThreads, data, wide, count, static_cast<int>(tensor.element));
}

Result<Comparison> UtilityKernels::compare(cuda::DevicePointer data, Element element,
                                           cuda::DevicePointer reference, const TensorLayout& tensor) {
  DeviceLayout layout{};
  if (tensor.shape.size() > kMaximumRank) {
    return Error{ErrorKind::usage, "tensor " + tensor.name + " has more than 8 dimensions", ""};
  }
  layout.rank = static_cast<int>(tensor.shape.size());
  std::copy(tensor.shape.begin(), tensor.shape.end(), layout.shape);
  std::copy(tensor.strides_elements.begin(), tensor.strides_elements.end(), layout.strides);
  Status status = run(compare_, blocks_, kThreads, data, reference, element_count(tensor),
                      static_cast<int>(element), layout, scratch_.get());
  if (!status) return status.error();
  if (status = check(*driver_, driver_->stream_synchronize(stream_), "cuStreamSynchronize",
                     "comparing " + tensor.name);
      !status) {
    return status.error();
  }
  std::vector<Comparison> blocks(blocks_);
  status = check(*driver_,
                 driver_->copy_to_host(blocks.data(), scratch_.get(), blocks.size() * sizeof(Comparison)),
                 "cuMemcpyDtoH");
  if (!status) return status.error();

  Comparison total;
  for (const Comparison& block : blocks) {
    total.squared_error += block.squared_error;
    total.squared_reference += block.squared_reference;
    total.largest_reference = std::max(total.largest_reference, block.largest_reference);
    if (block.largest_error > total.largest_error) {
      total.largest_error = block.largest_error;
      total.largest_error_index = block.largest_error_index;
    }
    if (block.special_mismatches > 0 &&
        (total.special_mismatches == 0 || block.special_index < total.special_index)) {
      total.special_index = block.special_index;
    }
    total.special_mismatches += block.special_mismatches;
    total.reference_nans += block.reference_nans;
  }
  return total;
}

Result<std::uint64_t> UtilityKernels::checksum(cuda::DevicePointer data, std::int64_t bytes) {
  std::uint64_t sum = 0;
  Status status =
      check(*driver_, driver_->memset_8_async(scratch_.get(), 0, sizeof sum, stream_), "cuMemsetD8Async");
  if (status) status = run(checksum_, blocks_, kThreads, data, bytes, scratch_.get());
  if (status)
    status = check(*driver_, driver_->stream_synchronize(stream_), "cuStreamSynchronize", "checksum");
  if (status)
    status = check(*driver_, driver_->copy_to_host(&sum, scratch_.get(), sizeof sum), "cuMemcpyDtoH");
  if (!status) return status.error();
  return sum;
}

Status UtilityKernels::sweep_write(cuda::DevicePointer buffer, std::int64_t bytes) {
  return run(sweep_write_, blocks_, kThreads, buffer, bytes / 16, 1u);
}

Status UtilityKernels::sweep_read(cuda::DevicePointer buffer, std::int64_t bytes) {
  return run(sweep_read_, blocks_, kThreads, buffer, bytes / 16, scratch_.get());
}

Status UtilityKernels::spin(std::uint64_t nanoseconds) {
  return run(spin_, 1, 1, nanoseconds);
}

Status UtilityKernels::stamp(int slot) {
  return run(stamp_, 1, 1,
             scratch_.get() + blocks_ * sizeof(Comparison) + static_cast<unsigned>(slot) * kStampBytes);
}

Result<std::pair<ClockStamp, ClockStamp>> UtilityKernels::stamps() {
  std::pair<ClockStamp, ClockStamp> both;
  static_assert(sizeof both == 2 * kStampBytes);
  const Status status = check(
      *driver_, driver_->copy_to_host(&both, scratch_.get() + blocks_ * sizeof(Comparison), sizeof both),
      "cuMemcpyDtoH");
  if (!status) return status.error();
  return both;
}

}  // namespace weir
