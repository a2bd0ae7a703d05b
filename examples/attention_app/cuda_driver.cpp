#include "cuda_driver.h"

#include <dlfcn.h>

template <typename Function>
Function* CudaDevice::find(const char* name) const {
  void* symbol = ::dlsym(library_, name);
  if (symbol == nullptr) throw NoDevice(std::string("the CUDA driver is too old: it has no ") + name);
  return reinterpret_cast<Function*>(symbol);
}

void CudaDevice::check(int code, const char* call) const {
  if (code == 0) return;
  const char* text = nullptr;
  find<int(int, const char**)>("cuGetErrorString")(code, &text);
  const std::string message =
      std::string(call) + ": " + (text ? text : "unknown error") + " (" + std::to_string(code) + ")";
  constexpr int kNoDevice = 100, kInvalidDevice = 101, kStub = 34;
  if (code == kNoDevice || code == kInvalidDevice || code == kStub) throw NoDevice(message);
  throw CudaError(message);
}

CudaDevice::CudaDevice(int ordinal) : library_(::dlopen("libcuda.so.1", RTLD_NOW)) {
  if (library_ == nullptr) throw NoDevice(std::string("no CUDA driver: ") + ::dlerror());
  check(find<int(unsigned)>("cuInit")(0), "cuInit");
  check(find<int(int*, int)>("cuDeviceGet")(&device_, ordinal), "cuDeviceGet");
  check(find<int(void**, int)>("cuDevicePrimaryCtxRetain")(&context_, device_), "cuDevicePrimaryCtxRetain");
  check(find<int(void*)>("cuCtxSetCurrent")(context_), "cuCtxSetCurrent");
}

CudaDevice::~CudaDevice() {
  find<int(int)>("cuDevicePrimaryCtxRelease_v2")(device_);
}

std::string CudaDevice::name() const {
  char text[256] = {};
  check(find<int(char*, int, int)>("cuDeviceGetName")(text, sizeof text - 1, device_), "cuDeviceGetName");
  return text;
}

std::uint64_t CudaDevice::allocate(std::size_t bytes) {
  unsigned long long address = 0;
  check(find<int(unsigned long long*, std::size_t)>("cuMemAlloc_v2")(&address, bytes), "cuMemAlloc");
  return address;
}

void CudaDevice::free(std::uint64_t address) {
  find<int(unsigned long long)>("cuMemFree_v2")(address);
}

void CudaDevice::upload(std::uint64_t to, const void* from, std::size_t bytes) {
  check(find<int(unsigned long long, const void*, std::size_t)>("cuMemcpyHtoD_v2")(to, from, bytes),
        "cuMemcpyHtoD");
}

void CudaDevice::download(void* to, std::uint64_t from, std::size_t bytes) {
  check(find<int(void*, unsigned long long, std::size_t)>("cuMemcpyDtoH_v2")(to, from, bytes),
        "cuMemcpyDtoH");
}

void CudaDevice::fill(std::uint64_t address, unsigned char value, std::size_t bytes) {
  check(find<int(unsigned long long, unsigned char, std::size_t)>("cuMemsetD8_v2")(address, value, bytes),
        "cuMemsetD8");
}

void CudaDevice::synchronize() {
  check(find<int()>("cuCtxSynchronize")(), "cuCtxSynchronize");
}
