#include "reports/format.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace weir::report {
namespace {

// "1234567.5" -> "1,234,567.5"
std::string group_digits(std::string number) {
  const std::size_t start = number.starts_with('-') ? 1 : 0;
  std::size_t end = number.find('.');
  if (end == std::string::npos) end = number.size();
  for (std::size_t at = end; at > start + 3;) {
    at -= 3;
    number.insert(at, 1, ',');
  }
  return number;
}

// Three significant digits without an exponent, for values from 1 to 999.
std::string three_digits(double value) {
  return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

struct Decoded {
  char32_t code_point;
  std::size_t length;  // 0 for malformed
};

Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {0, 0};
  char32_t code_point = lead & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    code_point = (code_point << 6) | (byte(i) & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  const bool is_noncharacter = (code_point & 0xFFFE) == 0xFFFE;
  if (code_point < kSmallest[length] || code_point > 0x10FFFF || is_surrogate || is_noncharacter)
    return {0, 0};
  return {code_point, length};
}

// Directional overrides and isolates can make a table show other text than it holds.
bool is_unprintable(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return kUnknown;
  if (std::isinf(value)) return value > 0 ? "∞" : "-∞";
  return group_digits(fmt::format("{:.{}f}", value, decimals));
}

std::string thousands(std::int64_t value) {
  return group_digits(fmt::format("{}", value));
}
std::string megabytes(double bytes, int decimals) {
  return fixed(bytes / 1e6, decimals);
}
std::string microseconds(double seconds, int decimals) {
  return fixed(seconds * 1e6, decimals);
}

std::string percent(double share, int decimals) {
  // Past 1000% digits say nothing more.
  return fixed(share * 100, std::abs(share) >= 10 ? 0 : decimals) + "%";
}

std::string bytes_with_unit(double bytes) {
  if (!std::isfinite(bytes)) return fixed(bytes, 0);
  if (bytes < 999.5) return fmt::format("{:.0f} B", bytes);
  if (bytes < 999.5e3) return three_digits(bytes / 1e3) + " kB";
  if (bytes < 999.5e6) return three_digits(bytes / 1e6) + " MB";
  if (bytes < 999.5e9) return three_digits(bytes / 1e9) + " GB";
  return fixed(bytes / 1e12, 2) + " TB";
}

std::string short_bytes(double bytes) {
  std::string result = bytes_with_unit(bytes);
  const std::size_t space = result.find(' ');
  std::size_t end = space == std::string::npos ? result.size() : space;
  if (result.substr(0, end).find('.') == std::string::npos) return result;
  while (result[end - 1] == '0') --end;
  if (result[end - 1] == '.') --end;
  return result.substr(0, end) + result.substr(space == std::string::npos ? result.size() : space);
}

std::string seconds_with_unit(double seconds) {
  if (!std::isfinite(seconds)) return fixed(seconds, 0);
  if (seconds < 999.5e-9) return fmt::format("{:.0f} ns", seconds * 1e9);
  if (seconds < 999.5e-6) return three_digits(seconds * 1e6) + " µs";
  if (seconds < 999.5e-3) return three_digits(seconds * 1e3) + " ms";
  return fixed(seconds, 2) + " s";
}

std::string percent_or_unknown(const std::optional<double>& share) {
  return share ? percent(*share) : kUnknown;
}
std::string median_of(const ErrorSummary& errors) {
  return errors.count ? percent(errors.median) : kUnknown;
}
std::string p90_of(const ErrorSummary& errors) {
  return errors.count ? percent(errors.p90) : kUnknown;
}
std::string worst_of(const ErrorSummary& errors) {
  return errors.count ? percent(errors.worst) : kUnknown;
}

std::string covered(const Coverage& coverage) {
  if (coverage.count == 0) return kUnknown;
  return percent(static_cast<double>(coverage.inside) / static_cast<double>(coverage.count), 0);
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode(text);
    if (next.code_point == '\n' || next.code_point == '\t' || next.code_point == '\r') {
      result += ' ';
    } else if (next.length == 0 || is_unprintable(next.code_point)) {
      result += "\uFFFD";
    } else {
      result += text.substr(0, next.length);
    }
    text.remove_prefix(next.length == 0 ? 1 : next.length);
  }
  return result;
}

std::string html_escape(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string markdown_escape(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|~!#").find(c) != std::string_view::npos) result += '\\';
      result += c;
    }
  }
  return result;
}

std::string markdown_code(std::string_view text) {
  std::string content;
  for (const char c : printable(text)) {
    // A table splits at | before it looks for code, and a backtick would end the span.
    if (c == '|') {
      content += "\\|";
    } else {
      content += c == '`' ? '\'' : c;
    }
  }
  return content.empty() ? kUnknown : "`" + content + "`";
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return width;
}

std::string with_calibration(const std::string& name, bool calibrated) {
  return calibrated ? name : name + " (uncalibrated)";
}

std::string sentence(const UncalibratedGroup& group) {
  return fmt::format("{} {} predicted with the profile {}: {}.", thousands(group.rows),
                     group.rows == 1 ? "row" : "rows", group.profile, group.note);
}

}  // namespace weir::report
