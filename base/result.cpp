#include "base/result.h"

namespace weir {

std::string to_string(const Error& error) {
  return error.advice.empty() ? error.message : error.message + "\n  " + error.advice;
}

}  // namespace weir
