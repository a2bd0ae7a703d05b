// wgmma: PTX ISA, "Asynchronous warpgroup level matrix instructions".
#include <cstring>

#include "emulator/asynchronous.h"
#include "emulator/float_formats.h"
#include "engine/scheduler.h"
#include "engine/swizzle.h"

namespace weir::emulator {
namespace {

constexpr int kDepth = 16;        // of one wgmma on 16-bit elements
constexpr int kRowsPerWarp = 16;  // of 64
constexpr int kMaximumColumns = 256;

Warp& warp() {
  return Scheduler::current()->warp();
}

struct Descriptor {
  unsigned start, leading, stride;  // bytes
  int swizzle;
};

Descriptor decode(unsigned long long bits, Site site) {
  const auto field = [&](int shift) { return static_cast<unsigned>(bits >> shift & 0x3fffu) << 4; };
  constexpr int widths[] = {0, 128, 64, 32};
  if ((bits >> 49 & 7u) != 0) fail("a matrix descriptor with a base offset is not emulated", site);
  return {field(0), field(16), field(32), widths[bits >> 62]};
}

// Where element (index, k) lies: index counts rows of A or columns of B. Atoms are 8 rows of the swizzle's
// width (16 bytes without one); stored along k, `stride` separates atoms along the index and, without a
// swizzle, `leading` those along k; stored along the index, `leading` separates atoms along it and `stride`
// those along k.
unsigned address_of(const Descriptor& matrix, int index, int k, bool transposed, Site site) {
  const int width = matrix.swizzle;
  if (transposed && width == 0) fail("a transposed operand without a swizzle is not emulated", site);
  const auto at = [](int value) { return static_cast<unsigned>(value); };
  unsigned address = matrix.start;
  if (transposed) {
    const int per_row = width / 2;
    address += at(index / per_row) * matrix.leading + at(k / 8) * matrix.stride + at(k % 8 * width) +
               at(index % per_row * 2);
  } else if (width == 0) {
    address += at(index / 8) * matrix.stride + at(k / 8) * matrix.leading + at(index % 8 * 16 + k % 8 * 2);
  } else {
    address += at(index / 8) * matrix.stride + at(index % 8 * width + k * 2);
  }
  return swizzled(address, width);
}

float value_of(Half16 type, unsigned bits) {
  const auto half = static_cast<unsigned short>(bits);
  return type == Half16::bf16 ? f32_from_bf16(half) : f32_from_f16(half);
}

float shared_value(const PendingProduct& pending, const Descriptor& matrix, int index, int k, bool transposed,
                   Site site) {
  unsigned short bits;
  std::memcpy(&bits, shared_pointer(address_of(matrix, index, k, transposed, site), 2, "wgmma", site), 2);
  return value_of(pending.product.type, bits);
}

void execute(const PendingProduct& pending, int warp_rank, Site site) {
  const WarpgroupProduct& product = pending.product;
  double a[kRowsPerWarp][kDepth];
  static double b[kMaximumColumns][kDepth];  // large for a fiber's stack, and one warp runs at a time
  const Descriptor b_matrix = decode(product.b_descriptor, site);
  if (product.a == nullptr) {
    const Descriptor a_matrix = decode(product.a_descriptor, site);
    for (int row = 0; row < kRowsPerWarp; ++row) {
      for (int k = 0; k < kDepth; ++k) {
        a[row][k] =
            shared_value(pending, a_matrix, kRowsPerWarp * warp_rank + row, k, product.a_transposed, site);
      }
    }
  } else {
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      for (int i = 0; i < 8; ++i) {
        const unsigned pair = pending.a[static_cast<std::size_t>(lane)][static_cast<std::size_t>(i / 2)];
        a[lane / 4 + i / 2 % 2 * 8][2 * (lane % 4) + i / 4 * 8 + i % 2] =
            value_of(product.type, pair >> (i % 2 * 16));
      }
    }
  }
  for (int column = 0; column < product.columns; ++column) {
    for (int k = 0; k < kDepth; ++k)
      b[column][k] = shared_value(pending, b_matrix, column, k, product.b_transposed, site);
  }
  const int registers = product.columns / 2;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    float* accumulator = pending.accumulators[static_cast<std::size_t>(lane)];
    for (int i = 0; i < registers; ++i) {
      double sum = 0;
      if (product.accumulate) {
        sum = pending.before.empty() ? accumulator[i]
                                     : pending.before[static_cast<std::size_t>(lane * registers + i)];
      }
      const double* row = a[lane / 4 + i / 2 % 2 * 8];
      const double* column = b[i / 4 * 8 + 2 * (lane % 4) + i % 2];
      for (int k = 0; k < kDepth; ++k) sum += row[k] * column[k];
      accumulator[i] = static_cast<float>(sum);
    }
  }
}

bool is_pending(const Warp& warp, const float* accumulator) {
  const auto holds = [&](const std::vector<PendingProduct>& products) {
    for (const PendingProduct& product : products) {
      if (product.accumulators[0] == accumulator) return true;
    }
    return false;
  };
  for (const auto& group : warp.product_groups) {
    if (holds(group)) return true;
  }
  return holds(warp.open_products);
}

// Notes the product, and makes the accumulators undefined until it is waited for.
void start(void* const* payloads, unsigned) {
  const auto& first = *static_cast<const WarpgroupProduct*>(payloads[0]);
  PendingProduct pending{.product = first};
  const int registers = first.columns / 2;
  const bool chained = is_pending(warp(), first.accumulator);
  for (std::size_t lane = 0; lane < kWarpLanes; ++lane) {
    const auto& mine = *static_cast<const WarpgroupProduct*>(payloads[lane]);
    pending.accumulators[lane] = mine.accumulator;
    if (mine.a != nullptr) std::memcpy(pending.a[lane].data(), mine.a, sizeof pending.a[lane]);
    if (!chained) pending.before.insert(pending.before.end(), mine.accumulator, mine.accumulator + registers);
    std::memset(mine.accumulator, 0xff, static_cast<std::size_t>(registers) * sizeof(float));
  }
  warp().open_products.push_back(std::move(pending));
}

void commit(void* const*, unsigned) {
  warp().product_groups.push_back(std::move(warp().open_products));
  warp().open_products.clear();
}

struct Wait {
  int pending_groups;
  Site site;
};

void finish(void* const* payloads, unsigned) {
  const Wait& wait = *static_cast<const Wait*>(payloads[0]);
  auto& groups = warp().product_groups;
  const int rank = Scheduler::current()->thread().warp % 4;
  while (groups.size() > static_cast<std::size_t>(wait.pending_groups)) {
    for (const PendingProduct& pending : groups.front()) execute(pending, rank, wait.site);
    groups.pop_front();
  }
}

}  // namespace

void wgmma(const WarpgroupProduct& product, Site site) {
  if (product.columns % 8 != 0 || product.columns < 8 || product.columns > kMaximumColumns)
    fail("wgmma with a number of columns that is no multiple of 8 up to 256", site);
  WarpgroupProduct mine = product;
  collective("wgmma", kWholeWarp, &start, &mine, site);
}

void wgmma_commit(Site site) {
  collective("wgmma.commit_group", kWholeWarp, &commit, &site, site);
}

void wgmma_wait(int pending_groups, Site site) {
  Wait wait{pending_groups, site};
  collective("wgmma.wait_group", kWholeWarp, &finish, &wait, site);
}

void set_max_registers(int registers, Site site) {
  if (registers < 24 || registers > 256 || registers % 8 != 0)
    fail("setmaxnreg takes multiples of 8 from 24 to 256", site);
}

}  // namespace weir::emulator
