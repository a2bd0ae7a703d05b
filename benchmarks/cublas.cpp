#include "benchmarks/cublas.h"

#include <limits>

#include "gpu/library.h"

namespace weir {
namespace {

// cublas_api.h and library_types.h
constexpr int kTransposed = 1, kAsItIs = 0;
constexpr int kF16 = 2, kBf16 = 14;
constexpr int kComputeF32 = 68;
constexpr int kDefaultAlgorithm = -1;

// Results are rounded to 8 bits at least: a relative error of 2^-9 in each, both ways.
constexpr double kLargestSquaredError = 2.0 / 512 / 512;

Error failed(const std::string& call, int code) {
  return {ErrorKind::failed, call + " returned " + std::to_string(code), ""};
}

std::size_t index_of(const Candidate& candidate, const std::string& tensor) {
  for (std::size_t i = 0; i < candidate.tensors.size(); ++i) {
    if (candidate.tensors[i].name == tensor) return i;
  }
  return candidate.tensors.size();
}

}  // namespace

Result<CublasCall> cublas_call(const Candidate& gemm) {
  const std::int64_t m = value_of(gemm.problem.values, "m"), n = value_of(gemm.problem.values, "n"),
                     k = value_of(gemm.problem.values, "k");
  if (std::max({m, n, k}) > std::numeric_limits<int>::max())
    return Error{ErrorKind::usage, "cuBLAS takes sizes of 32 bits", ""};
  const Element element = gemm.tensors.front().element;
  if (element != Element::bf16 && element != Element::f16)
    return Error{ErrorKind::usage, std::string("no call of cuBLAS for ") + to_string(element), ""};
  const int rows = static_cast<int>(n), columns = static_cast<int>(m), depth = static_cast<int>(k);
  return CublasCall{.rows = rows,
                    .columns = columns,
                    .depth = depth,
                    .element = element == Element::f16 ? kF16 : kBf16,
                    .left_stride = depth,
                    .right_stride = depth,
                    .result_stride = rows};
}

Result<Cublas> Cublas::open(const GpuSession& session) {
  Result<SharedLibrary> library =
      open_toolkit_library({"libcublas.so.13", "libcublas.so.12", "libcublas.so"}, {"libcublasLt.so"},
                           "Install the CUDA toolkit, or pip's nvidia-cublas.");
  if (!library) return library.error();
  int (*create)(void**) = nullptr;
  int (*destroy)(void*) = nullptr;
  int (*set_stream)(void*, cuda::Stream) = nullptr;
  int (*get_version)(void*, int*) = nullptr;
  Cublas cublas;
  const bool complete =
      library->find("cublasCreate_v2", create) && library->find("cublasDestroy_v2", destroy) &&
      library->find("cublasSetStream_v2", set_stream) && library->find("cublasGetVersion_v2", get_version) &&
      library->find("cublasGemmEx", cublas.gemm_);
  if (!complete)
    return Error{ErrorKind::missing, library->file().string() + " lacks functions of cuBLAS", ""};
  void* handle = nullptr;
  if (const int code = create(&handle); code != 0) return failed("cublasCreate", code);
  cublas.handle_ = {handle, [destroy](void* all) { destroy(all); }};
  if (const int code = set_stream(handle, session.stream()); code != 0)
    return failed("cublasSetStream", code);
  int version = 0;
  if (const int code = get_version(handle, &version); code != 0) return failed("cublasGetVersion", code);
  cublas.version_ = std::to_string(version);
  return cublas;
}

Status Cublas::multiply(const CublasCall& call, std::uint64_t a, std::uint64_t b, std::uint64_t c) const {
  const float one = 1, zero = 0;
  const auto pointer = [](std::uint64_t address) { return reinterpret_cast<void*>(address); };
  const int code =
      gemm_(handle_.get(), kTransposed, kAsItIs, call.rows, call.columns, call.depth, &one, pointer(b),
            call.element, call.left_stride, pointer(a), call.element, call.right_stride, &zero, pointer(c),
            call.element, call.result_stride, kComputeF32, kDefaultAlgorithm);
  return code == 0 ? ok_status() : Status(failed("cublasGemmEx", code));
}

Result<CublasProduct> CublasProduct::create(GpuSession& session, const Cublas& cublas, const Pick& pick,
                                            RunningPick& running) {
  CublasProduct product;
  product.session_ = &session;
  product.cublas_ = &cublas;
  const Result<CublasCall> call = cublas_call(*pick.candidate);
  if (!call) return call.error();
  product.call_ = *call;
  product.a_ = running.memory().address(index_of(*pick.candidate, "a"));
  product.b_ = running.memory().address(index_of(*pick.candidate, "b"));
  const std::size_t result = index_of(*pick.candidate, "c");
  const TensorLayout& layout = pick.candidate->tensors[result];
  Result<BufferHandle> c = allocate(session.driver(), static_cast<std::size_t>(extent_bytes(layout)));
  if (!c) return c.error();
  product.c_ = std::move(*c);
  Result<BufferHandle> wide =
      allocate(session.driver(), static_cast<std::size_t>(element_count(layout)) * sizeof(float));
  if (!wide) return wide.error();
  Status status = product.launch();
  if (status) status = running.launch();
  if (status) status = session.kernels().widen(product.c_.get(), layout, wide->get());
  if (!status) return status.error();
  const Result<Comparison> compared =
      session.kernels().compare(running.memory().address(result), layout.element, wide->get(), layout);
  if (!compared) return compared.error();
  if (compared->special_mismatches > 0 ||
      !(compared->squared_error <= kLargestSquaredError * compared->squared_reference)) {
    return Error{ErrorKind::failed, "cuBLAS and " + pick.config + " do not agree on " + pick.problem, ""};
  }
  return product;
}

Status CublasProduct::launch() const {
  return cublas_->multiply(call_, a_, b_, c_.get());
}

Result<double> CublasProduct::sample() const {
  const Result<Sample> taken = session_->sampler().take(
      ok_status, [&] { return launch(); }, true, kSecondsLimit);
  if (!taken) return taken.error();
  return taken->seconds;
}

}  // namespace weir
