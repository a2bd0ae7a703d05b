#include "gpu/reference.h"

#include "gpu/build_candidate.h"

namespace weir {
namespace {

std::array<unsigned, 3> narrow(const std::array<std::int64_t, 3>& values) {
  return {static_cast<unsigned>(values[0]), static_cast<unsigned>(values[1]),
          static_cast<unsigned>(values[2])};
}

}  // namespace

bool is_output(const TensorLayout& tensor) {
  return tensor.role == Role::out || tensor.role == Role::inout;
}

Result<Reference> Reference::load(const Driver& driver, const Compiler& compiler, const Candidate& candidate,
                                  const std::filesystem::path& include_folder,
                                  std::int64_t compute_capability, cuda::Stream stream, double seconds) {
  const Result<Compiled> compiled = compiler.compile(
      request_for(candidate.verify.source, candidate.reference_header, include_folder, compute_capability));
  if (!compiled) return compiled.error();
  Result<ModuleHandle> module = load_module(driver, compiled->cubin);
  if (!module) return module.error();
  Reference reference;
  reference.driver_ = &driver;
  reference.stream_ = stream;
  reference.seconds_ = seconds;
  reference.kernel_ = candidate.kernel;
  reference.plan_ = candidate.verify;
  reference.module_ = std::move(module).value();
  return reference;
}

Status Reference::prepare_inputs(const Addresses& addresses) const {
  for (const PrepareLaunch& each : plan_.prepare) {
    if (Status status = launch(each, addresses); !status) return status;
  }
  return ok_status();
}

Result<std::vector<BufferHandle>> Reference::run(const std::string& entry, ProblemMemory& memory,
                                                 UtilityKernels& kernels) const {
  Addresses addresses = memory.addresses();
  std::vector<BufferHandle> results;
  if (Status s = memory.restore(kernels); !s) return s.error();
  for (std::size_t i = 0; i < addresses.tensors.size(); ++i) {
    const TensorLayout& tensor = memory.tensors()[i];
    if (!is_output(tensor)) continue;
    const auto bytes =
        static_cast<std::size_t>(extent_bytes(tensor) / bytes_of(tensor.element)) * sizeof(float);
    Result<BufferHandle> buffer = allocate(*driver_, bytes);
    if (!buffer) return buffer.error();
    Status s =
        check(*driver_, driver_->memset_8_async(buffer->get(), 0xff, bytes, stream_), "cuMemsetD8Async");
    if (s && tensor.role == Role::inout) s = kernels.widen(addresses.tensors[i], tensor, buffer->get());
    if (!s) return s.error();
    addresses.tensors[i] = buffer->get();
    results.push_back(std::move(buffer).value());
  }
  const PrepareLaunch shape{.entry = entry,
                            .grid = plan_.grid,
                            .threads = plan_.threads,
                            .shared_bytes = plan_.shared_bytes,
                            .arguments = plan_.arguments};
  if (Status status = launch(shape, addresses); !status) return status.error();
  return results;
}

Status Reference::launch(const PrepareLaunch& launch, const Addresses& addresses) const {
  const Result<cuda::Function> function = find_function(module_, launch.entry);
  if (!function) return function.error();
  Result<ArgumentPack> arguments = ArgumentPack::bind(*driver_, launch.arguments, addresses);
  if (!arguments) return arguments.error();
  const LaunchShape shape{.grid = narrow(launch.grid),
                          .threads = narrow(launch.threads),
                          .shared_bytes = static_cast<unsigned>(launch.shared_bytes)};
  Status status = prepare_launch(*driver_, function.value(), shape);
  if (status) status = weir::launch(*driver_, function.value(), shape, arguments->pointers(), stream_);
  if (status) status = wait_idle(*driver_, stream_, seconds_);
  if (status) return status;
  Error error = status.error();
  error.message = "reference " + launch.entry + " of " + kernel_ + ": " + error.message;
  return error;
}

}  // namespace weir
