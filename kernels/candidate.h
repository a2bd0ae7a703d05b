// A kernel resolved for one problem, one configuration and one device: everything that the simulator walks
// and the GPU launches.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kernels/element.h"
#include "kernels/expression.h"
#include "kernels/problem.h"
#include "kernels/tensor_map.h"

namespace weir {

// What definitions may know of the device (`device.…` in expressions).
struct DeviceLimits {
  std::int64_t compute_capability = 0;  // major * 10 + minor
  std::int64_t sm_count = 0;
  std::int64_t max_threads_per_sm = 0;
  std::int64_t registers_per_sm = 0;
  std::int64_t shared_bytes_per_sm = 0;
  std::int64_t shared_bytes_per_block = 0;
  std::int64_t l2_bytes = 0;

  bool operator==(const DeviceLimits&) const = default;
};

enum class Role { in, out, inout, scratch };
enum class Fill { normal, uniform, zero, iota };

struct TensorLayout {
  std::string name;
  Role role = Role::in;
  Element element = Element::f32;
  std::vector<std::int64_t> shape;             // elements
  std::vector<std::int64_t> strides_elements;  // same length; row-major unless the definition says otherwise
  std::int64_t alignment_bytes = 16;
  Fill fill = Fill::normal;

  bool operator==(const TensorLayout&) const = default;
};
// Bytes from the first to the last element, inclusive: what must be allocated.
std::int64_t extent_bytes(const TensorLayout& tensor);
std::int64_t element_count(const TensorLayout& tensor);

enum class AccessKind { load, store, reduce };
enum class CacheHint { normal, streaming, evict_first, evict_last };

// One action of a block program. Expressions read the frame of the launch (BlockProgram::slots entries).
struct Action {
  enum class Kind { let, loop, branch, access, compute };
  Kind kind = Kind::let;
  int line = 0;  // in kernel.yaml

  // let and loop: the slot that receives the value.
  int slot = 0;
  Expression value;               // let: the value; branch: the condition
  Expression from, to, step;      // loop: [from, to), step may be negative, never 0
  Expression prefetch;            // loop: how many iterations ahead its loads run
  std::vector<Action> body;       // loop and branch
  std::vector<Action> otherwise;  // branch

  // access: a box of a tensor, clipped at its edges; one expression per dimension.
  AccessKind access = AccessKind::load;
  int tensor = 0;
  std::vector<Expression> start;
  std::vector<Expression> extent;
  CacheHint hint = CacheHint::normal;
  Expression multicast;  // blocks of a cluster that one load feeds; 1 without multicast

  // compute: amounts per work item that executes the action.
  Expression tensor_flops, fp32_flops, special_ops, shared_bytes;
};

// The memory actions of one work item. Before each item, write the slots named here; all other slots are
// already constant in `frame` or are written by let and loop actions.
struct BlockProgram {
  std::vector<Action> actions;
  std::vector<std::int64_t> frame;  // initial slot values; copy it per walker
  int item_slot = 0;
  int block_slot = 0;
  int block_x_slot = 0, block_y_slot = 0, block_z_slot = 0;
};

enum class Schedule {
  static_items,   // block b runs items b, b + blocks, b + 2 blocks, …
  dynamic_items,  // the next block that is free takes the next item
};

struct Argument {
  enum class Kind { tensor, i32, i64, f32, table, tensor_map };
  Kind kind = Kind::tensor;
  int tensor = 0;          // or the number of the table: const int*, null if it has no entries
  std::int64_t value = 0;  // of an integer
  float real = 0;          // of an f32
  TensorMap map;           // without dimensions: a tensor map of zeros, which the kernel does not use

  bool operator==(const Argument&) const = default;
};

struct Launch {
  std::string name;
  std::string entry;  // function in the source; empty: predict only
  std::array<std::int64_t, 3> grid{1, 1, 1};
  std::array<std::int64_t, 3> threads{1, 1, 1};
  std::array<std::int64_t, 3> cluster{1, 1, 1};
  std::int64_t shared_bytes = 0;          // dynamic
  std::int64_t registers_per_thread = 0;  // the definition's estimate; 0: unknown
  std::int64_t blocks_per_sm_limit = 0;   // 0: no limit beyond the hardware's
  std::int64_t work_items = 1;
  Schedule schedule = Schedule::static_items;
  std::int64_t items_ahead = 0;  // that a block of a dynamic schedule has taken beyond its own
  std::vector<Argument> arguments;
  BlockProgram program;
};

// A launch of the reference's source that computes inputs from other inputs.
struct PrepareLaunch {
  std::string entry;
  std::array<std::int64_t, 3> grid{1, 1, 1};
  std::array<std::int64_t, 3> threads{1, 1, 1};
  std::int64_t shared_bytes = 0;
  std::vector<Argument> arguments;

  bool operator==(const PrepareLaunch&) const = default;
};

// How outputs are checked: two entry points that write every out and inout tensor as f32, with the same
// argument list.
struct VerifyPlan {
  std::filesystem::path source;  // empty: the kernel cannot be verified, and so not tuned
  std::string exact_entry;
  std::string low_entry;
  std::array<std::int64_t, 3> grid{1, 1, 1};
  std::array<std::int64_t, 3> threads{1, 1, 1};
  std::int64_t shared_bytes = 0;
  std::vector<Argument> arguments;
  std::vector<PrepareLaunch>
      prepare;                 // run once, in order, when the inputs are filled; they may write `in` tensors
  bool deterministic = false;  // two runs must give the same bits

  bool operator==(const VerifyPlan&) const = default;
};

struct Candidate {
  std::string kernel;
  std::filesystem::path source;  // of the variant; empty: predict only
  std::string config_header;     // the generated <weir/config.h>
  std::string reference_header;  // the same for the reference: problem constants only
  Problem problem;
  Config config;
  DeviceLimits device;
  std::vector<TensorLayout> tensors;
  std::vector<std::string> table_names;
  std::vector<std::vector<std::int64_t>> tables;  // in the scope's numbering, as table_names
  std::vector<FormulaRange> formulas;             // the same; of real formulas without meaning
  std::vector<Launch> launches;
  VerifyPlan verify;
  double useful_flops = 0;
  double lower_bound_bytes = 0;  // 0: none given
  std::string lower_bound_source;
};

// Blocks of this launch that fit on one SM, from threads, shared memory, registers and the definition's
// limit; at least 0. Registers are allocated per warp in units of 256; every block takes `reserved` bytes of
// shared memory more.
std::int64_t blocks_per_sm(const Launch& launch, const DeviceLimits& device, std::int64_t max_blocks_per_sm,
                           std::int64_t reserved_shared_bytes, std::int64_t registers_per_thread);

}  // namespace weir
