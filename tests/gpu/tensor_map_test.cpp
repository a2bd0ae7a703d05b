// What the driver is told of a tensor, over a stand-in for its function.
#include "gpu/tensor_map.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

struct Call {
  int type = 0, swizzle = 0;
  unsigned long long address = 0;
  std::vector<std::uint64_t> shape, strides;
  std::vector<std::uint32_t> box, element_strides;
};
std::vector<Call> calls;
int answer = 0;

int record(void* map, int type, unsigned rank, cuda::DevicePointer address, const std::uint64_t* shape,
           const std::uint64_t* strides, const std::uint32_t* box, const std::uint32_t* element_strides, int,
           int swizzle, int, int) {
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(map) % 64, 0u);
  *static_cast<unsigned char*>(map) = 7;
  calls.push_back({.type = type,
                   .swizzle = swizzle,
                   .address = address,
                   .shape = {shape, shape + rank},
                   .strides = {strides, strides + rank - 1},
                   .box = {box, box + rank},
                   .element_strides = {element_strides, element_strides + rank}});
  return answer;
}

Driver stand_in() {
  Driver driver;
  driver.tensor_map_encode_tiled = &record;
  driver.get_error_name = [](cuda::Code, const char** name) { return *name = "CUDA_ERROR_FAKE", 0; };
  driver.get_error_string = [](cuda::Code, const char** text) { return *text = "as the test asked", 0; };
  calls.clear();
  answer = 0;
  return driver;
}

const TensorMap kMap{.element = Element::bf16,
                     .shape = {3, 1000, 256},
                     .strides_bytes = {512000, 512, 2},
                     .box = {1, 64, 32},
                     .swizzle_bytes = 64};

TEST(EncodeTensorMap, GivesTheDriverDimensionsInnermostFirstAndNoInnermostStride) {
  const Driver driver = stand_in();
  const Result<EncodedTensorMap> encoded = encode(driver, kMap, 0x12340);
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->bytes[0], std::byte{7});
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].type, 9) << "CU_TENSOR_MAP_DATA_TYPE_BFLOAT16";
  EXPECT_EQ(calls[0].swizzle, 2) << "CU_TENSOR_MAP_SWIZZLE_64B";
  EXPECT_EQ(calls[0].address, 0x12340u);
  EXPECT_EQ(calls[0].shape, (std::vector<std::uint64_t>{256, 1000, 3}));
  EXPECT_EQ(calls[0].strides, (std::vector<std::uint64_t>{512, 512000}));
  EXPECT_EQ(calls[0].box, (std::vector<std::uint32_t>{32, 64, 1}));
  EXPECT_EQ(calls[0].element_strides, (std::vector<std::uint32_t>{1, 1, 1}));
}

TEST(EncodeTensorMap, OfNothingIsZerosWithoutTheDriver) {
  const Driver driver = stand_in();
  const Result<EncodedTensorMap> encoded = encode(driver, TensorMap{}, 0);
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->bytes, (std::array<std::byte, 128>{}));
  EXPECT_TRUE(calls.empty());
}

TEST(EncodeTensorMap, SaysWhatTheDriverRefused) {
  const Driver driver = stand_in();
  answer = 1;
  const Result<EncodedTensorMap> encoded = encode(driver, kMap, 0);
  ASSERT_FALSE(encoded.ok());
  EXPECT_NE(encoded.error().message.find("cuTensorMapEncodeTiled"), std::string::npos);
}

}  // namespace
}  // namespace weir
