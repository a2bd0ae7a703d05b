// The CUDA driver, opened at run time. A program that links this runs on machines without a GPU and says what
// is missing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "gpu/driver_api.h"

namespace weir {

// The driver's entry points. Immutable after open_driver; every function is as thread-safe as CUDA makes it.
struct Driver {
#define WEIR_DRIVER_MEMBER(member, symbol, parameters) cuda::Code(*member) parameters = nullptr;
  WEIR_DRIVER_FUNCTIONS(WEIR_DRIVER_MEMBER)
#undef WEIR_DRIVER_MEMBER
  int version = 0;  // cuDriverGetVersion: 13000 for CUDA 13.0
};

// Opens libcuda.so.1 and calls cuInit, once per process; later calls return the same answer. Thread-safe. The
// driver stays open until the process ends. ErrorKind::no_device if there is no driver or it finds no GPU.
Result<const Driver*> open_driver();

// `code` as a Status. `call` is the driver function's name, `subject` what it was called for ("gemm.cubin"),
// may be empty. A missing GPU is ErrorKind::no_device, everything else ErrorKind::failed.
Status check(const Driver& driver, cuda::Code code, const char* call, const std::string& subject = {});

// "580.159.04" where the kernel module says it, otherwise "CUDA 13.0".
std::string driver_version(const Driver& driver);

Result<int> device_count(const Driver& driver);
// CUDA_VISIBLE_DEVICES applies. Errors list how many devices there are.
Result<cuda::Device> open_device(const Driver& driver, int ordinal);
Result<std::int64_t> device_attribute(const Driver& driver, cuda::Device device,
                                      cuda::DeviceAttribute attribute);

// A driver object that is released when its owner goes. Move-only.
template <typename T, auto Release>
class DriverHandle {
 public:
  DriverHandle() = default;
  DriverHandle(const Driver& driver, T value) : driver_(&driver), value_(value) {}
  DriverHandle(DriverHandle&& other) noexcept
      : driver_(std::exchange(other.driver_, nullptr)), value_(std::exchange(other.value_, T{})) {}
  DriverHandle& operator=(DriverHandle&& other) noexcept {
    std::swap(driver_, other.driver_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~DriverHandle() {
    // After a sticky error every release fails too; there is nothing left to release then.
    if (driver_ != nullptr) (driver_->*Release)(value_);
  }

  T get() const { return value_; }
  const Driver& driver() const { return *driver_; }
  explicit operator bool() const { return driver_ != nullptr; }

 private:
  const Driver* driver_ = nullptr;
  T value_{};
};

using ModuleHandle = DriverHandle<cuda::Module, &Driver::module_unload>;
using StreamHandle = DriverHandle<cuda::Stream, &Driver::stream_destroy>;
using EventHandle = DriverHandle<cuda::Event, &Driver::event_destroy>;
using BufferHandle = DriverHandle<cuda::DevicePointer, &Driver::mem_free>;

// The device's primary context, the one that the CUDA runtime uses too.
class PrimaryContext {
 public:
  // Retains the context and makes it current on this thread.
  static Result<PrimaryContext> open(const Driver& driver, int ordinal);
  // Needed once on every thread that makes driver calls.
  Status make_current() const;

  cuda::Context get() const { return context_; }
  cuda::Device device() const { return device_.get(); }

 private:
  DriverHandle<cuda::Device, &Driver::primary_context_release> device_;
  cuda::Context context_ = nullptr;
};

// The functions below act on the calling thread's current context.

Result<ModuleHandle> load_module(const Driver& driver, std::span<const std::byte> image,
                                 const std::string& name);
Result<ModuleHandle> load_module(const Driver& driver, const std::filesystem::path& cubin);
Result<cuda::Function> find_function(const ModuleHandle& module, const std::string& name);

Result<BufferHandle> allocate(const Driver& driver, std::size_t bytes);
Result<StreamHandle> create_stream(const Driver& driver);
Result<EventHandle> create_event(const Driver& driver);

struct LaunchShape {
  std::array<unsigned, 3> grid{1, 1, 1};
  std::array<unsigned, 3> threads{1, 1, 1};
  std::array<unsigned, 3> cluster{1, 1, 1};
  unsigned shared_bytes = 0;  // dynamic

  bool operator==(const LaunchShape&) const = default;
};

// Lets the function use this much dynamic shared memory and a cluster of this size. Needed once before
// launches with the shape.
Status prepare_launch(const Driver& driver, cuda::Function function, const LaunchShape& shape);
// Queues one launch. `arguments` points at one value per kernel parameter, as for cuLaunchKernel.
Status launch(const Driver& driver, cuda::Function function, const LaunchShape& shape, void** arguments,
              cuda::Stream stream);

}  // namespace weir
