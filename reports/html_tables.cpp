#include <fmt/format.h>

#include <set>
#include <string>

#include "reports/format.h"
#include "reports/html_parts.h"
#include "reports/tunables.h"

namespace weir::report {
namespace {

std::string cell(const std::string& text) {
  return "<td>" + html_escape(text) + "</td>";
}

std::string together(const std::string& text) {
  return "<td class=\"together\">" + html_escape(text) + "</td>";
}

// Right-aligned; `value` is what sorting compares.
std::string number(const std::string& text, double value) {
  return fmt::format("<td class=\"n\" data-value=\"{}\">{}</td>", value, html_escape(text));
}
std::string number(const std::string& text, const std::optional<double>& value) {
  return value ? number(text, *value) : "<td class=\"n\">" + html_escape(text) + "</td>";
}
std::string count(std::int64_t value) {
  return number(thousands(value), static_cast<double>(value));
}

std::string row_head(const std::string& text) {
  return "<th scope=\"row\">" + html_escape(text) + "</th>";
}

// A long "k=v,k=v" may break after its commas.
std::string code(const std::string& text) {
  std::string result;
  for (const char c : html_escape(text)) {
    result += c;
    if (c == ',') result += "<wbr/>";
  }
  return "<code>" + result + "</code>";
}

std::string sortable(const char* text, bool is_number, const char* hint = "") {
  return fmt::format("<th scope=\"col\"{}{}><button type=\"button\">{}</button></th>",
                     is_number ? " class=\"n\"" : "", *hint ? fmt::format(" title=\"{}\"", hint) : "", text);
}

std::string table(const char* id, const char* caption, const std::string& head, const std::string& body) {
  return fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{1}\"><table id=\"{0}\" "
      "class=\"sortable\">"
      "<caption class=\"hidden-text\">{1}</caption><thead>{2}</thead><tbody>{3}</tbody></table></div>\n",
      id, caption, head, body);
}

// The upper of two rows of heads: a name over several columns, or nothing.
std::string group(const char* name, int columns) {
  return fmt::format("<th scope=\"colgroup\" colspan=\"{}\" class=\"group\">{}</th>", columns, name);
}
std::string gap(int columns) {
  return fmt::format("<td colspan=\"{}\"></td>", columns);
}

std::string error_cells(const ErrorSummary& errors) {
  const auto known = [&](double value) { return errors.count ? std::optional(value) : std::nullopt; };
  return number(median_of(errors), known(errors.median)) + number(p90_of(errors), known(errors.p90)) +
         number(worst_of(errors), known(errors.worst));
}

std::string covered_cell(const Coverage& coverage) {
  if (coverage.count == 0) return number(covered(coverage), std::nullopt);
  return number(covered(coverage),
                static_cast<double>(coverage.inside) / static_cast<double>(coverage.count));
}

template <typename T, typename F>
bool varies(const std::vector<T>& items, F member) {
  for (const T& item : items) {
    if (member(item) != member(items.front())) return true;
  }
  return false;
}

std::string traffic_cells(const Pick& pick, double Traffic::*member) {
  std::string result;
  for (const std::optional<Traffic>& traffic : {pick.predicted, pick.measured}) {
    result +=
        traffic ? number(megabytes((*traffic).*member), (*traffic).*member) : number(kUnknown, std::nullopt);
  }
  return result;
}

std::string model_cell(const Pick& pick) {
  if (!pick.model_config) return cell(kUnknown);
  const std::string difference = config_difference(pick.config, *pick.model_config);
  if (difference.empty()) return "<td class=\"faint\">the same</td>";
  return fmt::format("<td title=\"{}\">{}{}</td>", html_escape(*pick.model_config), code(difference),
                     pick.model_in_tie_set ? " <span class=\"faint\">(tied)</span>" : "");
}

std::string dates(const ProvenanceGroup& group) {
  // Times of day add nothing to a range of days.
  const std::string first = group.first_date.substr(0, 10), last = group.last_date.substr(0, 10);
  if (first.empty()) return kUnknown;
  return first == last ? first : first + " to " + last;
}

std::string or_unknown(const std::string& text) {
  return text.empty() ? kUnknown : text;
}

}  // namespace

std::string error_table_html(const ReportData& data) {
  const bool with_device = varies(data.kernels, [](const KernelSummary& k) { return k.device; });
  std::string head = "<tr>" + gap(with_device ? 3 : 2) + group("Error of DRAM reads", 3) +
                     group("Error of DRAM writes", 3) + group("Time", 2) +
                     group("Regret of the model's pick", 2) + "</tr><tr>" + sortable("Kernel", false) +
                     (with_device ? sortable("Device", false) : "");
  for (const char* name : {"candidates", "median", "p90", "worst", "median", "p90", "worst", "median error",
                           "rank corr.", "geo. mean", "worst"}) {
    head += sortable(name, true);
  }
  std::string body;
  for (const KernelSummary& kernel : data.kernels) {
    body +=
        "<tr>" + row_head(with_calibration(kernel.kernel, kernel.calibrated)) +
        (with_device ? cell(kernel.device) : "") + count(kernel.dram_reads.count) +
        error_cells(kernel.dram_reads) + error_cells(kernel.dram_writes) +
        number(median_of(kernel.time), kernel.time.count ? std::optional(kernel.time.median) : std::nullopt) +
        number(kernel.rank_correlation ? fixed(*kernel.rank_correlation, 2) : kUnknown,
               kernel.rank_correlation) +
        number(percent_or_unknown(kernel.regret_geometric_mean), kernel.regret_geometric_mean) +
        number(percent_or_unknown(kernel.regret_worst), kernel.regret_worst) + "</tr>\n";
  }
  return table("errors", "Error of the predictions by kernel", head + "</tr>", body);
}

std::string detail_table_html(const ReportData& data) {
  const bool with_device = varies(data.kernels, [](const KernelSummary& k) { return k.device; });
  std::string head = "<tr>" + gap(with_device ? 2 : 1) + group("Candidates", 4) + group("Problems", 2) +
                     group("Inside 90% interval", 2) + group("Error of L2 reads requested", 3) + "</tr><tr>" +
                     sortable("Kernel", false) + (with_device ? sortable("Device", false) : "");
  for (const char* name : {"measured", "rejected", "failed", "predicted only", "timed", "with regret",
                           "DRAM reads", "DRAM writes", "median", "p90", "worst"}) {
    head += sortable(name, true);
  }
  std::string body;
  for (const KernelSummary& kernel : data.kernels) {
    body += "<tr>" + row_head(with_calibration(kernel.kernel, kernel.calibrated)) +
            (with_device ? cell(kernel.device) : "") + count(kernel.measured) + count(kernel.rejected) +
            count(kernel.failed) + count(kernel.predicted) + count(kernel.problems) +
            count(kernel.regret_problems) + covered_cell(kernel.read_interval) +
            covered_cell(kernel.write_interval) + error_cells(kernel.l2_reads) + "</tr>\n";
  }
  return table("details", "Counts, intervals and L2 reads by kernel", head + "</tr>", body);
}

std::string picks_table_html(const ReportData& data) {
  const bool with_device = varies(data.picks, [](const Pick& p) { return p.device; });
  // The same problem more than once: what differs is how it was measured.
  std::set<std::string> seen;
  bool repeats = false;
  for (const Pick& pick : data.picks)
    repeats |= !seen.insert(pick.kernel + "\n" + pick.problem + "\n" + pick.device).second;

  const std::string head =
      "<tr>" + gap(4 + with_device + repeats) + group("DRAM reads, MB", 2) + group("DRAM writes, MB", 2) +
      gap(1) + group("Model's first choice", 2) + "</tr><tr>" + sortable("Kernel and problem", false) +
      (with_device ? sortable("Device", false) : "") + (repeats ? sortable("Conditions", false) : "") +
      sortable("Best configuration", false) +
      sortable("Time, µs", true, "measured median and its 95% interval") +
      sortable("vs. default", true, "speed-up over the safe default of the kernel") +
      sortable("predicted", true) + sortable("measured", true) + sortable("predicted", true) +
      sortable("measured", true) +
      sortable("Tied", true, "configurations that noise cannot tell from the best, of those timed") +
      sortable("differs in", false) +
      sortable("slower by", true,
               "measured time of the model's first choice over the best measured time, minus 1") +
      "</tr>";
  std::string body;
  for (const Pick& pick : data.picks) {
    const Timing& timing = pick.timing;
    const std::optional<double> speedup =
        pick.default_seconds ? std::optional(*pick.default_seconds / timing.median_seconds) : std::nullopt;
    body += "<tr><th scope=\"row\">" + html_escape(with_calibration(pick.kernel, pick.calibrated)) + "<br/>" +
            code(pick.problem) + "</th>" + (with_device ? cell(pick.device) : "") +
            (repeats ? cell(fmt::format("driver {}, compiler {}, source {}, {}", pick.driver_version,
                                        pick.compiler_version, pick.source_hash.substr(0, 8), pick.policy))
                     : "") +
            "<td>" + code(pick.config) + "</td>" +
            fmt::format("<td class=\"n\" data-value=\"{}\">{}<br/><span class=\"faint\">{}–{}</span></td>",
                        timing.median_seconds, microseconds(timing.median_seconds),
                        microseconds(timing.low_seconds), microseconds(timing.high_seconds)) +
            number(speedup ? fixed(*speedup, 2) + "×" : kUnknown, speedup) +
            traffic_cells(pick, &Traffic::dram_read_bytes) + traffic_cells(pick, &Traffic::dram_write_bytes) +
            number(thousands(pick.tie_set_size) + " of " + thousands(pick.candidates),
                   static_cast<double>(pick.tie_set_size)) +
            model_cell(pick) + number(percent_or_unknown(pick.regret), pick.regret) + "</tr>\n";
  }
  return table("picks", "Best measured configuration of every problem", head, body);
}

std::string reasons_table_html(const ReportData& data) {
  constexpr std::size_t kShown = 200;
  const std::string head = "<tr>" + sortable("Kernel", false) + sortable("Outcome", false) +
                           sortable("Reason", false) + sortable("Candidates", true) +
                           sortable("For example", false) + "</tr>";
  std::string body;
  std::size_t shown = 0;
  for (const ReasonCount& reason : data.reasons) {
    if (shown++ == kShown) break;
    body += "<tr>" + row_head(reason.kernel) +
            fmt::format("<td class=\"{0}\">{0}</td>", to_string(reason.outcome)) +
            cell(or_unknown(reason.reason)) + count(reason.count) + "<td>" + code(reason.example_config) +
            " <span class=\"faint\">for</span> " + code(reason.example_problem) + "</td></tr>\n";
  }
  std::string result = table("reasons", "Rejected and failed candidates by reason", head, body);
  if (data.reasons.size() > kShown) {
    result += fmt::format(
        "<p class=\"note\">{} rarer reasons are left out here; the CSV and JSON exports hold all.</p>",
        thousands(static_cast<std::int64_t>(data.reasons.size() - kShown)));
  }
  return result;
}

std::string provenance_table_html(const ReportData& data) {
  const std::string head = "<tr>" + sortable("Tier", false) + sortable("Device", false) +
                           sortable("GPUs", true) + sortable("Profile", false) + sortable("Driver", false) +
                           sortable("Compiler", false) + sortable("CUPTI", false) + sortable("Weir", false) +
                           sortable("Measurement policy", false) + sortable("Dates", false) +
                           sortable("Rows", true) + "</tr>";
  std::string body;
  for (const ProvenanceGroup& group : data.provenance) {
    std::string device = group.device;
    if (group.sm_count > 0) {
      device += fmt::format(" (sm_{}, {} SMs, {} L2)", group.compute_capability, group.sm_count,
                            bytes_with_unit(static_cast<double>(group.l2_bytes)));
    }
    const std::string why = group.tier_reason.empty()
                                ? ""
                                : " <span class=\"faint\">" + html_escape(group.tier_reason) + "</span>";
    body += "<tr><th scope=\"row\">" + std::string(1, letter(group.tier)) + why + "</th>" + cell(device) +
            count(group.gpus) + together(or_unknown(group.profile)) + cell(or_unknown(group.driver_version)) +
            cell(or_unknown(group.compiler_version)) + cell(or_unknown(group.cupti_version)) +
            cell(or_unknown(group.weir_version)) + cell(or_unknown(group.policy)) + together(dates(group)) +
            count(group.rows) + "</tr>\n";
  }
  return table("provenance-groups", "Origin of the rows", head, body);
}

}  // namespace weir::report
