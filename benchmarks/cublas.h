// cuBLAS's matrix product beside Weir's, opened at run time.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "benchmarks/gpu_session.h"
#include "kernels/candidate.h"

namespace weir {

// A call of cublasGemmEx. cuBLAS stores columns, Weir rows: C = A · transpose(B) of m x n is there
// transpose(C) = B · transpose(A), an n x m product.
struct CublasCall {
  int rows = 0, columns = 0, depth = 0;  // of cuBLAS's result: n, m; k
  int element = 0;                       // cudaDataType
  int left_stride = 0, right_stride = 0, result_stride = 0;

  bool operator==(const CublasCall&) const = default;
};
// Errors: usage for a size beyond 32 bits or an element type that is not bf16 or f16.
Result<CublasCall> cublas_call(const Candidate& gemm);

class Cublas {
 public:
  // `missing` without the library.
  static Result<Cublas> open(const GpuSession& session);

  std::string version() const { return version_; }
  // Queues C = A · transpose(B).
  Status multiply(const CublasCall& call, std::uint64_t a, std::uint64_t b, std::uint64_t c) const;

 private:
  using GemmEx = int (*)(void*, int, int, int, int, int, const void*, const void*, int, int, const void*, int,
                         int, const void*, void*, int, int, int, int);
  std::shared_ptr<void> handle_;
  GemmEx gemm_ = nullptr;
  std::string version_;
};

// One gemm of cuBLAS, on the tensors of a pick.
class CublasProduct {
 public:
  // Runs both and compares: an error if they do not agree.
  static Result<CublasProduct> create(GpuSession& session, const Cublas& cublas, const Pick& pick,
                                      RunningPick& running);
  Result<double> sample() const;

 private:
  Status launch() const;

  GpuSession* session_ = nullptr;
  const Cublas* cublas_ = nullptr;
  CublasCall call_;
  std::uint64_t a_ = 0, b_ = 0;
  BufferHandle c_;
};

}  // namespace weir
