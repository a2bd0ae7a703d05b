#include "gpu/kernel_runner.h"

#include "gpu/build_candidate.h"
#include "gpu/loaded_program.h"
#include "gpu/open_gpu.h"

namespace weir {

struct KernelRunner::Impl : OpenGpu {
  std::filesystem::path include_folder;

  Result<BufferHandle> zeros(std::size_t bytes) const;
  Result<BufferHandle> copy_of(const void* data, std::size_t bytes) const;
};

namespace {

constexpr double kSecondsLimit = 60;

}  // namespace

KernelRunner::KernelRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KernelRunner::KernelRunner(KernelRunner&&) noexcept = default;
KernelRunner::~KernelRunner() = default;

const DeviceFacts& KernelRunner::facts() const {
  return impl_->facts;
}

Result<KernelRunner> KernelRunner::open(int ordinal, const std::filesystem::path& include_folder) {
  Result<OpenGpu> gpu = open_gpu(ordinal);
  if (!gpu) return gpu.error();
  auto impl = std::make_unique<Impl>(Impl{std::move(*gpu), include_folder});
  return KernelRunner(std::move(impl));
}

Result<BufferHandle> KernelRunner::Impl::zeros(std::size_t bytes) const {
  Result<BufferHandle> buffer = allocate(*driver, bytes);
  if (!buffer) return buffer.error();
  const Status cleared =
      check(*driver, driver->memset_8_async(buffer->get(), 0, bytes, stream.get()), "cuMemsetD8Async");
  if (!cleared) return cleared.error();
  return buffer;
}

Result<BufferHandle> KernelRunner::Impl::copy_of(const void* data, std::size_t bytes) const {
  Result<BufferHandle> buffer = allocate(*driver, bytes);
  if (!buffer) return buffer.error();
  const Status copied = check(*driver, driver->copy_to_device(buffer->get(), data, bytes), "cuMemcpyHtoD");
  if (!copied) return copied.error();
  return buffer;
}

Result<KernelRunner::Tensors> KernelRunner::run(const Candidate& candidate, const Tensors& inputs) {
  const Result<Executable> executable = build_candidate(*impl_->compiler, candidate, impl_->include_folder,
                                                        impl_->facts.limits.compute_capability);
  if (!executable) return executable.error();

  std::vector<BufferHandle> buffers;
  Addresses addresses;
  for (const TensorLayout& tensor : candidate.tensors) {
    const auto bytes = static_cast<std::size_t>(extent_bytes(tensor));
    const auto input = inputs.find(tensor.name);
    const bool is_input = tensor.role == Role::in || tensor.role == Role::inout;
    if (is_input && (input == inputs.end() || input->second.size() != bytes))
      return Error{ErrorKind::usage,
                   candidate.kernel + " needs " + std::to_string(bytes) + " bytes of " + tensor.name, ""};
    Result<BufferHandle> buffer =
        is_input ? impl_->copy_of(input->second.data(), bytes) : impl_->zeros(bytes);
    if (!buffer) return buffer.error();
    addresses.tensors.push_back(buffer->get());
    buffers.push_back(std::move(*buffer));
  }
  for (const std::vector<std::int64_t>& table : candidate.tables) {
    if (table.empty()) {
      addresses.tables.push_back(0);
      continue;
    }
    const std::vector<std::int32_t> entries(table.begin(), table.end());
    Result<BufferHandle> buffer = impl_->copy_of(entries.data(), entries.size() * sizeof(std::int32_t));
    if (!buffer) return buffer.error();
    addresses.tables.push_back(buffer->get());
    buffers.push_back(std::move(*buffer));
  }

  Result<LoadedProgram> program = LoadedProgram::load(*impl_->driver, *executable, addresses);
  if (!program) return program.error();
  if (Status launched = program->launch(impl_->stream.get()); !launched) return launched.error();
  if (Status done = wait_idle(*impl_->driver, impl_->stream.get(), kSecondsLimit); !done) return done.error();

  Tensors outputs;
  for (std::size_t i = 0; i < candidate.tensors.size(); ++i) {
    const TensorLayout& tensor = candidate.tensors[i];
    if (tensor.role != Role::out && tensor.role != Role::inout) continue;
    std::vector<std::byte>& bytes = outputs[tensor.name];
    bytes.resize(static_cast<std::size_t>(extent_bytes(tensor)));
    const Status copied =
        check(*impl_->driver, impl_->driver->copy_to_host(bytes.data(), addresses.tensors[i], bytes.size()),
              "cuMemcpyDtoH");
    if (!copied) return copied.error();
  }
  return outputs;
}

}  // namespace weir
