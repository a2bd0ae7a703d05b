// What the backend itself runs on the GPU: filling tensors, comparing results, cleaning the L2, stamping
// clocks. Embedded in the library and compiled by NVRTC.

using uint64 = unsigned long long;
using int64 = long long;

// In the order of kernels/element.h.
enum class Element { bf16, f16, f32, f64, i32, i64, u8, i8, fp8_e4m3, fp8_e5m2 };
// In the order of kernels/candidate.h.
enum class Fill { normal, uniform, zero, iota };

struct Minifloat {
  int exponent_bits, mantissa_bits;
  bool has_infinity;  // fp8 e4m3 has none, and one NaN
};

__device__ Minifloat minifloat_of(Element element) {
  switch (element) {
    case Element::bf16:
      return {8, 7, true};
    case Element::f16:
      return {5, 10, true};
    case Element::fp8_e4m3:
      return {4, 3, false};
    default:
      return {5, 2, true};
  }
}

// Rounds to nearest even; values beyond the largest finite one become it.
__device__ unsigned encode_minifloat(float value, Minifloat type) {
  const int mantissa_bits = type.mantissa_bits;
  const int bias = (1 << (type.exponent_bits - 1)) - 1;
  const unsigned sign = (__float_as_uint(value) >> 31) << (type.exponent_bits + mantissa_bits);
  const float magnitude = fabsf(value);
  if (magnitude == 0) return sign;
  int exponent;
  frexpf(magnitude, &exponent);
  exponent = max(exponent - 1, 1 - bias);
  float quanta = rintf(ldexpf(magnitude, mantissa_bits - exponent));
  const float one = static_cast<float>(1 << mantissa_bits);
  if (quanta >= 2 * one) {
    quanta *= 0.5f;
    ++exponent;
  }
  const unsigned largest = type.has_infinity ? (((1u << type.exponent_bits) - 1) << mantissa_bits) - 1
                                             : (1u << (type.exponent_bits + mantissa_bits)) - 2;
  unsigned field = static_cast<unsigned>(quanta);
  if (quanta >= one) field += static_cast<unsigned>(exponent + bias - 1) << mantissa_bits;
  return sign | min(field, largest);
}

__device__ float decode_minifloat(unsigned bits, Minifloat type) {
  const int mantissa_bits = type.mantissa_bits;
  const int bias = (1 << (type.exponent_bits - 1)) - 1;
  const unsigned mantissa = bits & ((1u << mantissa_bits) - 1);
  const unsigned exponent = (bits >> mantissa_bits) & ((1u << type.exponent_bits) - 1);
  const bool top = exponent == (1u << type.exponent_bits) - 1;
  float magnitude;
  if (top && type.has_infinity) {
    magnitude = mantissa == 0 ? __int_as_float(0x7f800000) : __int_as_float(0x7fc00000);
  } else if (top && mantissa == (1u << mantissa_bits) - 1) {
    magnitude = __int_as_float(0x7fc00000);
  } else if (exponent == 0) {
    magnitude = ldexpf(static_cast<float>(mantissa), 1 - bias - mantissa_bits);
  } else {
    magnitude = ldexpf(static_cast<float>(mantissa + (1u << mantissa_bits)),
                       static_cast<int>(exponent) - bias - mantissa_bits);
  }
  return (bits >> (type.exponent_bits + mantissa_bits)) & 1 ? -magnitude : magnitude;
}

__device__ double read_element(const void* data, int64 index, Element element) {
  switch (element) {
    case Element::bf16:
    case Element::f16:
      return decode_minifloat(static_cast<const unsigned short*>(data)[index], minifloat_of(element));
    case Element::f32:
      return static_cast<const float*>(data)[index];
    case Element::f64:
      return static_cast<const double*>(data)[index];
    case Element::i32:
      return static_cast<const int*>(data)[index];
    case Element::i64:
      return static_cast<double>(static_cast<const int64*>(data)[index]);
    case Element::u8:
      return static_cast<const unsigned char*>(data)[index];
    case Element::i8:
      return static_cast<const signed char*>(data)[index];
    default:
      return decode_minifloat(static_cast<const unsigned char*>(data)[index], minifloat_of(element));
  }
}

__device__ void write_element(void* data, int64 index, Element element, double value) {
  switch (element) {
    case Element::bf16:
    case Element::f16:
      static_cast<unsigned short*>(data)[index] =
          static_cast<unsigned short>(encode_minifloat(static_cast<float>(value), minifloat_of(element)));
      break;
    case Element::f32:
      static_cast<float*>(data)[index] = static_cast<float>(value);
      break;
    case Element::f64:
      static_cast<double*>(data)[index] = value;
      break;
    case Element::i32:
      static_cast<int*>(data)[index] = static_cast<int>(value);
      break;
    case Element::i64:
      static_cast<int64*>(data)[index] = static_cast<int64>(value);
      break;
    case Element::u8:
      static_cast<unsigned char*>(data)[index] = static_cast<unsigned char>(static_cast<int64>(value));
      break;
    case Element::i8:
      static_cast<signed char*>(data)[index] = static_cast<signed char>(static_cast<int64>(value));
      break;
    default:
      static_cast<unsigned char*>(data)[index] =
          static_cast<unsigned char>(encode_minifloat(static_cast<float>(value), minifloat_of(element)));
  }
}

__device__ bool is_integer(Element element) {
  return element == Element::i32 || element == Element::i64 || element == Element::u8 ||
         element == Element::i8;
}

// splitmix64 (Steele, Lea, Flood 2014): every index gets independent bits, in any order.
__device__ uint64 hash(uint64 x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

__device__ int64 first_index() {
  return blockIdx.x * static_cast<int64>(blockDim.x) + threadIdx.x;
}
__device__ int64 index_stride() {
  return gridDim.x * static_cast<int64>(blockDim.x);
}

// normal: N(0, 1); uniform: [-1, 1); both are integers from -128 to 127 (0 to 255 unsigned) for integer
// types.
extern "C" __global__ void weir_fill(void* data, int64 count, int element_number, int fill_number,
                                     uint64 seed) {
  const Element element = static_cast<Element>(element_number);
  const Fill fill = static_cast<Fill>(fill_number);
  for (int64 i = first_index(); i < count; i += index_stride()) {
    const uint64 bits = hash(hash(seed) ^ static_cast<uint64>(i));
    double value = 0;
    if (fill == Fill::iota) {
      value = static_cast<double>(i);
    } else if (fill != Fill::zero && is_integer(element)) {
      value = static_cast<double>(bits & 255) - (element == Element::u8 ? 0 : 128);
    } else if (fill == Fill::uniform) {
      value = static_cast<float>(bits >> 40) * 0x1p-23f - 1.0f;
    } else if (fill == Fill::normal) {
      const float radius = sqrtf(-2.0f * logf((static_cast<float>(bits >> 40) + 0.5f) * 0x1p-24f));
      value = radius * cospif(static_cast<float>(bits & 0xffffff) * 0x1p-23f);
    }
    write_element(data, i, element, value);
  }
}

extern "C" __global__ void weir_widen(const void* data, float* wide, int64 count, int element_number) {
  for (int64 i = first_index(); i < count; i += index_stride()) {
    wide[i] = static_cast<float>(read_element(data, i, static_cast<Element>(element_number)));
  }
}

struct Layout {
  int rank;
  int64 shape[8];
  int64 strides[8];
};

__device__ int64 offset_of(int64 index, const Layout& layout) {
  int64 offset = 0;
  for (int d = layout.rank - 1; d >= 0; --d) {
    offset += index % layout.shape[d] * layout.strides[d];
    index /= layout.shape[d];
  }
  return offset;
}

// What the host sums up over blocks. Indices are of elements in row-major order, -1 for none.
struct Comparison {
  double squared_error, squared_reference;
  double largest_error, largest_reference;
  int64 largest_error_index;
  int64 special_mismatches;  // NaN where the reference has none, or a different infinity
  int64 special_index;       // the first of them
  int64 reference_nans;
};

__device__ void merge(Comparison& into, const Comparison& from) {
  into.squared_error += from.squared_error;
  into.squared_reference += from.squared_reference;
  into.largest_reference = fmax(into.largest_reference, from.largest_reference);
  if (from.largest_error > into.largest_error) {
    into.largest_error = from.largest_error;
    into.largest_error_index = from.largest_error_index;
  }
  if (from.special_mismatches > 0 &&
      (into.special_mismatches == 0 || from.special_index < into.special_index)) {
    into.special_index = from.special_index;
  }
  into.special_mismatches += from.special_mismatches;
  into.reference_nans += from.reference_nans;
}

constexpr int kCompareThreads = 256;

// One Comparison per block, accumulated in double precision.
extern "C" __global__ void __launch_bounds__(kCompareThreads)
    weir_compare(const void* data, const float* reference, int64 count, int element_number, Layout layout,
                 Comparison* blocks) {
  Comparison mine = {0, 0, 0, 0, -1, 0, -1, 0};
  for (int64 i = first_index(); i < count; i += index_stride()) {
    const int64 at = offset_of(i, layout);
    const double value = read_element(data, at, static_cast<Element>(element_number));
    const double expected = reference[at];
    if (isnan(expected)) {
      ++mine.reference_nans;
      continue;
    }
    if (isnan(value) || isinf(value) || isinf(expected)) {
      if (value == expected) continue;  // the same infinity
      if (mine.special_mismatches++ == 0) mine.special_index = i;
      continue;
    }
    const double error = fabs(value - expected);
    mine.squared_error += error * error;
    mine.squared_reference += expected * expected;
    mine.largest_reference = fmax(mine.largest_reference, fabs(expected));
    if (error > mine.largest_error) {
      mine.largest_error = error;
      mine.largest_error_index = i;
    }
  }
  __shared__ Comparison shared[kCompareThreads];
  shared[threadIdx.x] = mine;
  for (int half = kCompareThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) merge(shared[threadIdx.x], shared[threadIdx.x + half]);
  }
  if (threadIdx.x == 0) blocks[blockIdx.x] = shared[0];
}

// The sum of a hash of every 4-byte word and its index: changes whenever one word changes.
extern "C" __global__ void weir_checksum(const unsigned char* data, int64 bytes, uint64* sum) {
  const unsigned* words = reinterpret_cast<const unsigned*>(data);
  uint64 mine = 0;
  for (int64 i = first_index(); i < bytes / 4; i += index_stride())
    mine += hash(words[i] + (static_cast<uint64>(i) << 32));
  if (first_index() == 0) {
    for (int64 i = bytes / 4 * 4; i < bytes; ++i) mine += hash(data[i] + (static_cast<uint64>(i) << 32) + 7);
  }
  atomicAdd(sum, mine);
}

extern "C" __global__ void weir_sweep_write(uint4* buffer, int64 count, unsigned value) {
  for (int64 i = first_index(); i < count; i += index_stride())
    buffer[i] = make_uint4(value, value + 1, value + 2, value + 3);
}

// Reads past the L1 and keeps the compiler from dropping the loads.
extern "C" __global__ void weir_sweep_read(const uint4* buffer, int64 count, unsigned* sink) {
  unsigned sum = 0;
  for (int64 i = first_index(); i < count; i += index_stride()) {
    const uint4 value = __ldcg(buffer + i);
    sum += value.x ^ value.y ^ value.z ^ value.w;
  }
  if (sum == 0x12345678u) *sink = sum;
}

extern "C" __global__ void weir_spin(uint64 nanoseconds) {
  uint64 start, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

// Time and cycles now, and the multiprocessor whose cycles these are.
extern "C" __global__ void weir_stamp(uint64* stamp) {
  unsigned sm;
  uint64 time;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(time));
  asm volatile("mov.u32 %0, %%smid;" : "=r"(sm));
  stamp[0] = time;
  stamp[1] = static_cast<uint64>(clock64());
  stamp[2] = sm;
}
