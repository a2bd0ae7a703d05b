// The walk of one launch: every resident block advances through its program against one L2, one DRAM and its
// SM's share of the arithmetic units. Blocks that miss wait while others catch up; that is how drift between
// blocks limits itself.
#pragma once

#include <cstdint>
#include <vector>

#include "base/prediction.h"
#include "kernels/candidate.h"
#include "profiles/device_profile.h"
#include "simulator/cells.h"
#include "simulator/flat_program.h"
#include "simulator/l2_cache.h"
#include "simulator/line_trace.h"

namespace weir {

// Amounts of the resources of a launch, before any cache.
struct Work {
  double tensor_flops = 0;
  double fp32_flops = 0;
  double special_ops = 0;
  double shared_bytes = 0;
  double tile_bytes = 0;  // every load, store and reduction counted
  double load_bytes = 0;  // of tile_bytes
};

// What one unit of dispatch asks for: a block with all its items, or an item of a dynamic schedule.
struct UnitWork {
  float tensor_flops = 0;
  float fp32_flops = 0;
  float special_ops = 0;
  float shared_bytes = 0;
  float load_bytes = 0;          // asked of the L2, in sectors
  float received_bytes = 0;      // through the SM's port: of a multicast, what each of its receivers takes in
  float store_bytes = 0;         // sent to the L2, in sectors
  float reduce_bytes = 0;        // of store_bytes, added to what is there
  float end_shared_bytes = 0;    // of shared_bytes, in steps that load nothing: what follows a loop
  std::int32_t steps = 0;        // steps that load
  std::int32_t loose_steps = 0;  // of steps, those whose loads do not run ahead

  bool operator==(const UnitWork&) const = default;
};

struct WalkResult {
  Work work;
  std::vector<UnitWork> units;   // in the order of dispatch; of a sample: some of them
  double unit_count = 0;         // of a sample: how many there are; else 0
  double steps = 0;              // of all units
  double dram_steps = 0;         // of these, the ones that waited for data on its way from DRAM
  int prefetch = 0;              // iterations that loads run ahead, the largest of the launch's loops
  std::vector<Traffic> tensors;  // by tensor
  // DRAM reads if the L2 were smaller or larger (L2Parameters).
  double pessimistic_read_bytes = 0;
  double optimistic_read_bytes = 0;
  double new_read_bytes = 0;   // of the cells that were neither read nor written before
  double new_write_bytes = 0;  // of the out and inout cells that were not written before
  double end_seconds = 0;      // when the last block ends
  std::int64_t blocks_per_sm = 0;
  double waves = 0;
};

// What is shared by the launches of a candidate. `start_seconds` goes on from launch to launch.
struct WalkState {
  L2Cache& cache;
  double start_seconds = 0;
  LineTrace* lines = nullptr;  // if set, told of every access
};

// Achievable rates of a candidate on a device.
struct Rates {
  double tensor_flops_per_second = 0;
  double fp32_flops_per_second = 0;
  double special_ops_per_second = 0;
  double shared_bytes_per_second = 0;
  double l2_bytes_per_second = 0;       // sustained, all SMs, where threads copy (see l2_load)
  double l2_port_bytes_per_second = 0;  // what the SMs' ports take in at most: 64 B per clock and SM
  double dram_bytes_per_second = 0;
};
Rates rates_of(const DeviceProfile& profile, const Candidate& candidate);

// What a byte that the launch asks of the L2 costs of its bandwidth, relative to one that threads copy.
double l2_load(const Launch& launch);

// Throws ExpressionError, ProgramError. Precondition: blocks_per_sm > 0.
WalkResult walk(const DeviceProfile& profile, const Candidate& candidate, const Launch& launch,
                const FlatProgram& program, const CellSpace& cells, std::int64_t blocks_per_sm,
                std::uint64_t seed, WalkState& state);

}  // namespace weir
