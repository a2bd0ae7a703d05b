// The part of the CUDA driver's interface that Weir calls, declared here so that neither the toolkit's
// headers nor libcuda are needed to build. Handles are the same types as in cuda.h, so both may be used
// together.
#pragma once

#include <cstddef>
#include <cstdint>

struct CUctx_st;
struct CUmod_st;
struct CUfunc_st;
struct CUstream_st;
struct CUevent_st;

namespace weir::cuda {

using Context = CUctx_st*;
using Module = CUmod_st*;
using Function = CUfunc_st*;
using Stream = CUstream_st*;
using Event = CUevent_st*;
using Device = int;
using DevicePointer = unsigned long long;

// CUresult. Only the codes that Weir acts on have names; the driver names the others.
using Code = int;
inline constexpr Code kSuccess = 0;
inline constexpr Code kInvalidValue = 1;
inline constexpr Code kOutOfMemory = 2;
inline constexpr Code kStubLibrary = 34;
inline constexpr Code kDeviceUnavailable = 46;
inline constexpr Code kNoDevice = 100;
inline constexpr Code kInvalidDevice = 101;
inline constexpr Code kInvalidImage = 200;
inline constexpr Code kNoBinaryForGpu = 209;
inline constexpr Code kNotFound = 500;
inline constexpr Code kNotReady = 600;
inline constexpr Code kIllegalAddress = 700;
inline constexpr Code kLaunchOutOfResources = 701;
inline constexpr Code kLaunchTimeout = 702;
inline constexpr Code kAssert = 710;
inline constexpr Code kIllegalInstruction = 715;
inline constexpr Code kMisalignedAddress = 716;
inline constexpr Code kLaunchFailed = 719;
inline constexpr Code kSystemNotReady = 802;
inline constexpr Code kSystemDriverMismatch = 803;
inline constexpr Code kCompatNotSupported = 804;
inline constexpr Code kInvalidClusterSize = 912;

// CUdevice_attribute.
enum DeviceAttribute : int {
  kMaxThreadsPerBlock = 1,
  kClockRateKilohertz = 13,
  kMultiprocessorCount = 16,
  kMemoryClockRateKilohertz = 36,
  kMemoryBusWidthBits = 37,
  kL2CacheBytes = 38,
  kMaxThreadsPerMultiprocessor = 39,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
  kSharedBytesPerMultiprocessor = 81,
  kRegistersPerMultiprocessor = 82,
  kSharedBytesPerBlockOptIn = 97,
  kMaxBlocksPerMultiprocessor = 106,
  kReservedSharedBytesPerBlock = 111,
  kClusterLaunch = 120,
};

// CUfunction_attribute.
enum FunctionAttribute : int {
  kStaticSharedBytes = 1,
  kLocalBytes = 3,
  kRegisters = 4,
  kMaxDynamicSharedBytes = 8,
  kNonPortableClusterSizeAllowed = 14,
};

struct Uuid {
  unsigned char bytes[16];
};

// CUlaunchAttribute and CUlaunchConfig; the value is a union of 64 bytes of which Weir writes only the
// cluster's size.
struct LaunchAttribute {
  int id;
  int padding;
  struct {
    unsigned x, y, z;
    unsigned rest[13];
  } value;
};
static_assert(sizeof(LaunchAttribute) == 72);
inline constexpr int kClusterDimension = 4;

struct LaunchConfig {
  unsigned grid_x, grid_y, grid_z;
  unsigned block_x, block_y, block_z;
  unsigned shared_bytes;
  Stream stream;
  LaunchAttribute* attributes;
  unsigned attribute_count;
};

inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr unsigned kEventDefault = 0;

}  // namespace weir::cuda

// Every driver function that Weir calls: member of Driver, exported symbol, parameters.
#define WEIR_DRIVER_FUNCTIONS(X)                                                                         \
  X(init, "cuInit", (unsigned))                                                                          \
  X(driver_get_version, "cuDriverGetVersion", (int*))                                                    \
  X(get_error_name, "cuGetErrorName", (cuda::Code, const char**))                                        \
  X(get_error_string, "cuGetErrorString", (cuda::Code, const char**))                                    \
  X(device_get_count, "cuDeviceGetCount", (int*))                                                        \
  X(device_get, "cuDeviceGet", (cuda::Device*, int))                                                     \
  X(device_get_name, "cuDeviceGetName", (char*, int, cuda::Device))                                      \
  X(device_get_uuid, "cuDeviceGetUuid_v2", (cuda::Uuid*, cuda::Device))                                  \
  X(device_get_attribute, "cuDeviceGetAttribute", (int*, int, cuda::Device))                             \
  X(device_total_mem, "cuDeviceTotalMem_v2", (std::size_t*, cuda::Device))                               \
  X(primary_context_retain, "cuDevicePrimaryCtxRetain", (cuda::Context*, cuda::Device))                  \
  X(primary_context_release, "cuDevicePrimaryCtxRelease_v2", (cuda::Device))                             \
  X(context_get_current, "cuCtxGetCurrent", (cuda::Context*))                                            \
  X(context_set_current, "cuCtxSetCurrent", (cuda::Context))                                             \
  X(context_get_device, "cuCtxGetDevice", (cuda::Device*))                                               \
  X(context_synchronize, "cuCtxSynchronize", ())                                                         \
  X(module_load_data, "cuModuleLoadData", (cuda::Module*, const void*))                                  \
  X(module_unload, "cuModuleUnload", (cuda::Module))                                                     \
  X(module_get_function, "cuModuleGetFunction", (cuda::Function*, cuda::Module, const char*))            \
  X(function_get_attribute, "cuFuncGetAttribute", (int*, int, cuda::Function))                           \
  X(function_set_attribute, "cuFuncSetAttribute", (cuda::Function, int, int))                            \
  X(launch_kernel, "cuLaunchKernel",                                                                     \
    (cuda::Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, cuda::Stream, \
     void**, void**))                                                                                    \
  X(launch_kernel_ex, "cuLaunchKernelEx", (const cuda::LaunchConfig*, cuda::Function, void**, void**))   \
  X(tensor_map_encode_tiled, "cuTensorMapEncodeTiled",                                                   \
    (void*, int, unsigned, cuda::DevicePointer, const std::uint64_t*, const std::uint64_t*,              \
     const std::uint32_t*, const std::uint32_t*, int, int, int, int))                                    \
  X(occupancy_blocks_per_sm, "cuOccupancyMaxActiveBlocksPerMultiprocessor",                              \
    (int*, cuda::Function, int, std::size_t))                                                            \
  X(mem_get_info, "cuMemGetInfo_v2", (std::size_t*, std::size_t*))                                       \
  X(mem_alloc, "cuMemAlloc_v2", (cuda::DevicePointer*, std::size_t))                                     \
  X(mem_free, "cuMemFree_v2", (cuda::DevicePointer))                                                     \
  X(copy_to_device, "cuMemcpyHtoD_v2", (cuda::DevicePointer, const void*, std::size_t))                  \
  X(copy_to_host, "cuMemcpyDtoH_v2", (void*, cuda::DevicePointer, std::size_t))                          \
  X(copy_on_device_async, "cuMemcpyDtoDAsync_v2",                                                        \
    (cuda::DevicePointer, cuda::DevicePointer, std::size_t, cuda::Stream))                               \
  X(memset_8_async, "cuMemsetD8Async", (cuda::DevicePointer, unsigned char, std::size_t, cuda::Stream))  \
  X(stream_create, "cuStreamCreate", (cuda::Stream*, unsigned))                                          \
  X(stream_destroy, "cuStreamDestroy_v2", (cuda::Stream))                                                \
  X(stream_synchronize, "cuStreamSynchronize", (cuda::Stream))                                           \
  X(stream_query, "cuStreamQuery", (cuda::Stream))                                                       \
  X(event_create, "cuEventCreate", (cuda::Event*, unsigned))                                             \
  X(event_destroy, "cuEventDestroy_v2", (cuda::Event))                                                   \
  X(event_record, "cuEventRecord", (cuda::Event, cuda::Stream))                                          \
  X(event_query, "cuEventQuery", (cuda::Event))                                                          \
  X(event_synchronize, "cuEventSynchronize", (cuda::Event))                                              \
  X(event_elapsed_time, "cuEventElapsedTime", (float*, cuda::Event, cuda::Event))
