#include "runtime/launcher.h"

#include <cstring>
#include <deque>

#include "gpu/tensor_map.h"

namespace weir {
namespace {

std::array<unsigned, 3> narrow(const std::array<std::int64_t, 3>& values) {
  return {static_cast<unsigned>(values[0]), static_cast<unsigned>(values[1]),
          static_cast<unsigned>(values[2])};
}

}  // namespace

Launcher::Launcher(const Candidate& candidate, std::shared_ptr<const std::vector<std::uint8_t>> cubin)
    : candidate_(candidate), cubin_(std::move(cubin)) {
  for (const Launch& launch : candidate.launches) {
    shapes_.push_back({.grid = narrow(launch.grid),
                       .threads = narrow(launch.threads),
                       .cluster = narrow(launch.cluster),
                       .shared_bytes = static_cast<unsigned>(launch.shared_bytes)});
  }
}

Result<std::vector<std::uint64_t>> Launcher::addresses(
    std::span<const std::pair<const char*, std::uint64_t>> tensors) const {
  std::vector<std::uint64_t> found;
  found.reserve(candidate_.tensors.size());
  for (const TensorLayout& tensor : candidate_.tensors) {
    std::uint64_t address = 0;
    for (const auto& [name, pointer] : tensors) {
      if (tensor.name == name) address = pointer;
    }
    if (address == 0) {
      return Error{ErrorKind::usage,
                   candidate_.kernel + ": no address is given for the tensor '" + tensor.name + "'",
                   "weir_pick_tensor lists the kernel's tensors"};
    }
    if (tensor.alignment_bytes > 1 && address % static_cast<std::uint64_t>(tensor.alignment_bytes) != 0) {
      return Error{ErrorKind::usage,
                   candidate_.kernel + ": the tensor '" + tensor.name + "' is not aligned to " +
                       std::to_string(tensor.alignment_bytes) + " bytes",
                   ""};
    }
    found.push_back(address);
  }
  return found;
}

Result<const Launcher::Loaded*> Launcher::load() {
  Result<const Driver*> driver = open_driver();
  if (!driver) return driver.error();
  cuda::Context context = nullptr;
  if (Status got = check(**driver, (*driver)->context_get_current(&context), "cuCtxGetCurrent"); !got)
    return got.error();
  if (context == nullptr) {
    return Error{ErrorKind::no_device, candidate_.kernel + ": no CUDA context is current on this thread",
                 "call cuCtxSetCurrent or cudaSetDevice first"};
  }
  const std::lock_guard lock(mutex_);
  if (const auto known = loaded_.find(context); known != loaded_.end()) return &known->second;
  Result<ModuleHandle> module = load_module(**driver, std::as_bytes(std::span(*cubin_)), candidate_.kernel);
  if (!module) return module.error();
  Loaded loaded{std::move(*module), {}};
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    Result<cuda::Function> function = find_function(loaded.module, candidate_.launches[i].entry);
    if (!function) return function.error();
    if (Status ready = prepare_launch(**driver, *function, shapes_[i]); !ready) return ready.error();
    loaded.functions.push_back(*function);
  }
  return &loaded_.emplace(context, std::move(loaded)).first->second;  // nodes of a map stay where they are
}

Status Launcher::launch(cuda::Stream stream, std::span<const std::pair<const char*, std::uint64_t>> tensors) {
  Result<std::vector<std::uint64_t>> pointers = addresses(tensors);
  if (!pointers) return pointers.error();
  Result<const Loaded*> loaded = load();
  if (!loaded) return loaded.error();
  const Driver& driver = (*loaded)->module.driver();
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const std::vector<Argument>& arguments = candidate_.launches[i].arguments;
    std::vector<std::uint64_t> values(arguments.size());
    std::deque<EncodedTensorMap> maps;
    std::vector<void*> slots(arguments.size());
    for (std::size_t k = 0; k < arguments.size(); ++k) {
      const Argument& argument = arguments[k];
      if (argument.kind == Argument::Kind::tensor_map) {
        Result<EncodedTensorMap> map =
            encode(driver, argument.map, (*pointers)[static_cast<std::size_t>(argument.tensor)]);
        if (!map) return map.error();
        slots[k] = maps.emplace_back(*map).bytes.data();
        continue;
      }
      if (argument.kind == Argument::Kind::i32) {
        const auto value = static_cast<std::int32_t>(argument.value);
        std::memcpy(&values[k], &value, sizeof value);
      } else {
        values[k] = argument.kind == Argument::Kind::tensor
                        ? (*pointers)[static_cast<std::size_t>(argument.tensor)]
                        : static_cast<std::uint64_t>(argument.value);
      }
      slots[k] = &values[k];
    }
    Status queued = weir::launch(driver, (*loaded)->functions[i], shapes_[i], slots.data(), stream);
    if (!queued) return queued;
  }
  return ok_status();
}

}  // namespace weir
