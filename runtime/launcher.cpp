#include "runtime/launcher.h"

#include <bit>
#include <deque>
#include <set>

#include "gpu/tensor_map.h"

namespace weir {
namespace {

std::array<unsigned, 3> narrow(const std::array<std::int64_t, 3>& values) {
  return {static_cast<unsigned>(values[0]), static_cast<unsigned>(values[1]),
          static_cast<unsigned>(values[2])};
}

// The parameter's bits; what is shorter than 8 bytes comes first.
std::uint64_t parameter_of(const Argument& argument, const Launcher::Addresses& addresses) {
  const auto index = static_cast<std::size_t>(argument.tensor);
  switch (argument.kind) {
    case Argument::Kind::tensor:
    case Argument::Kind::tensor_map:
      return addresses.tensors[index];
    case Argument::Kind::table:
      return addresses.tables[index];
    case Argument::Kind::f32:
      return std::bit_cast<std::uint32_t>(argument.real);
    case Argument::Kind::i32:
    case Argument::Kind::i64:
      break;
  }
  return static_cast<std::uint64_t>(argument.value);
}

}  // namespace

std::vector<std::size_t> argument_tables(const Candidate& candidate) {
  std::set<std::size_t> tables;
  for (const Launch& launch : candidate.launches) {
    for (const Argument& argument : launch.arguments) {
      if (argument.kind == Argument::Kind::table) tables.insert(static_cast<std::size_t>(argument.tensor));
    }
  }
  return {tables.begin(), tables.end()};
}

Launcher::Launcher(const Candidate& candidate, std::shared_ptr<const std::vector<std::uint8_t>> cubin)
    : candidate_(candidate), cubin_(std::move(cubin)) {
  for (const Launch& launch : candidate.launches) {
    shapes_.push_back({.grid = narrow(launch.grid),
                       .threads = narrow(launch.threads),
                       .cluster = narrow(launch.cluster),
                       .shared_bytes = static_cast<unsigned>(launch.shared_bytes)});
  }
}

Result<Launcher::Addresses> Launcher::addresses(
    std::span<const std::pair<const char*, std::uint64_t>> pointers) const {
  const auto find = [&](const std::string& name) {
    std::uint64_t address = 0;
    for (const auto& [given, pointer] : pointers) {
      if (name == given) address = pointer;
    }
    return address;
  };
  const auto missing = [&](const char* what, const std::string& name) {
    return Error{ErrorKind::usage,
                 candidate_.kernel + ": no address is given for the " + what + " '" + name + "'",
                 "weir_pick_tensor lists what the kernel needs"};
  };
  const auto misaligned = [&](const char* what, const std::string& name, std::int64_t bytes) {
    return Error{ErrorKind::usage,
                 candidate_.kernel + ": the " + what + " '" + name + "' is not aligned to " +
                     std::to_string(bytes) + " bytes",
                 ""};
  };
  Addresses found;
  for (const TensorLayout& tensor : candidate_.tensors) {
    const std::uint64_t address = find(tensor.name);
    if (address == 0) return missing("tensor", tensor.name);
    if (tensor.alignment_bytes > 1 && address % static_cast<std::uint64_t>(tensor.alignment_bytes) != 0)
      return misaligned("tensor", tensor.name, tensor.alignment_bytes);
    found.tensors.push_back(address);
  }
  found.tables.resize(candidate_.tables.size());
  for (const std::size_t table : argument_tables(candidate_)) {
    const std::string& name = candidate_.table_names[table];
    const std::uint64_t address = find(name);
    if (address == 0 && !candidate_.tables[table].empty()) return missing("table", name);
    if (address % sizeof(std::int32_t) != 0) return misaligned("table", name, sizeof(std::int32_t));
    found.tables[table] = address;
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

Status Launcher::launch(cuda::Stream stream,
                        std::span<const std::pair<const char*, std::uint64_t>> pointers) {
  const Result<Addresses> addresses = this->addresses(pointers);
  if (!addresses) return addresses.error();
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
            encode(driver, argument.map, addresses->tensors[static_cast<std::size_t>(argument.tensor)]);
        if (!map) return map.error();
        slots[k] = maps.emplace_back(*map).bytes.data();
        continue;
      }
      values[k] = parameter_of(argument, *addresses);
      slots[k] = &values[k];
    }
    Status queued = weir::launch(driver, (*loaded)->functions[i], shapes_[i], slots.data(), stream);
    if (!queued) return queued;
  }
  return ok_status();
}

}  // namespace weir
