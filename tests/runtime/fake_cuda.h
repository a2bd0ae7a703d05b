// A stand-in for libcuda.so.1: one device, modules that are never run, launches that are written down.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

struct FakeLaunch {
  std::string function;
  std::array<unsigned, 3> grid, threads;
  unsigned shared_bytes;
  void* stream;
  std::array<std::uint64_t, 2> pointers;  // the first two parameters
  std::int32_t integer;                   // the third
  float real = 0;                         // the fourth and fifth of the kernel "segments"
  std::uint64_t table = 0;
};

struct FakeTensorMap {
  int element_type;  // CUtensorMapDataType
  unsigned long long address;
  int swizzle;                            // CUtensorMapSwizzle
  std::vector<unsigned long long> shape;  // innermost dimension first, like the rest
  std::vector<unsigned long long> strides;
  std::vector<unsigned> box;
  bool whole = true;  // every element, and the map aligned as the driver demands
};

struct FakeCuda {
  std::vector<FakeLaunch> launches;
  std::vector<FakeTensorMap> tensor_maps;
  int encode_code = 0;  // what cuTensorMapEncodeTiled answers
  int modules_loaded = 0, modules_unloaded = 0;
  int largest_shared_bytes = 0;
  bool context_current = true;
  int launch_code = 0;  // what cuLaunchKernel answers
  int load_code = 0;    // what cuModuleLoadData answers
  unsigned char first_image_byte = 0;
};
extern "C" FakeCuda* fake_cuda();
