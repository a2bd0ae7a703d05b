#include "gpu/device_facts.h"

#include "gpu/driver.h"

namespace weir {
namespace {

std::string format_uuid(const cuda::Uuid& uuid) {
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += "0123456789abcdef"[uuid.bytes[i] >> 4];
    text += "0123456789abcdef"[uuid.bytes[i] & 15];
  }
  return text;
}

}  // namespace

Result<DeviceFacts> query_device(const Driver& driver, int ordinal) {
  const Result<cuda::Device> opened = open_device(driver, ordinal);
  if (!opened) return opened.error();
  const cuda::Device device = opened.value();

  char name[256] = {};
  if (Status s = check(driver, driver.device_get_name(name, sizeof name, device), "cuDeviceGetName"); !s)
    return s.error();
  cuda::Uuid uuid{};
  if (Status s = check(driver, driver.device_get_uuid(&uuid, device), "cuDeviceGetUuid"); !s)
    return s.error();
  std::size_t dram_bytes = 0;
  if (Status s = check(driver, driver.device_total_mem(&dram_bytes, device), "cuDeviceTotalMem"); !s)
    return s.error();

  Error first_error;
  bool failed = false;
  auto attribute = [&](cuda::DeviceAttribute which) -> std::int64_t {
    const Result<std::int64_t> value = device_attribute(driver, device, which);
    if (value) return value.value();
    if (!failed) first_error = value.error();
    failed = true;
    return 0;
  };
  constexpr std::int64_t kKilo = 1000;
  DeviceFacts facts{.name = name,
                    .uuid = format_uuid(uuid),
                    .ordinal = ordinal,
                    .limits = {.compute_capability = attribute(cuda::kComputeCapabilityMajor) * 10 +
                                                     attribute(cuda::kComputeCapabilityMinor),
                               .sm_count = attribute(cuda::kMultiprocessorCount),
                               .max_threads_per_sm = attribute(cuda::kMaxThreadsPerMultiprocessor),
                               .registers_per_sm = attribute(cuda::kRegistersPerMultiprocessor),
                               .shared_bytes_per_sm = attribute(cuda::kSharedBytesPerMultiprocessor),
                               .shared_bytes_per_block = attribute(cuda::kSharedBytesPerBlockOptIn),
                               .l2_bytes = attribute(cuda::kL2CacheBytes)},
                    .max_blocks_per_sm = attribute(cuda::kMaxBlocksPerMultiprocessor),
                    .shared_reserved_bytes_per_block = attribute(cuda::kReservedSharedBytesPerBlock),
                    .dram_bytes = static_cast<std::int64_t>(dram_bytes),
                    .sm_clock_hertz = attribute(cuda::kClockRateKilohertz) * kKilo,
                    .memory_clock_hertz = attribute(cuda::kMemoryClockRateKilohertz) * kKilo,
                    .memory_bus_bits = attribute(cuda::kMemoryBusWidthBits),
                    .driver_version = driver_version(driver)};
  if (failed) return first_error;
  return facts;
}

}  // namespace weir
