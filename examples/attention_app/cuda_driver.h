// The dozen CUDA driver calls that this program makes, opened at run time: it needs a driver, not the CUDA
// toolkit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// No driver or no GPU.
class NoDevice : public CudaError {
 public:
  using CudaError::CudaError;
};

// One GPU with its primary context, current on the thread that made it.
class CudaDevice {
 public:
  explicit CudaDevice(int ordinal);
  ~CudaDevice();
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  std::string name() const;
  std::uint64_t allocate(std::size_t bytes);
  void free(std::uint64_t address);
  void upload(std::uint64_t to, const void* from, std::size_t bytes);
  void download(void* to, std::uint64_t from, std::size_t bytes);
  void fill(std::uint64_t address, unsigned char value, std::size_t bytes);
  void synchronize();

 private:
  void check(int code, const char* call) const;
  template <typename Function>
  Function* find(const char* name) const;

  void* library_ = nullptr;
  int device_ = 0;
  void* context_ = nullptr;
};

// Device memory that is freed with its owner.
class DeviceBuffer {
 public:
  DeviceBuffer(CudaDevice& device, std::size_t bytes)
      : device_(device), bytes_(bytes), address_(device.allocate(bytes)) {}
  ~DeviceBuffer() { device_.free(address_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  std::uint64_t address() const { return address_; }
  std::size_t bytes() const { return bytes_; }

 private:
  CudaDevice& device_;
  std::size_t bytes_;
  std::uint64_t address_;
};
