#include "gpu/driver.h"

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace weir {
namespace {

std::string advice_for(cuda::Code code) {
  switch (code) {
    case cuda::kOutOfMemory:
      return "Free GPU memory (nvidia-smi lists who holds it) or choose a smaller problem.";
    case cuda::kStubLibrary:
      return "A toolkit stub was opened instead of the driver: remove the stubs folder from LD_LIBRARY_PATH.";
    case cuda::kDeviceUnavailable:
      return "Another process holds the GPU exclusively; wait for it or change the compute mode.";
    case cuda::kNoDevice:
      return "Check that nvidia-smi lists a GPU, that CUDA_VISIBLE_DEVICES does not hide it, and that the "
             "container was given one.";
    case cuda::kInvalidImage:
    case cuda::kNoBinaryForGpu:
      return "The cubin is for another architecture or damaged; build it again for this GPU.";
    case cuda::kIllegalAddress:
      return "The kernel read or wrote outside its memory; compute-sanitizer shows where.";
    case cuda::kLaunchOutOfResources:
      return "Registers times threads, or shared memory, exceed what one block may have.";
    case cuda::kMisalignedAddress:
      return "A vector access is not aligned to its size; check the tensor's strides and alignment.";
    case cuda::kIllegalInstruction:
    case cuda::kAssert:
    case cuda::kLaunchFailed:
      return "The kernel stopped itself (trap, assert or a fault); compute-sanitizer shows where.";
    case cuda::kSystemNotReady:
      return "Start the fabric manager, or wait until the GPU has finished its start-up.";
    case cuda::kSystemDriverMismatch:
    case cuda::kCompatNotSupported:
      return "The user-mode driver does not match the kernel module; use the libcuda.so.1 that came with it.";
    case cuda::kInvalidClusterSize:
      return "The grid must be a multiple of the cluster, and the cluster at most 8 blocks (16 where the GPU "
             "allows it).";
    default:
      return {};
  }
}

Result<Driver> load_driver() {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return Error{ErrorKind::no_device,
                 std::string("no CUDA driver: ") + (reason ? reason : "libcuda.so.1 cannot be opened"),
                 "Install the NVIDIA driver, or start the container with a GPU (docker run --gpus all)."};
  }
  Driver driver;
  std::string absent;
#define WEIR_DRIVER_LOAD(member, symbol, parameters)                                 \
  driver.member = reinterpret_cast<decltype(driver.member)>(dlsym(library, symbol)); \
  if (driver.member == nullptr) absent += std::string(absent.empty() ? "" : ", ") + symbol;
  WEIR_DRIVER_FUNCTIONS(WEIR_DRIVER_LOAD)
#undef WEIR_DRIVER_LOAD
  if (!absent.empty()) {
    return Error{ErrorKind::no_device, "the CUDA driver is too old: it lacks " + absent,
                 "Update the NVIDIA driver to 525 or newer."};
  }
  if (Status started = check(driver, driver.init(0), "cuInit"); !started) {
    Error error = started.error();
    error.kind = ErrorKind::no_device;
    return error;
  }
  driver.driver_get_version(&driver.version);
  return driver;
}

}  // namespace

Result<const Driver*> open_driver() {
  static const Result<Driver> driver = load_driver();
  if (!driver) return driver.error();
  return &*driver;
}

Status check(const Driver& driver, cuda::Code code, const char* call, const std::string& subject) {
  if (code == cuda::kSuccess) return ok_status();
  const char* name = nullptr;
  const char* text = nullptr;
  driver.get_error_name(code, &name);
  driver.get_error_string(code, &text);
  std::string message = std::string(call) + (subject.empty() ? "" : " (" + subject + ")") + ": " +
                        (name ? name : "error " + std::to_string(code)) +
                        (text ? std::string(", ") + text : "");
  const bool absent =
      code == cuda::kNoDevice || code == cuda::kInvalidDevice || code == cuda::kDeviceUnavailable;
  return Error{absent ? ErrorKind::no_device : ErrorKind::failed, std::move(message), advice_for(code)};
}

std::string driver_version(const Driver& driver) {
  std::ifstream module("/sys/module/nvidia/version");
  std::string text;
  if (module >> text) return text;
  // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Mon …": the first word that starts like a
  // version.
  std::ifstream proc("/proc/driver/nvidia/version");
  std::string line;
  if (std::getline(proc, line)) {
    std::istringstream words(line);
    while (words >> text) {
      if (text.size() > 4 && text.find_first_not_of("0123456789.") == std::string::npos) return text;
    }
  }
  return "CUDA " + std::to_string(driver.version / 1000) + "." + std::to_string(driver.version % 1000 / 10);
}

Result<int> device_count(const Driver& driver) {
  int count = 0;
  if (Status status = check(driver, driver.device_get_count(&count), "cuDeviceGetCount"); !status)
    return status.error();
  return count;
}

Result<cuda::Device> open_device(const Driver& driver, int ordinal) {
  const Result<int> count = device_count(driver);
  if (!count) return count.error();
  if (ordinal < 0 || ordinal >= count.value()) {
    return Error{
        ErrorKind::no_device,
        "GPU " + std::to_string(ordinal) + " does not exist: there are " + std::to_string(count.value()),
        "Choose an ordinal from 0, and check CUDA_VISIBLE_DEVICES."};
  }
  cuda::Device device = 0;
  if (Status status = check(driver, driver.device_get(&device, ordinal), "cuDeviceGet"); !status)
    return status.error();
  return device;
}

Result<std::int64_t> device_attribute(const Driver& driver, cuda::Device device,
                                      cuda::DeviceAttribute attribute) {
  int value = 0;
  const Status status = check(driver, driver.device_get_attribute(&value, attribute, device),
                              "cuDeviceGetAttribute", "attribute " + std::to_string(attribute));
  if (!status) return status.error();
  return std::int64_t{value};
}

Result<PrimaryContext> PrimaryContext::open(const Driver& driver, int ordinal) {
  const Result<cuda::Device> device = open_device(driver, ordinal);
  if (!device) return device.error();
  PrimaryContext context;
  if (Status status = check(driver, driver.primary_context_retain(&context.context_, device.value()),
                            "cuDevicePrimaryCtxRetain");
      !status) {
    return status.error();
  }
  context.device_ = {driver, device.value()};
  if (Status status = context.make_current(); !status) return status.error();
  return context;
}

Status PrimaryContext::make_current() const {
  return check(device_.driver(), device_.driver().context_set_current(context_), "cuCtxSetCurrent");
}

Result<ModuleHandle> load_module(const Driver& driver, std::span<const std::byte> image,
                                 const std::string& name) {
  cuda::Module module = nullptr;
  if (Status status = check(driver, driver.module_load_data(&module, image.data()), "cuModuleLoadData", name);
      !status) {
    return status.error();
  }
  return ModuleHandle(driver, module);
}

Result<ModuleHandle> load_module(const Driver& driver, const std::filesystem::path& cubin) {
  std::ifstream file(cubin, std::ios::binary);
  if (!file) {
    return Error{ErrorKind::missing, "cannot read " + cubin.string(),
                 "The compile cache was cleared meanwhile; build again."};
  }
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  return load_module(driver, std::as_bytes(std::span(bytes)), cubin.filename().string());
}

Result<cuda::Function> find_function(const ModuleHandle& module, const std::string& name) {
  cuda::Function function = nullptr;
  const Driver& driver = module.driver();
  const cuda::Code code = driver.module_get_function(&function, module.get(), name.c_str());
  if (code == cuda::kNotFound) {
    return Error{ErrorKind::failed, "the compiled code has no function " + name,
                 "Declare it extern \"C\" __global__, with the name that kernel.yaml gives."};
  }
  if (Status status = check(driver, code, "cuModuleGetFunction", name); !status) return status.error();
  return function;
}

Result<BufferHandle> allocate(const Driver& driver, std::size_t bytes) {
  cuda::DevicePointer pointer = 0;
  const Status status =
      check(driver, driver.mem_alloc(&pointer, bytes), "cuMemAlloc", std::to_string(bytes) + " bytes");
  if (!status) return status.error();
  return BufferHandle(driver, pointer);
}

Result<StreamHandle> create_stream(const Driver& driver) {
  cuda::Stream stream = nullptr;
  if (Status status =
          check(driver, driver.stream_create(&stream, cuda::kStreamNonBlocking), "cuStreamCreate");
      !status) {
    return status.error();
  }
  return StreamHandle(driver, stream);
}

Result<EventHandle> create_event(const Driver& driver) {
  cuda::Event event = nullptr;
  if (Status status = check(driver, driver.event_create(&event, cuda::kEventDefault), "cuEventCreate");
      !status) {
    return status.error();
  }
  return EventHandle(driver, event);
}

Status prepare_launch(const Driver& driver, cuda::Function function, const LaunchShape& shape) {
  if (shape.shared_bytes > 0) {
    const cuda::Code code = driver.function_set_attribute(function, cuda::kMaxDynamicSharedBytes,
                                                          static_cast<int>(shape.shared_bytes));
    const Status status = check(driver, code, "cuFuncSetAttribute",
                                std::to_string(shape.shared_bytes) + " bytes of shared memory");
    if (!status) return status;
  }
  constexpr unsigned kPortableCluster = 8;  // CUDA programming guide, thread block clusters
  if (shape.cluster[0] * shape.cluster[1] * shape.cluster[2] > kPortableCluster) {
    return check(driver, driver.function_set_attribute(function, cuda::kNonPortableClusterSizeAllowed, 1),
                 "cuFuncSetAttribute", "a cluster of more than 8 blocks");
  }
  return ok_status();
}

Status launch(const Driver& driver, cuda::Function function, const LaunchShape& shape, void** arguments,
              cuda::Stream stream) {
  const auto& [grid_x, grid_y, grid_z] = shape.grid;
  const auto& [block_x, block_y, block_z] = shape.threads;
  if (shape.cluster == std::array<unsigned, 3>{1, 1, 1}) {
    return check(driver,
                 driver.launch_kernel(function, grid_x, grid_y, grid_z, block_x, block_y, block_z,
                                      shape.shared_bytes, stream, arguments, nullptr),
                 "cuLaunchKernel");
  }
  cuda::LaunchAttribute cluster{};
  cluster.id = cuda::kClusterDimension;
  cluster.value.x = shape.cluster[0];
  cluster.value.y = shape.cluster[1];
  cluster.value.z = shape.cluster[2];
  const cuda::LaunchConfig config{grid_x, grid_y,   grid_z, block_x, block_y, block_z, shape.shared_bytes,
                                  stream, &cluster, 1};
  return check(driver, driver.launch_kernel_ex(&config, function, arguments, nullptr), "cuLaunchKernelEx");
}

}  // namespace weir
