#include "gpu/loaded_program.h"

#include <bit>
#include <chrono>
#include <cstdio>
#include <limits>
#include <thread>

namespace weir {
namespace {

Result<std::array<unsigned, 3>> dimensions(const std::array<std::int64_t, 3>& values, const char* what,
                                           const std::string& entry) {
  std::array<unsigned, 3> result{};
  for (std::size_t i = 0; i < 3; ++i) {
    if (values[i] < 1 || values[i] > std::numeric_limits<int>::max()) {
      return Error{ErrorKind::failed,
                   entry + ": its " + what + " of " + std::to_string(values[i]) + " cannot be launched",
                   "Check the launch's geometry in kernel.yaml."};
    }
    result[i] = static_cast<unsigned>(values[i]);
  }
  return result;
}

Result<std::uint64_t> address_of(const std::vector<cuda::DevicePointer>& addresses, int index,
                                 const char* what) {
  if (static_cast<std::size_t>(index) < addresses.size()) return addresses[static_cast<std::size_t>(index)];
  return Error{ErrorKind::usage,
               std::string("an argument names ") + what + " number " + std::to_string(index) + ", of " +
                   std::to_string(addresses.size()),
               ""};
}

// The parameter's bits; what is shorter than 8 bytes comes first.
Result<std::uint64_t> parameter_of(const Argument& argument, const Addresses& addresses) {
  switch (argument.kind) {
    case Argument::Kind::tensor:
    case Argument::Kind::tensor_map:
      return address_of(addresses.tensors, argument.tensor, "tensor");
    case Argument::Kind::table:
      return address_of(addresses.tables, argument.tensor, "table");
    case Argument::Kind::f32:
      return std::uint64_t{std::bit_cast<std::uint32_t>(argument.real)};
    case Argument::Kind::i32:
      if (argument.value == static_cast<std::int32_t>(argument.value)) break;
      return Error{ErrorKind::failed, "an i32 argument is " + std::to_string(argument.value),
                   "Make it an i64 in kernel.yaml."};
    case Argument::Kind::i64:
      break;
  }
  return static_cast<std::uint64_t>(argument.value);
}

}  // namespace

Result<ArgumentPack> ArgumentPack::bind(const Driver& driver, const std::vector<Argument>& arguments,
                                        const Addresses& addresses) {
  ArgumentPack pack;
  for (const Argument& argument : arguments) {
    Result<std::uint64_t> value = parameter_of(argument, addresses);
    if (!value) return value.error();
    Value& packed = pack.values_.emplace_back(Value{*value, {}});
    if (argument.kind != Argument::Kind::tensor_map) continue;
    Result<EncodedTensorMap> map = encode(driver, argument.map, *value);
    if (!map) return map.error();
    packed.map = *map;
  }
  return pack;
}

void** ArgumentPack::pointers() {
  pointers_.clear();
  for (Value& value : values_) {
    pointers_.push_back(value.map ? static_cast<void*>(value.map->bytes.data()) : &value.number);
  }
  return pointers_.data();
}

Result<LoadedProgram> LoadedProgram::load(const Driver& driver, const Executable& executable,
                                          const Addresses& addresses) {
  LoadedProgram program;
  program.driver_ = &driver;
  Result<ModuleHandle> module = load_module(driver, executable.cubin);
  if (!module) return module.error();
  program.module_ = std::move(module).value();
  for (const ExecutableLaunch& launch : executable.launches) {
    const Result<cuda::Function> function = find_function(program.module_, launch.entry);
    if (!function) return function.error();
    const auto grid = dimensions(launch.grid, "grid", launch.entry);
    if (!grid) return grid.error();
    const auto threads = dimensions(launch.threads, "block", launch.entry);
    if (!threads) return threads.error();
    const auto cluster = dimensions(launch.cluster, "cluster", launch.entry);
    if (!cluster) return cluster.error();
    Result<ArgumentPack> arguments = ArgumentPack::bind(driver, launch.arguments, addresses);
    if (!arguments) return arguments.error();
    Step step{function.value(),
              {grid.value(), threads.value(), cluster.value(), static_cast<unsigned>(launch.shared_bytes)},
              std::move(arguments).value()};
    if (Status status = prepare_launch(driver, step.function, step.shape); !status) return status.error();
    program.steps_.push_back(std::move(step));
  }
  return program;
}

Status LoadedProgram::launch(cuda::Stream stream) {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (Status status = launch(i, stream); !status) return status;
  }
  return ok_status();
}

Status LoadedProgram::launch(std::size_t index, cuda::Stream stream) {
  Step& step = steps_[index];
  return weir::launch(*driver_, step.function, step.shape, step.arguments.pointers(), stream);
}

Status wait_idle(const Driver& driver, cuda::Stream stream, double seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  for (;;) {
    const cuda::Code code = driver.stream_query(stream);
    if (code != cuda::kNotReady) return check(driver, code, "cuStreamQuery");
    const double waited = std::chrono::duration<double>(Clock::now() - start).count();
    if (waited > seconds) {
      leak_driver_objects();
      char text[64];
      std::snprintf(text, sizeof text, "did not finish within %.3g s", seconds);
      return Error{ErrorKind::failed, text,
                   "The kernel hangs: a loop without end, or a barrier that not every thread reaches."};
    }
    // Polls closely for the kernels that one tunes, and spares the processor in long ones.
    if (waited > 0.005) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace weir
