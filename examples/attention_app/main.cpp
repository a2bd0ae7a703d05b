// A complete application of Weir: attention with whatever tiling was tuned for this GPU and problem.
//
//   attention_app kernels.weir "heads_q=16,seq_q=4096,head_dim=128,causal=true"
//
// Exit codes: 0 the output is right; 1 it is wrong or something failed; 2 usage; 3 no GPU; 7 the file has no
// kernel for this.
#include <weir.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <random>

#include "attention_reference.h"
#include "cuda_driver.h"

namespace {

enum ExitCode { kRight = 0, kWrong = 1, kUsage = 2, kNoGpu = 3, kMiss = 7 };

// The shape as the picked kernel sees it: defaults are filled in.
AttentionShape shape_of(const std::vector<weir_tensor_info>& tensors, bool causal) {
  AttentionShape shape;
  for (const weir_tensor_info& tensor : tensors) {
    if (std::strcmp(tensor.name, "q") == 0) {
      shape.batch = tensor.shape[0];
      shape.seq_q = tensor.shape[1];
      shape.heads_q = tensor.shape[2];
      shape.head_dim = tensor.shape[3];
    } else if (std::strcmp(tensor.name, "k") == 0) {
      shape.seq_kv = tensor.shape[1];
      shape.heads_kv = tensor.shape[2];
    }
  }
  shape.causal = causal;
  return shape;
}

std::vector<std::uint16_t> random_bf16(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) value = to_bf16(normal(random));
  return values;
}

// Sampled rows against double precision. The limit on the error, 1% of the output's size, is about three
// times what rounding the softmax's weights and the output to bf16 costs, and far below the error of a wrong
// tile.
bool output_is_right(const AttentionShape& shape,
                     const std::map<std::string, std::vector<std::uint16_t>>& inputs,
                     const std::vector<std::uint16_t>& o, const std::vector<float>& lse) {
  constexpr int kRows = 64;
  std::mt19937_64 random(7);
  const auto below = [&](std::int64_t bound) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound));
  };
  double error = 0, size = 0, lse_error = 0;
  for (int sample = 0; sample < kRows; ++sample) {
    const std::int64_t sequence = below(shape.batch), head = below(shape.heads_q);
    // The first and the last row see the fewest and the most keys.
    const std::int64_t query = sample == 0 ? 0 : sample == 1 ? shape.seq_q - 1 : below(shape.seq_q);
    const AttentionRow expected =
        attention_row(shape, inputs.at("q"), inputs.at("k"), inputs.at("v"), sequence, head, query);
    const std::int64_t row = (sequence * shape.seq_q + query) * shape.heads_q + head;
    for (std::int64_t i = 0; i < shape.head_dim; ++i) {
      const double found = from_bf16(o[static_cast<std::size_t>(row * shape.head_dim + i)]);
      const double wanted = expected.o[static_cast<std::size_t>(i)];
      error += (found - wanted) * (found - wanted);  // a NaN stays one
      size += wanted * wanted;
    }
    const double found_lse =
        lse[static_cast<std::size_t>((sequence * shape.heads_q + head) * shape.seq_q + query)];
    if (found_lse != expected.lse) lse_error = std::max(lse_error, std::abs(found_lse - expected.lse));
    if (std::isnan(found_lse)) lse_error = INFINITY;
  }
  const double relative = size > 0 ? std::sqrt(error / size) : std::sqrt(error);
  const bool right = relative < 0.01 && lse_error < 1e-3;
  std::printf("check     %d rows: relative error %.2e (limit 1e-02), log-sum-exp %.1e (limit 1e-03): %s\n",
              kRows, relative, lse_error, right ? "right" : "WRONG");
  return right;
}

int run(const char* file, const std::string& problem) {
  CudaDevice device(0);
  weir_options options{};
  options.log = [](void*, const char* message) { std::fprintf(stderr, "%s\n", message); };
  weir::runtime::Kernel kernel = weir::runtime::File(file, options).pick("attention_forward", problem);
  const weir_kernel_info info = kernel.info();
  constexpr const char* kMatches[] = {"exact", "near problem", "near device", "default", "none"};
  std::printf("device    %s\nproblem   %s\npick      %s (%s)\nbecause   %s\n", device.name().c_str(),
              info.problem, info.config, kMatches[info.match], info.reason);
  if (!kernel) return kMiss;

  std::map<std::string, std::unique_ptr<DeviceBuffer>> buffers;
  std::map<std::string, std::vector<std::uint16_t>> inputs;
  std::vector<weir_tensor> arguments;
  unsigned seed = 1;
  for (const weir_tensor_info& tensor : kernel.tensors()) {
    auto& buffer = buffers[tensor.name] =
        std::make_unique<DeviceBuffer>(device, static_cast<std::size_t>(tensor.bytes));
    if (tensor.role == WEIR_ROLE_IN) {
      if (std::strcmp(tensor.element, "bf16") != 0) {
        std::fprintf(stderr, "this program fills bf16 tensors only; %s is %s\n", tensor.name, tensor.element);
        return kUsage;
      }
      auto& values = inputs[tensor.name] = random_bf16(static_cast<std::size_t>(tensor.bytes) / 2, seed++);
      device.upload(buffer->address(), values.data(), static_cast<std::size_t>(tensor.bytes));
    } else {
      device.fill(buffer->address(), tensor.zero_before_launch ? 0x00 : 0xFF,
                  buffer->bytes());  // 0xFF…: not a number
    }
    arguments.push_back({tensor.name, buffer->address()});
  }
  const bool causal = std::strstr(info.problem, "causal=true") != nullptr;
  const AttentionShape shape = shape_of(kernel.tensors(), causal);

  kernel.launch(nullptr, arguments);
  device.synchronize();
  std::vector<std::uint16_t> o(buffers.at("o")->bytes() / 2);
  std::vector<float> lse(buffers.at("lse")->bytes() / 4);
  device.download(o.data(), buffers.at("o")->address(), buffers.at("o")->bytes());
  device.download(lse.data(), buffers.at("lse")->address(), buffers.at("lse")->bytes());
  if (!output_is_right(shape, inputs, o, lse)) return kWrong;

  constexpr int kLaunches = 50;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kLaunches; ++i) kernel.launch(nullptr, arguments);
  device.synchronize();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / kLaunches;
  const double flops = 4.0 * static_cast<double>(shape.batch * shape.heads_q * shape.head_dim) *
                       static_cast<double>(shape.seq_q) * static_cast<double>(shape.seq_kv) *
                       (causal ? 0.5 : 1.0);
  std::printf("time      %.1f us with a warm L2, %.1f TFLOP/s", seconds * 1e6, flops / seconds * 1e-12);
  if (info.median_seconds > 0)
    std::printf("; %.1f us with a cold one when it was tuned", info.median_seconds * 1e6);
  std::printf("\n");
  return kRight;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(
        stderr,
        "usage: %s SHIP_FILE heads_q=…,seq_q=…,head_dim=…[,batch=…,heads_kv=…,seq_kv=…,causal=true]\n",
        argv[0]);
    return kUsage;
  }
  try {
    return run(argv[1], argv[2]);
  } catch (const NoDevice& error) {
    std::fprintf(stderr, "no usable GPU: %s\n", error.what());
    return kNoGpu;
  } catch (const weir::runtime::Failure& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.status() == WEIR_ERROR_NO_DEVICE ? kNoGpu : kWrong;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kWrong;
  }
}
