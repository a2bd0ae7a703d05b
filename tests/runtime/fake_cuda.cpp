#include "tests/runtime/fake_cuda.h"

#include <cstddef>
#include <cstring>
#include <map>

namespace {

FakeCuda state;
char context, module;
std::map<std::string, char> functions;

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

FakeCuda* fake_cuda() {
  return &state;
}

int cuDriverGetVersion(int* version) {
  *version = 13000;
  return 0;
}
int cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_FAKE";
  return 0;
}
int cuGetErrorString(int, const char** text) {
  *text = "as the test asked";
  return 0;
}
int cuDeviceGetCount(int* count) {
  *count = 1;
  return 0;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? 0 : 101;
}
int cuDeviceGetName(char* name, int bytes, int) {
  std::strncpy(name, "NVIDIA H100 80GB HBM3", static_cast<std::size_t>(bytes));
  return 0;
}
int cuDeviceGetUuid_v2(unsigned char* uuid, int) {
  std::memset(uuid, 1, 16);
  return 0;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  // By the numbers of CUdevice_attribute; the others don't matter here.
  static const std::map<int, int> values{{16, 132}, {38, 52428800}, {39, 2048},  {75, 9},
                                         {76, 0},   {81, 233472},   {82, 65536}, {97, 232448}};
  const auto found = values.find(attribute);
  *value = found == values.end() ? 1 : found->second;
  return 0;
}
int cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  *bytes = std::size_t{80} << 30;
  return 0;
}
int cuCtxGetCurrent(void** current) {
  *current = state.context_current ? &context : nullptr;
  return 0;
}
int cuModuleLoadData(void** loaded, const void* image) {
  state.first_image_byte = *static_cast<const unsigned char*>(image);
  if (state.load_code != 0) return state.load_code;
  ++state.modules_loaded;
  *loaded = &module;
  return 0;
}
int cuModuleUnload(void*) {
  ++state.modules_unloaded;
  return 0;
}
int cuModuleGetFunction(void** function, void*, const char* name) {
  *function = &functions[name];
  return 0;
}
int cuFuncSetAttribute(void*, int attribute, int value) {
  if (attribute == 8) state.largest_shared_bytes = value;
  return 0;
}
int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared_bytes, void* stream, void** parameters, void**) {
  if (state.launch_code != 0) return state.launch_code;
  FakeLaunch launch{{}, {gx, gy, gz}, {bx, by, bz}, shared_bytes, stream, {}, 0};
  for (const auto& [name, address] : functions) {
    if (&address == function) launch.function = name;
  }
  for (std::size_t i = 0; i < 2; ++i) std::memcpy(&launch.pointers[i], parameters[i], 8);
  std::memcpy(&launch.integer, parameters[2], 4);
  if (launch.function == "segments") {
    std::memcpy(&launch.real, parameters[3], 4);
    std::memcpy(&launch.table, parameters[4], 8);
  }
  state.launches.push_back(launch);
  return 0;
}

int cuTensorMapEncodeTiled(void* map, int type, unsigned dimensions, unsigned long long address,
                           const unsigned long long* shape, const unsigned long long* strides,
                           const unsigned* box, const unsigned* element_strides, int, int swizzle, int, int) {
  FakeTensorMap fake{.element_type = type, .address = address, .swizzle = swizzle};
  fake.shape.assign(shape, shape + dimensions);
  fake.strides.assign(strides, strides + dimensions - 1);
  fake.box.assign(box, box + dimensions);
  for (unsigned i = 0; i < dimensions; ++i) fake.whole &= element_strides[i] == 1;
  fake.whole &= reinterpret_cast<std::size_t>(map) % 64 == 0;
  std::memset(map, static_cast<int>(state.tensor_maps.size()) + 1, 128);
  state.tensor_maps.push_back(fake);
  return state.encode_code;
}

#define WEIR_FAKE(symbol) \
  int symbol() {          \
    return 0;             \
  }
WEIR_FAKE(cuInit)
WEIR_FAKE(cuDevicePrimaryCtxRetain)
WEIR_FAKE(cuDevicePrimaryCtxRelease_v2)
WEIR_FAKE(cuCtxSetCurrent)
WEIR_FAKE(cuCtxGetDevice)
WEIR_FAKE(cuCtxSynchronize)
WEIR_FAKE(cuFuncGetAttribute)
WEIR_FAKE(cuLaunchKernelEx)
WEIR_FAKE(cuOccupancyMaxActiveBlocksPerMultiprocessor)
WEIR_FAKE(cuMemGetInfo_v2)
WEIR_FAKE(cuMemAlloc_v2)
WEIR_FAKE(cuMemFree_v2)
WEIR_FAKE(cuMemcpyHtoD_v2)
WEIR_FAKE(cuMemcpyDtoH_v2)
WEIR_FAKE(cuMemcpyDtoDAsync_v2)
WEIR_FAKE(cuMemsetD8Async)
WEIR_FAKE(cuStreamCreate)
WEIR_FAKE(cuStreamDestroy_v2)
WEIR_FAKE(cuStreamSynchronize)
WEIR_FAKE(cuStreamQuery)
WEIR_FAKE(cuEventCreate)
WEIR_FAKE(cuEventDestroy_v2)
WEIR_FAKE(cuEventRecord)
WEIR_FAKE(cuEventQuery)
WEIR_FAKE(cuEventSynchronize)
WEIR_FAKE(cuEventElapsedTime)
#undef WEIR_FAKE

}  // extern "C"
#pragma GCC visibility pop
