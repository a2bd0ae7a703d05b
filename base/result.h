// Expected outcomes are values: a function that can fail for a reason outside the program returns Result<T>.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace weir {

// What went wrong, in the terms of the command line's exit codes (docs/exit codes in cli/exit_code.h).
enum class ErrorKind {
  unexpected,       // a failure that no caller can act on
  usage,            // the caller's input is wrong: a flag, a YAML file, a problem value
  rejected,         // a candidate is illegal on this device or for this problem; the message is the reason
  no_device,        // no GPU, no driver, or the GPU does not fit
  counters_denied,  // hardware counters exist but may not be read
  busy,             // a database is locked by another process
  corrupt,          // a file is damaged or of an incompatible version
  missing,          // a file, kernel, profile or row that was asked for does not exist
  failed,           // a candidate failed: compilation, crash, hang, launch error
  verification,     // a result is numerically wrong
  interrupted,      // stopped by the user; state is saved
};

// An error says what happened (with the file, candidate or call it happened to) and what to do about it.
struct Error {
  ErrorKind kind = ErrorKind::unexpected;
  std::string message;
  std::string advice;  // one sentence, may be empty

  bool operator==(const Error&) const = default;
};

// "message (advice)", for people.
std::string to_string(const Error& error);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Precondition: ok(). Throws std::bad_variant_access otherwise.
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Precondition: !ok().
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Unit {
  bool operator==(const Unit&) const = default;
};
using Status = Result<Unit>;
inline Status ok_status() {
  return Unit{};
}

}  // namespace weir
