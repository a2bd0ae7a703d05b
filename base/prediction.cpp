#include "base/prediction.h"

namespace weir {

const char* to_string(Regime regime) {
  switch (regime) {
    case Regime::compulsory:
      return "compulsory";
    case Regime::fits:
      return "fits";
    case Regime::transition:
      return "transition";
    case Regime::thrash:
      return "thrash";
  }
  return "unknown";
}

const char* to_string(Bottleneck bottleneck) {
  switch (bottleneck) {
    case Bottleneck::tensor:
      return "tensor";
    case Bottleneck::fp32:
      return "fp32";
    case Bottleneck::special_function:
      return "special_function";
    case Bottleneck::shared_memory:
      return "shared_memory";
    case Bottleneck::l2:
      return "l2";
    case Bottleneck::dram:
      return "dram";
    case Bottleneck::latency:
      return "latency";
  }
  return "unknown";
}

}  // namespace weir
