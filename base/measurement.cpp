#include "base/measurement.h"

namespace weir {

char letter(Tier tier) {
  switch (tier) {
    case Tier::counters:
      return 'A';
    case Tier::activity:
      return 'B';
    case Tier::events:
      return 'C';
    case Tier::none:
      return 'D';
  }
  return '?';
}

}  // namespace weir
