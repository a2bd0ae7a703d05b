#include "gpu/problem_memory.h"

#include <algorithm>

namespace weir {
namespace {

// On each side. A store that misses its tensor by less than this is found; the next tensor is at least two
// guards away.
constexpr std::int64_t kGuardBytes = 4096;
constexpr unsigned char kGuardByte = 0xa5;

std::uint64_t seed_of(const std::string& name) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

bool is_reset_to_zero(const TensorLayout& tensor) {
  return tensor.role == Role::scratch && tensor.fill == Fill::zero;
}

}  // namespace

cuda::DevicePointer ProblemMemory::Slot::address() const {
  return buffer.get() + kGuardBytes;
}
cuda::DevicePointer ProblemMemory::address(std::size_t tensor) const {
  return slots_[tensor].address();
}

Result<ProblemMemory> ProblemMemory::create(const Driver& driver, UtilityKernels& kernels,
                                            std::vector<TensorLayout> tensors, cuda::Stream stream) {
  ProblemMemory memory;
  memory.driver_ = &driver;
  memory.stream_ = stream;
  memory.tensors_ = std::move(tensors);
  for (const TensorLayout& tensor : memory.tensors_) {
    Slot slot{.bytes = extent_bytes(tensor), .seed = seed_of(tensor.name)};
    Result<BufferHandle> buffer = allocate(driver, static_cast<std::size_t>(slot.bytes + 2 * kGuardBytes));
    if (!buffer) {
      Error error = buffer.error();
      error.message = "tensor " + tensor.name + ": " + error.message;
      return error;
    }
    slot.buffer = std::move(buffer).value();
    if (tensor.alignment_bytes > 0 &&
        slot.address() % static_cast<std::uint64_t>(tensor.alignment_bytes) != 0) {
      return Error{ErrorKind::usage,
                   "tensor " + tensor.name + " asks for an alignment of " +
                       std::to_string(tensor.alignment_bytes) + " bytes",
                   "At most 256 bytes are kept."};
    }
    memory.slots_.push_back(std::move(slot));
  }
  for (std::size_t i = 0; i < memory.slots_.size(); ++i) {
    if (Status s = memory.set_guards(memory.slots_[i]); !s) return s.error();
    if (Status s = memory.fill(kernels, i); !s) return s.error();
    if (memory.tensors_[i].role != Role::in) continue;
    Result<std::uint64_t> sum = kernels.checksum(memory.address(i), memory.slots_[i].bytes);
    if (!sum) return sum.error();
    memory.slots_[i].checksum = sum.value();
  }
  return memory;
}

Status ProblemMemory::set_guards(const Slot& slot) {
  Status status =
      check(*driver_, driver_->memset_8_async(slot.buffer.get(), kGuardByte, kGuardBytes, stream_),
            "cuMemsetD8Async");
  if (!status) return status;
  const cuda::DevicePointer end = slot.address() + static_cast<std::uint64_t>(slot.bytes);
  return check(*driver_, driver_->memset_8_async(end, kGuardByte, kGuardBytes, stream_), "cuMemsetD8Async");
}

Status ProblemMemory::fill(UtilityKernels& kernels, std::size_t tensor) {
  return kernels.fill(address(tensor), tensors_[tensor], tensors_[tensor].fill, slots_[tensor].seed);
}

Status ProblemMemory::restore(UtilityKernels& kernels) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (tensors_[i].role != Role::inout && !is_reset_to_zero(tensors_[i])) continue;
    if (Status status = fill(kernels, i); !status) return status;
  }
  return ok_status();
}

Status ProblemMemory::poison(UtilityKernels& kernels) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const TensorLayout& tensor = tensors_[i];
    if (tensor.role != Role::out && (tensor.role != Role::scratch || is_reset_to_zero(tensor))) continue;
    const auto bytes = static_cast<std::size_t>(slots_[i].bytes);
    Status status = check(*driver_, driver_->memset_8_async(address(i), 0xff, bytes, stream_),
                          "cuMemsetD8Async", tensor.name);
    if (!status) return status;
  }
  return restore(kernels);
}

Result<std::string> ProblemMemory::find_damage(UtilityKernels& kernels) {
  if (Status s = check(*driver_, driver_->stream_synchronize(stream_), "cuStreamSynchronize"); !s)
    return s.error();
  std::string damage;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    const std::string& name = tensors_[i].name;
    for (const bool after : {false, true}) {
      const cuda::DevicePointer guard =
          after ? slot.address() + static_cast<std::uint64_t>(slot.bytes) : slot.buffer.get();
      std::vector<unsigned char> bytes(kGuardBytes);
      if (Status s =
              check(*driver_, driver_->copy_to_host(bytes.data(), guard, bytes.size()), "cuMemcpyDtoH");
          !s)
        return s.error();
      const auto wrong =
          std::count_if(bytes.begin(), bytes.end(), [](unsigned char byte) { return byte != kGuardByte; });
      if (wrong == 0) continue;
      const auto is_wrong = [](unsigned char byte) { return byte != kGuardByte; };
      const std::int64_t distance =
          after ? std::find_if(bytes.begin(), bytes.end(), is_wrong) - bytes.begin()
                : std::find_if(bytes.rbegin(), bytes.rend(), is_wrong) - bytes.rbegin() + 1;
      damage += (damage.empty() ? "" : "; ") + std::string("the kernel wrote outside tensor ") + name + ": " +
                std::to_string(wrong) + " bytes " + (after ? "past its end" : "before its start") +
                ", the nearest " + std::to_string(distance) + " bytes away";
    }
    if (Status s = set_guards(slot); !s) return s.error();
    if (tensors_[i].role != Role::in) continue;
    Result<std::uint64_t> sum = kernels.checksum(address(i), slot.bytes);
    if (!sum) return sum.error();
    if (sum.value() == slot.checksum) continue;
    damage += (damage.empty() ? "" : "; ") + ("the kernel changed its input tensor " + name);
    if (Status s = fill(kernels, i); !s) return s.error();
  }
  return damage;
}

}  // namespace weir
