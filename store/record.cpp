#include "store/record.h"

namespace weir {

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::predicted:
      return "predicted";
    case Outcome::measured:
      return "measured";
    case Outcome::rejected:
      return "rejected";
    case Outcome::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace weir
