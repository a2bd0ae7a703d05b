// mma.sync, ldmatrix and stmatrix: PTX ISA, "Warp level matrix instructions".
#include <array>
#include <cstring>
#include <vector>

#include "emulator/engine.h"
#include "emulator/float_formats.h"
#include "engine/scheduler.h"
#include "engine/shared_chunks.h"

namespace weir::emulator {
namespace {

struct MmaOperands {
  float* accumulator;
  const unsigned* a;
  const unsigned* b;
};

template <Half16 type>
float value_of(unsigned pair, int half) {
  const auto bits = static_cast<unsigned short>(pair >> (16 * half));
  if constexpr (type == Half16::bf16) return f32_from_bf16(bits);
  static const std::vector<float> values = [] {
    std::vector<float> all(65536);
    for (unsigned i = 0; i < all.size(); ++i) all[i] = f32_from_f16(static_cast<unsigned short>(i));
    return all;
  }();
  return values[bits];
}

// Products are exact in double precision, and their sum is rounded once: tensor cores keep fewer bits, within
// what the verdict allows.
template <Half16 type>
void multiply(void* const* payloads, unsigned) {
  double a[16][16];
  double b[8][16];  // by columns
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const auto& operands = *static_cast<const MmaOperands*>(payloads[lane]);
    const int group = lane / 4, pair = 2 * (lane % 4);
    for (int i = 0; i < 4; ++i) {
      for (int half = 0; half < 2; ++half) {
        a[group + i % 2 * 8][pair + i / 2 * 8 + half] = value_of<type>(operands.a[i], half);
      }
    }
    for (int i = 0; i < 2; ++i) {
      for (int half = 0; half < 2; ++half)
        b[group][pair + 8 * i + half] = value_of<type>(operands.b[i], half);
    }
  }
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const auto& operands = *static_cast<const MmaOperands*>(payloads[lane]);
    for (int i = 0; i < 4; ++i) {
      const double* row = a[lane / 4 + i / 2 * 8];
      const double* column = b[2 * (lane % 4) + i % 2];
      double sum = operands.accumulator[i];
      for (int k = 0; k < 16; ++k) sum += row[k] * column[k];
      operands.accumulator[i] = static_cast<float>(sum);
    }
  }
}

struct MatrixRows {
  int matrices;
  unsigned char* row;  // of this lane
  unsigned address;
  unsigned* registers;
};

void count_wavefronts(void* const* payloads) {
  const int matrices = static_cast<const MatrixRows*>(payloads[0])->matrices;
  for (int matrix = 0; matrix < matrices; ++matrix) {
    std::array<unsigned, 8> addresses{};
    for (int row = 0; row < 8; ++row) {
      addresses[static_cast<std::size_t>(row)] =
          static_cast<const MatrixRows*>(payloads[8 * matrix + row])->address;
    }
    Scheduler::current()->counts().ldmatrix += phase_of(addresses);
  }
}

// Where register i of a lane lies in matrix i: its element `half` of the pair.
unsigned char* element(void* const* payloads, int lane, int matrix, int half, bool transposed) {
  const int row = transposed ? 2 * (lane % 4) + half : lane / 4;
  const int column = transposed ? lane / 4 : 2 * (lane % 4) + half;
  return static_cast<const MatrixRows*>(payloads[8 * matrix + row])->row + 2 * column;
}

template <bool store, bool transposed>
void move_matrices(void* const* payloads, unsigned) {
  count_wavefronts(payloads);
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const auto& mine = *static_cast<const MatrixRows*>(payloads[lane]);
    for (int matrix = 0; matrix < mine.matrices; ++matrix) {
      unsigned pair = store ? mine.registers[matrix] : 0;
      for (int half = 0; half < 2; ++half) {
        unsigned char* at = element(payloads, lane, matrix, half, transposed);
        unsigned short bits = static_cast<unsigned short>(pair >> (16 * half));
        if (store) {
          std::memcpy(at, &bits, 2);
        } else {
          std::memcpy(&bits, at, 2);
          pair |= static_cast<unsigned>(bits) << (16 * half);
        }
      }
      if (!store) mine.registers[matrix] = pair;
    }
  }
}

template <bool store>
void matrix_operation(const char* name, int matrices, bool transposed, unsigned* registers,
                      unsigned row_address, Site site) {
  const bool gives_row = Scheduler::current()->thread().lane() < 8 * matrices;
  if (store && gives_row) mark_unfenced(row_address);
  MatrixRows rows{matrices, gives_row ? shared_pointer(row_address, 16, name, site) : nullptr, row_address,
                  registers};
  collective(name, kWholeWarp, transposed ? &move_matrices<store, true> : &move_matrices<store, false>, &rows,
             site);
}

}  // namespace

void mma_m16n8k16(Half16 type, float* accumulator, const unsigned* a, const unsigned* b, Site site) {
  MmaOperands operands{accumulator, a, b};
  collective("mma.sync", kWholeWarp, type == Half16::bf16 ? &multiply<Half16::bf16> : &multiply<Half16::f16>,
             &operands, site);
}

void ldmatrix(int matrices, bool transposed, unsigned* destination, unsigned row_address, Site site) {
  matrix_operation<false>("ldmatrix", matrices, transposed, destination, row_address, site);
}

void stmatrix(int matrices, bool transposed, const unsigned* source, unsigned row_address, Site site) {
  matrix_operation<true>("stmatrix", matrices, transposed, const_cast<unsigned*>(source), row_address, site);
}

}  // namespace weir::emulator
