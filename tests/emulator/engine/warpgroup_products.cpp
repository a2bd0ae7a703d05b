// wgmma: PTX ISA, "Asynchronous warpgroup level matrix instructions". Each warp computes its own rows;
// nothing but shared memory connects the four.
#include <cstring>
#include <string>

#include "emulator/float_formats.h"
#include "emulator/hopper.h"
#include "engine/scheduler.h"
#include "engine/shared_chunks.h"

namespace weir::emulator {
namespace {

constexpr int kDepth = 16;
constexpr int kRows = 16;  // of a warp
constexpr int kWarpsOfGroup = 4;

struct Issue {
  Product product;
  float* sums;
  const unsigned* a;
};

Scheduler& scheduler() {
  return *Scheduler::current();
}

[[noreturn]] void end(const char* what, Site site) {
  scheduler().note_failure(std::string(what) + " (" + text_of(site) + ")");
  scheduler().leave();
}

// A descriptor's fields, in bytes.
struct Layout {
  unsigned address, leading, stride;

  explicit Layout(unsigned long long descriptor)
      : address(static_cast<unsigned>(descriptor & 0x3fff) << 4),
        leading(static_cast<unsigned>(descriptor >> 16 & 0x3fff) << 4),
        stride(static_cast<unsigned>(descriptor >> 32 & 0x3fff) << 4) {}
};

// Eight elements that lie together, in the 128-byte swizzle.
const unsigned char* chunk(unsigned address, bool check, Site site) {
  const unsigned physical = address ^ ((address >> 7 & 7) << 4);
  if (check) check_fenced(physical, "a product", site);
  return shared_pointer(physical, 16, "wgmma", site);
}

// elements[i * 16 + k] of `count` rows or columns from `first` on.
std::vector<unsigned short> read_operand(unsigned long long descriptor, bool across, int first, int count,
                                         bool check, Site site) {
  constexpr unsigned long long kSwizzle128 = 1;
  if (descriptor >> 62 != kSwizzle128) end("a product's descriptor has another swizzle than 128 bytes", site);
  const Layout layout(descriptor);
  std::vector<unsigned short> elements(static_cast<std::size_t>(count * kDepth));
  unsigned short eight[8];
  if (across) {
    for (int k = 0; k < kDepth; ++k) {
      for (int i = 0; i < count; i += 8) {
        const auto at = static_cast<unsigned>(first + i);
        const unsigned address = layout.address + at / 64 * layout.leading +
                                 static_cast<unsigned>(k) / 8 * layout.stride +
                                 static_cast<unsigned>(k) % 8 * 128 + at % 64 * 2;
        std::memcpy(eight, chunk(address, check, site), 16);
        for (int j = 0; j < 8; ++j) elements[static_cast<std::size_t>((i + j) * kDepth + k)] = eight[j];
      }
    }
    return elements;
  }
  for (int i = 0; i < count; ++i) {
    const auto row = static_cast<unsigned>(first + i);
    for (unsigned half = 0; half < 2; ++half) {
      const unsigned address = layout.address + row / 8 * layout.stride + row % 8 * 128 + half * 16;
      std::memcpy(&elements[static_cast<std::size_t>(i * kDepth) + 8 * half], chunk(address, check, site),
                  16);
    }
  }
  return elements;
}

std::vector<unsigned short> read_registers(const Product& product) {
  std::vector<unsigned short> elements(kRows * kDepth);
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const unsigned* a = product.a[static_cast<std::size_t>(lane)];
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i % 2 * 8, column = 2 * (lane % 4) + i / 2 * 8;
      std::memcpy(&elements[static_cast<std::size_t>(row * kDepth + column)], &a[i], 4);
    }
  }
  return elements;
}

std::vector<unsigned short> read_a(const Product& product, int warp, bool check) {
  if (product.a_in_registers) return read_registers(product);
  const int first = warp % kWarpsOfGroup * kRows;
  return read_operand(product.a_descriptor, product.a_along_m, first, kRows, check, product.site);
}

std::vector<unsigned short> read_b(const Product& product, bool check) {
  return read_operand(product.b_descriptor, product.b_along_n, 0, product.columns, check, product.site);
}

std::vector<float> values_of(const std::vector<unsigned short>& elements, bool f16) {
  std::vector<float> values(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    values[i] = f16 ? f32_from_f16(elements[i]) : f32_from_bf16(elements[i]);
  }
  return values;
}

// Products are exact in f32's range and their sum is rounded once; tensor cores keep fewer bits, within what
// the verdict allows.
void multiply(const Product& product, std::vector<float>& sums) {
  const std::vector<float> a = values_of(product.a_elements, product.f16);
  const std::vector<float> b = values_of(product.b_elements, product.f16);
  const int per_lane = product.columns / 2;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    for (int i = 0; i < per_lane; ++i) {
      const int row = lane / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + 2 * (lane % 4) + i % 2;
      const float* left = &a[static_cast<std::size_t>(row * kDepth)];
      const float* right = &b[static_cast<std::size_t>(column * kDepth)];
      float& sum = sums[static_cast<std::size_t>(lane * per_lane + i)];
      double total = product.accumulate ? static_cast<double>(sum) : 0.0;
      for (int k = 0; k < kDepth; ++k) total += static_cast<double>(left[k]) * static_cast<double>(right[k]);
      sum = static_cast<float>(total);
    }
  }
}

void issue(void* const* payloads, unsigned) {
  Product product = static_cast<Issue*>(payloads[0])->product;
  for (std::size_t lane = 0; lane < kWarpLanes; ++lane) {
    const Issue& mine = *static_cast<Issue*>(payloads[lane]);
    product.sums[lane] = mine.sums;
    product.a[lane] = mine.a;
    if (mine.product.b_descriptor != product.b_descriptor ||
        mine.product.a_descriptor != product.a_descriptor) {
      end("the lanes of a warp give a product different descriptors", product.site);
    }
  }
  product.a_elements = read_a(product, scheduler().thread().warp, true);
  product.b_elements = read_b(product, true);
  Warp& warp = scheduler().warp();
  const auto per_lane = static_cast<std::size_t>(product.columns / 2);
  SumsInFlight& sums = warp.in_flight[product.sums[0]];
  if (sums.products++ == 0) {
    sums.values.clear();
    for (float* lane : product.sums) {
      sums.values.insert(sums.values.end(), lane, lane + per_lane);
      std::memset(lane, 0xff, per_lane * sizeof(float));
    }
  }
  warp.open_products.push_back(std::move(product));
}

[[noreturn]] void end_overwritten(const Product& product) {
  end("an operand of a product was overwritten before the product was complete", product.site);
}

void finish_reading_shared(Product& product, int warp) {
  if (product.read) return;
  product.read = true;
  if (!product.a_in_registers && read_a(product, warp, false) != product.a_elements) end_overwritten(product);
  if (read_b(product, false) != product.b_elements) end_overwritten(product);
}

void complete(Product& product) {
  finish_reading_shared(product, scheduler().thread().warp);
  if (product.a_in_registers && read_registers(product) != product.a_elements) end_overwritten(product);
  Warp& warp = scheduler().warp();
  SumsInFlight& sums = warp.in_flight.at(product.sums[0]);
  multiply(product, sums.values);
  if (--sums.products > 0) return;
  const auto per_lane = static_cast<std::size_t>(product.columns / 2);
  for (std::size_t lane = 0; lane < kWarpLanes; ++lane) {
    std::memcpy(product.sums[lane], &sums.values[lane * per_lane], per_lane * sizeof(float));
  }
  warp.in_flight.erase(product.sums[0]);
}

void commit(void* const*, unsigned) {
  Warp& warp = scheduler().warp();
  ++warp.committed_groups;
  warp.product_groups.push_back(std::move(warp.open_products));
  warp.open_products.clear();
}

template <class Visit>
void for_each_warp_of_group(Visit visit) {
  const int first = scheduler().thread().warp / kWarpsOfGroup * kWarpsOfGroup;
  for (int warp = first; warp < first + kWarpsOfGroup; ++warp) {
    visit(scheduler().block().warps.at(static_cast<std::size_t>(warp)), warp);
  }
}

// The four warps' products of a group are executed together: once they are complete for one warp, they have
// read shared memory for all.
void wait(void* const* payloads, unsigned) {
  Warp& mine = scheduler().warp();
  const auto pending = static_cast<std::uint64_t>(*static_cast<const int*>(payloads[0]));
  if (mine.committed_groups < pending) return;
  const std::uint64_t complete_groups = mine.committed_groups - pending;
  for_each_warp_of_group([&](Warp& warp, int number) {
    std::uint64_t group = warp.committed_groups - warp.product_groups.size();
    for (auto& products : warp.product_groups) {
      if (group++ >= complete_groups) break;
      for (Product& product : products) finish_reading_shared(product, number);
    }
  });
  while (mine.product_groups.size() > pending) {
    for (Product& product : mine.product_groups.front()) complete(product);
    mine.product_groups.pop_front();
  }
}

// Whether all warps of the group have issued what this one has, without which nothing executes.
bool others_have_issued() {
  bool all = true;
  const std::uint64_t groups = scheduler().warp().committed_groups;
  for_each_warp_of_group([&](const Warp& warp, int) { all = all && warp.committed_groups >= groups; });
  return all;
}

}  // namespace

void wgmma(Half16 type, float* sums, int columns, const unsigned* a, unsigned long long a_descriptor,
           unsigned long long b_descriptor, bool a_along_m, bool b_along_n, bool accumulate, Site site) {
  Issue mine{.product = {}, .sums = sums, .a = a};
  mine.product.f16 = type == Half16::f16;
  mine.product.a_in_registers = a != nullptr;
  mine.product.a_along_m = a_along_m;
  mine.product.b_along_n = b_along_n;
  mine.product.accumulate = accumulate;
  mine.product.a_descriptor = a_descriptor;
  mine.product.b_descriptor = b_descriptor;
  mine.product.columns = columns;
  mine.product.site = site;
  collective("wgmma", kWholeWarp, &issue, &mine, site);
}

void wgmma_commit(Site site) {
  int nothing = 0;
  collective("wgmma.commit_group", kWholeWarp, &commit, &nothing, site);
}

void wgmma_wait(int pending_groups, Site site) {
  while (!others_have_issued()) spin("wgmma.wait_group", site);
  collective("wgmma.wait_group", kWholeWarp, &wait, &pending_groups, site);
}

}  // namespace weir::emulator
