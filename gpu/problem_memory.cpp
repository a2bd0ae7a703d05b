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

Addresses ProblemMemory::addresses() const {
  Addresses all;
  for (std::size_t i = 0; i < tensors_.size(); ++i) all.tensors.push_back(slots_[i].address());
  for (const int slot : table_slots_)
    all.tables.push_back(slot < 0 ? 0 : slots_[static_cast<std::size_t>(slot)].address());
  return all;
}

Result<ProblemMemory> ProblemMemory::create(const Driver& driver, UtilityKernels& kernels,
                                            const Candidate& candidate, cuda::Stream stream) {
  ProblemMemory memory;
  memory.driver_ = &driver;
  memory.stream_ = stream;
  memory.tensors_ = candidate.tensors;
  if (Status s = memory.add_tensors(); !s) return s.error();
  if (Status s = memory.add_tables(candidate); !s) return s.error();
  for (std::size_t i = 0; i < memory.slots_.size(); ++i) {
    if (Status s = memory.set_guards(memory.slots_[i]); !s) return s.error();
    if (Status s = memory.fill(kernels, i); !s) return s.error();
  }
  if (Status s = memory.remember_inputs(kernels); !s) return s.error();
  return memory;
}

Status ProblemMemory::reserve(Slot& slot) const {
  slot.buffer = {};
  slot.capacity = slot.bytes;
  Result<BufferHandle> buffer = allocate(*driver_, static_cast<std::size_t>(slot.bytes + 2 * kGuardBytes));
  if (!buffer) {
    Error error = buffer.error();
    error.message = slot.name + ": " + error.message;
    return error;
  }
  slot.buffer = std::move(buffer).value();
  return ok_status();
}

Status ProblemMemory::add(Slot slot) {
  if (Status status = reserve(slot); !status) return status;
  slots_.push_back(std::move(slot));
  return ok_status();
}

Status ProblemMemory::fit(UtilityKernels& kernels, std::span<const Executable> executables) {
  for (const Executable& executable : executables) {
    if (Status status = add_own_scratch(kernels, executable); !status) return status;
  }
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const TensorLayout* largest = nullptr;
    for (const Executable& executable : executables) {
      if (i >= executable.tensors.size()) continue;
      const TensorLayout& layout = executable.tensors[i];
      if (layout.role != Role::scratch && layout != tensors_[i]) {
        return Error{ErrorKind::usage,
                     "tensor " + layout.name + " of " + executable.kernel + " has another shape with " +
                         executable.config,
                     "Only scratch tensors may depend on tunables."};
      }
      if (layout.role == Role::scratch && (!largest || extent_bytes(layout) > extent_bytes(*largest)))
        largest = &layout;
    }
    if (!largest || *largest == tensors_[i]) continue;
    if (Status status = resize(kernels, i, *largest); !status) return status;
  }
  return ok_status();
}

Status ProblemMemory::add_own_scratch(UtilityKernels& kernels, const Executable& executable) {
  for (std::size_t i = 0; i < std::max(tensors_.size(), executable.tensors.size()); ++i) {
    const bool missing = i >= tensors_.size(), unused = i >= executable.tensors.size();
    const TensorLayout& layout = unused ? tensors_[i] : executable.tensors[i];
    if ((missing || unused) ? layout.role != Role::scratch : layout.name != tensors_[i].name) {
      return Error{ErrorKind::usage,
                   executable.kernel + " has other tensors with " + executable.config + ": " + layout.name,
                   "Variants may differ in scratch tensors, which come last."};
    }
    if (!missing) continue;
    Slot slot{.name = "tensor " + layout.name, .bytes = extent_bytes(layout)};
    if (Status status = reserve(slot); !status) return status;
    tensors_.push_back(layout);
    slots_.insert(slots_.begin() + static_cast<std::ptrdiff_t>(i), std::move(slot));
    for (int& table : table_slots_) table += table >= 0;
    if (Status status = set_guards(slots_[i]); !status) return status;
    if (Status status = fill(kernels, i); !status) return status;
  }
  return ok_status();
}

Status ProblemMemory::resize(UtilityKernels& kernels, std::size_t tensor, const TensorLayout& layout) {
  Slot& slot = slots_[tensor];
  tensors_[tensor] = layout;
  slot.bytes = extent_bytes(layout);
  if (slot.bytes > slot.capacity) {
    if (Status status = reserve(slot); !status) return status;
  }
  if (Status status = set_guards(slot); !status) return status;
  return fill(kernels, tensor);
}

Status ProblemMemory::add_tensors() {
  for (const TensorLayout& tensor : tensors_) {
    Slot slot;
    slot.name = "tensor " + tensor.name;
    slot.bytes = extent_bytes(tensor);
    slot.is_input = tensor.role == Role::in;
    if (Status status = add(std::move(slot)); !status) return status;
    const auto alignment = static_cast<std::uint64_t>(std::max<std::int64_t>(tensor.alignment_bytes, 1));
    if (slots_.back().address() % alignment == 0) continue;
    return Error{
        ErrorKind::usage,
        "tensor " + tensor.name + " asks for an alignment of " + std::to_string(alignment) + " bytes",
        "At most 256 bytes are kept."};
  }
  return ok_status();
}

Status ProblemMemory::add_tables(const Candidate& candidate) {
  for (std::size_t i = 0; i < candidate.tables.size(); ++i) {
    table_slots_.push_back(candidate.tables[i].empty() ? -1 : static_cast<int>(slots_.size()));
    if (candidate.tables[i].empty()) continue;
    Slot slot;
    slot.name = "table " + candidate.table_names[i];
    slot.bytes = static_cast<std::int64_t>(candidate.tables[i].size() * sizeof(std::int32_t));
    slot.is_input = true;
    for (const std::int64_t entry : candidate.tables[i])
      slot.entries.push_back(static_cast<std::int32_t>(entry));
    if (Status status = add(std::move(slot)); !status) return status;
  }
  return ok_status();
}

Status ProblemMemory::compute_inputs(UtilityKernels& kernels,
                                     std::function<Status(const Addresses&)> compute) {
  compute_inputs_ = std::move(compute);
  if (Status status = compute_inputs_(addresses()); !status) return status;
  return remember_inputs(kernels);
}

Status ProblemMemory::set_guards(const Slot& slot) {
  Status status =
      check(*driver_, driver_->memset_8_async(slot.buffer.get(), kGuardByte, kGuardBytes, stream_),
            "cuMemsetD8Async");
  if (!status) return status;
  const cuda::DevicePointer end = slot.address() + static_cast<std::uint64_t>(slot.bytes);
  return check(*driver_, driver_->memset_8_async(end, kGuardByte, kGuardBytes, stream_), "cuMemsetD8Async");
}

Status ProblemMemory::fill(UtilityKernels& kernels, std::size_t slot) {
  const Slot& filled = slots_[slot];
  if (slot < tensors_.size()) {
    const TensorLayout& tensor = tensors_[slot];
    return kernels.fill(filled.address(), tensor, tensor.fill, seed_of(tensor.name));
  }
  const auto bytes = static_cast<std::size_t>(filled.bytes);
  Status copied = check(*driver_, driver_->copy_to_device(filled.address(), filled.entries.data(), bytes),
                        "cuMemcpyHtoD", filled.name);
  if (!copied) return copied;
  // The copy of pageable memory may still be under way, and this problem's stream does not wait for it.
  return check(*driver_, driver_->stream_synchronize(nullptr), "cuStreamSynchronize", filled.name);
}

Status ProblemMemory::fill_inputs(UtilityKernels& kernels) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].is_input) continue;
    if (Status status = fill(kernels, i); !status) return status;
  }
  return compute_inputs_ ? compute_inputs_(addresses()) : ok_status();
}

Status ProblemMemory::remember_inputs(UtilityKernels& kernels) {
  for (Slot& slot : slots_) {
    if (!slot.is_input) continue;
    Result<std::uint64_t> sum = kernels.checksum(slot.address(), slot.bytes);
    if (!sum) return sum.error();
    slot.checksum = *sum;
  }
  return ok_status();
}

Status ProblemMemory::restore(UtilityKernels& kernels) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].role != Role::inout && !is_reset_to_zero(tensors_[i])) continue;
    if (Status status = fill(kernels, i); !status) return status;
  }
  return ok_status();
}

Status ProblemMemory::poison(UtilityKernels& kernels) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const TensorLayout& tensor = tensors_[i];
    if (tensor.role != Role::out && (tensor.role != Role::scratch || is_reset_to_zero(tensor))) continue;
    const auto bytes = static_cast<std::size_t>(slots_[i].bytes);
    Status status = check(*driver_, driver_->memset_8_async(address(i), 0xff, bytes, stream_),
                          "cuMemsetD8Async", tensor.name);
    if (!status) return status;
  }
  return restore(kernels);
}

Result<std::string> ProblemMemory::find_overrun(const Slot& slot) const {
  std::string damage;
  for (const bool after : {false, true}) {
    const cuda::DevicePointer guard =
        after ? slot.address() + static_cast<std::uint64_t>(slot.bytes) : slot.buffer.get();
    std::vector<unsigned char> bytes(kGuardBytes);
    if (Status s = check(*driver_, driver_->copy_to_host(bytes.data(), guard, bytes.size()), "cuMemcpyDtoH");
        !s)
      return s.error();
    const auto is_wrong = [](unsigned char byte) { return byte != kGuardByte; };
    const auto wrong = std::count_if(bytes.begin(), bytes.end(), is_wrong);
    if (wrong == 0) continue;
    const std::int64_t distance =
        after ? std::find_if(bytes.begin(), bytes.end(), is_wrong) - bytes.begin()
              : std::find_if(bytes.rbegin(), bytes.rend(), is_wrong) - bytes.rbegin() + 1;
    damage += (damage.empty() ? "" : "; ") + ("the kernel wrote outside " + slot.name) + ": " +
              std::to_string(wrong) + " bytes " + (after ? "past its end" : "before its start") +
              ", the nearest " + std::to_string(distance) + " bytes away";
  }
  return damage;
}

Result<std::string> ProblemMemory::find_damage(UtilityKernels& kernels) {
  if (Status s = check(*driver_, driver_->stream_synchronize(stream_), "cuStreamSynchronize"); !s)
    return s.error();
  std::string damage;
  bool inputs_changed = false;
  for (const Slot& slot : slots_) {
    const Result<std::string> overrun = find_overrun(slot);
    if (!overrun) return overrun.error();
    if (!overrun->empty()) damage += (damage.empty() ? "" : "; ") + *overrun;
    if (Status s = set_guards(slot); !s) return s.error();
    if (!slot.is_input) continue;
    Result<std::uint64_t> sum = kernels.checksum(slot.address(), slot.bytes);
    if (!sum) return sum.error();
    if (sum.value() == slot.checksum) continue;
    damage += (damage.empty() ? "" : "; ") + ("the kernel changed its input " + slot.name);
    inputs_changed = true;
  }
  if (inputs_changed) {
    if (Status s = fill_inputs(kernels); !s) return s.error();
  }
  return damage;
}

}  // namespace weir
