#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "reports/format.h"
#include "reports/html_parts.h"

namespace weir::report {
namespace {

std::string fact(const std::string& value, const char* label) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", label, html_escape(value));
}

std::string joined(const std::set<std::string>& values) {
  std::string result;
  for (const std::string& value : values) result += (result.empty() ? "" : ", ") + value;
  return result.empty() ? kUnknown : result;
}

// What a reader must know before believing a number: how much was measured, where, with what, when.
std::string header(const ReportData& data) {
  std::int64_t measured = 0, counted = 0, rejected = 0, failed = 0;
  for (const KernelSummary& kernel : data.kernels) {
    measured += kernel.measured;
    counted += kernel.dram_reads.count;
    rejected += kernel.rejected;
    failed += kernel.failed;
  }
  std::set<std::string> devices, drivers, compilers, versions;
  std::string first, last;
  for (const ProvenanceGroup& group : data.provenance) {
    devices.insert(group.device);
    if (!group.driver_version.empty()) drivers.insert(group.driver_version);
    if (!group.compiler_version.empty()) compilers.insert(group.compiler_version);
    if (!group.weir_version.empty()) versions.insert(group.weir_version);
    if (group.first_date.empty()) continue;
    first = first.empty() ? group.first_date : std::min(first, group.first_date);
    last = std::max(last, group.last_date);
  }
  first = first.substr(0, 10);
  last = last.substr(0, 10);
  return "<header><h1>Predicted against measured memory traffic</h1>"
         "<p class=\"lead\">What Weir's cache model says that tilings of GPU kernels move through DRAM, "
         "beside what hardware "
         "counters measured, and what that means for choosing a tiling.</p><dl class=\"facts\">" +
         fact(thousands(measured), "candidates measured") + fact(thousands(counted), "with counters") +
         fact(thousands(static_cast<std::int64_t>(data.picks.size())), "problems") +
         fact(thousands(rejected), "rejected") + fact(thousands(failed), "failed") +
         "</dl><dl class=\"origin\">" + fact(joined(devices), "Device") + fact(joined(drivers), "Driver") +
         fact(joined(compilers), "Compiler") + fact(joined(versions), "Weir") +
         fact(first.empty()   ? kUnknown
              : first == last ? first
                              : first + " to " + last,
              "Dates") +
         "</dl></header>\n";
}

std::string uncalibrated_notes(const ReportData& data) {
  std::string notes;
  for (const UncalibratedGroup& group : data.uncalibrated)
    notes += "<p class=\"note\">" + html_escape(sentence(group)) + "</p>\n";
  return notes;
}

std::string section(const std::string& id, const std::string& title, const std::string& body) {
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\"><h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n", id,
      title, body);
}

constexpr const char* kDefinitions =
    "<details><summary>How these numbers are defined</summary><ul>"
    "<li><b>Counted</b>: measured with hardware counters (tier A) and predicted. Only these enter errors of "
    "traffic.</li>"
    "<li><b>Error</b>: |predicted − measured| / max(measured, 1 MB, 1% of the compulsory bytes), for one "
    "launch with a cold L2. "
    "The floor keeps a write of a few kB from counting as an error of hundreds of percent.</li>"
    "<li><b>Inside 90% interval</b>: share of measured values inside the interval that the model gave; 90% "
    "is right.</li>"
    "<li><b>Rank corr.</b>: Spearman's correlation of predicted and measured time per problem; the median "
    "over problems.</li>"
    "<li><b>Regret</b>: measured time of the candidate that the model ranks first, over the best measured "
    "time, minus 1. It "
    "sees only what was measured.</li>"
    "<li><b>Quantiles</b> interpolate linearly between order statistics.</li></ul></details>\n";

std::string picks_section(const ReportData& data) {
  if (data.picks.empty()) return "<p class=\"note\">No candidate was timed and verified.</p>";
  return "<p class=\"filter\" hidden=\"\"><label>Filter <input type=\"search\" "
         "data-filter=\"picks\"/></label></p>" +
         picks_table_html(data);
}

std::string records_section(const ReportData& data) {
  return fmt::format(
      "<details id=\"records-details\"><summary>All {} rows</summary>"
      "<p class=\"filter\"><label>Filter <input type=\"search\" id=\"records-filter\"/></label> "
      "<label>Outcome <select id=\"records-outcome\"><option value=\"\">all</option><option>measured</option>"
      "<option>predicted</option><option>rejected</option><option>failed</option></select></label></p>"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All rows\"><table id=\"records\">"
      "<caption class=\"hidden-text\">All rows</caption><thead></thead><tbody></tbody></table></div>"
      "<p class=\"pager\"><button type=\"button\" id=\"records-previous\">Previous</button> "
      "<span id=\"records-position\" role=\"status\"></span> "
      "<button type=\"button\" id=\"records-next\">Next</button></p>"
      "<noscript><p class=\"note\">This table needs JavaScript; the CSV and JSON exports hold the same "
      "rows.</p></noscript>"
      "</details>\n",
      thousands(data.rows));
}

}  // namespace

std::string html(const ReportData& data, const std::vector<Record>& records,
                 const std::vector<Section>& sections) {
  std::string body = header(data);
  if (data.kernels.empty()) {
    body += "<main><p class=\"note\">The store has no rows.</p></main>";
  } else {
    body +=
        "<nav aria-label=\"Contents\"><a href=\"#error\">Errors</a><a href=\"#scatter\">Predicted and "
        "measured</a>"
        "<a href=\"#tiles\">Tile sizes</a><a href=\"#best\">Picks</a><a href=\"#rejected\">Rejected</a>"
        "<a href=\"#provenance\">Provenance</a></nav>\n<main>";
    for (std::size_t i = 0; i < sections.size(); ++i)
      body += section(fmt::format("comparison-{}", i + 1), html_escape(sections[i].title), sections[i].html);
    body +=
        section("error", "How well the model predicts",
                error_table_html(data) + uncalibrated_notes(data) + kDefinitions + detail_table_html(data));
    body += section("scatter", "Predicted against measured", accuracy_charts_html(data, records));
    body += section("tiles", "Traffic and time against tile sizes", tile_charts_html(records));
    body += section("best", "Picks", picks_section(data));
    body += section("rejected", "Rejected and failed",
                    data.reasons.empty() ? "<p class=\"note\">No candidate was rejected or failed.</p>"
                                         : reasons_table_html(data));
    body += section("provenance", "Provenance", provenance_table_html(data) + records_section(data));
    body += "</main>";
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src "
      "'unsafe-inline'\"/>"
      "<title>Weir report: predicted against measured memory "
      "traffic</title><style>{}</style></head>\n<body>\n{}\n"
      "<div id=\"tooltip\" role=\"tooltip\" hidden=\"\"></div>\n"
      "<script type=\"application/json\" id=\"data\">{}</script>\n<script>{}</script>\n</body></html>\n",
      kHtmlStyle, body, page_data(records), kHtmlScript);
}

}  // namespace weir::report
