// Indices as formulas use them.
#pragma once

namespace attention {

/// An index that is at hand both as an integer and as a real number. A kernel's columns differ by constants, so
/// sums and differences stay one cheap instruction in either form, where a conversion for each score would cost
/// more than the formula. Real numbers hold integers exactly up to 2^24.
struct Position {
  int value;
  float real;

  static __device__ __forceinline__ Position of(int value) { return {value, static_cast<float>(value)}; }

  __device__ __forceinline__ operator int() const { return value; }
  __device__ __forceinline__ explicit operator float() const { return real; }

  friend __device__ __forceinline__ Position operator-(Position a) { return {-a.value, -a.real}; }
  friend __device__ __forceinline__ Position operator+(Position a, Position b) {
    return {a.value + b.value, a.real + b.real};
  }
  friend __device__ __forceinline__ Position operator-(Position a, Position b) {
    return {a.value - b.value, a.real - b.real};
  }
  friend __device__ __forceinline__ Position operator*(Position a, Position b) {
    return {a.value * b.value, a.real * b.real};
  }
  friend __device__ __forceinline__ Position operator+(Position a, int b) { return a + of(b); }
  friend __device__ __forceinline__ Position operator+(int a, Position b) { return of(a) + b; }
  friend __device__ __forceinline__ Position operator-(Position a, int b) { return a - of(b); }
  friend __device__ __forceinline__ Position operator-(int a, Position b) { return of(a) - b; }
  friend __device__ __forceinline__ Position operator*(Position a, int b) { return a * of(b); }
  friend __device__ __forceinline__ Position operator*(int a, Position b) { return of(a) * b; }
};

}  // namespace attention
