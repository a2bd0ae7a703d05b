// How reports print: units, which exist only here, and the escapes of each output format. Nothing depends on
// the locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reports/report.h"

namespace weir::report {

inline constexpr const char* kUnknown = "\u2013";  // an en dash stands for what is not known

std::string thousands(std::int64_t value);  // 12,345
std::string megabytes(
    double bytes, int decimals = 1);  // 1,208.3 (MB = 10^6 bytes), for columns with the unit in their head
std::string microseconds(double seconds, int decimals = 2);  // 1,234.50
std::string percent(double share, int decimals = 1);         // 3.1%
std::string bytes_with_unit(double bytes);                   // 33.6 MB, 1.25 GB: three digits, for prose
std::string short_bytes(double bytes);                       // 1 MB, 25 MB: without trailing zeros, for axes
std::string seconds_with_unit(double seconds);               // 12.3 µs, 1.25 ms
std::string fixed(double value, int decimals);

// Quantities of a summary that may be undefined.
std::string percent_or_unknown(const std::optional<double>& share);
std::string median_of(const ErrorSummary& errors);
std::string p90_of(const ErrorSummary& errors);
std::string worst_of(const ErrorSummary& errors);
std::string covered(const Coverage& coverage);

// Valid UTF-8 without control characters: a newline or tab becomes a space, anything else undecodable or
// unprintable U+FFFD.
std::string printable(std::string_view text);
std::string html_escape(std::string_view text);  // for element content and double-quoted attributes
std::string markdown_escape(std::string_view text);
std::string markdown_code(std::string_view text);  // a code span that is safe in a table cell
std::string csv_field(std::string_view text);      // RFC 4180

// Columns that a terminal shows for the text, counting one per code point.
std::size_t display_width(std::string_view text);

// The name, marked where its predictions are uncalibrated.
std::string with_calibration(const std::string& name, bool calibrated);
// One line for people: which rows' predictions are uncalibrated, and by what.
std::string sentence(const UncalibratedGroup& group);

}  // namespace weir::report
