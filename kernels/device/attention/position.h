// Indices as formulas use them.
#pragma once

namespace attention {

/// An index that is at hand both as an integer and as a real number: a base that differs from thread to
/// thread and an offset that the compiler knows once loops are unrolled. Sums and differences keep the two
/// apart, so that a thread's scores share them: a distance costs less than one addition for each score, and
/// there is one conversion for a tile instead of one for each score. Real numbers hold integers exactly up to
/// 2^24.
struct Position {
  int value;
  float base, offset;

  static __device__ __forceinline__ Position of(int base, int offset) {
    return {base + offset, static_cast<float>(base), static_cast<float>(offset)};
  }

  __device__ __forceinline__ operator int() const { return value; }
  __device__ __forceinline__ explicit operator float() const { return base + offset; }

  friend __device__ __forceinline__ Position operator+(Position a, Position b) {
    return {a.value + b.value, a.base + b.base, a.offset + b.offset};
  }
  friend __device__ __forceinline__ Position operator-(Position a, Position b) {
    return {a.value - b.value, a.base - b.base, a.offset - b.offset};
  }
  friend __device__ __forceinline__ Position operator-(Position a) { return constant(0) - a; }
  friend __device__ __forceinline__ Position operator+(Position a, int b) { return a + constant(b); }
  friend __device__ __forceinline__ Position operator+(int a, Position b) { return constant(a) + b; }
  friend __device__ __forceinline__ Position operator-(Position a, int b) { return a - constant(b); }
  friend __device__ __forceinline__ Position operator-(int a, Position b) { return constant(a) - b; }

 private:
  static __device__ __forceinline__ Position constant(int value) {
    return {value, 0.0f, static_cast<float>(value)};
  }
};

}  // namespace attention
