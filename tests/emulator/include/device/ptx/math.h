// Host versions of kernels/device/ptx/math.h: exact to f32's rounding, with subnormal numbers flushed to
// zero.
#pragma once

namespace ptx {

inline float flushed(float value) {
  return fabsf(value) < 0x1p-126f ? copysignf(0.0f, value) : value;
}
inline float ex2_approx_ftz(float value) {
  return flushed(exp2f(flushed(value)));
}
inline float lg2_approx_ftz(float value) {
  return flushed(log2f(flushed(value)));
}
inline float rcp_approx_ftz(float value) {
  return flushed(1.0f / flushed(value));
}
inline float rsqrt_approx_ftz(float value) {
  return flushed(1.0f / sqrtf(flushed(value)));
}
inline float tanh_approx(float value) {
  return tanhf(value);
}

}  // namespace ptx
