#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "reports/analysis.h"
#include "reports/charts.h"
#include "reports/format.h"
#include "reports/html_parts.h"
#include "reports/tile_charts.h"
#include "reports/tunables.h"

namespace weir::report {
namespace {

std::string figure(const std::string& svg, const std::string& caption) {
  if (svg.empty()) return "";
  return "<figure><figcaption>" + caption + "</figcaption>" + svg + "</figure>\n";
}

std::string legend(const std::vector<std::string>& kernels) {
  std::string result =
      "<div class=\"legend\"><span class=\"legend-part\" role=\"group\" aria-label=\"Show kernels\">";
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    result += fmt::format(
        "<button type=\"button\" class=\"key\" data-kernel=\"{}\" aria-pressed=\"true\">"
        "<span class=\"swatch k{}\"></span>{}</button>",
        i, i % 8, html_escape(kernels[i]));
  }
  result += "</span><span class=\"legend-part shapes\">";
  for (const auto& [glyph, text] :
       {std::pair{"●", "compulsory"}, {"■", "fits"}, {"▲", "transition"}, {"◆", "thrash"}}) {
    result += fmt::format("<span><span class=\"glyph\">{}</span> {}</span>", glyph, text);
  }
  return result + "</span></div>\n";
}

// "gemm · m=4096,…" and what else it takes to tell panels apart.
std::string panel_label(const ProblemRows& problem, bool with_conditions) {
  std::string label = problem.problem + " · " + problem.device;
  if (with_conditions) {
    label += fmt::format(" · driver {} · compiler {} · source {} · {}", problem.driver_version,
                         problem.compiler_version, problem.source_hash.substr(0, 8), problem.policy);
  }
  return label;
}

std::string panel(const std::vector<Record>& records, const ProblemRows& problem, const std::string& label,
                  bool is_first) {
  std::string body;
  const std::vector<VariedTunable> tunables = varied_tunables(records, problem.rows);
  if (tunables.empty()) {
    body = "<p class=\"note\">Only one configuration was timed.</p>";
  } else {
    body = "<div class=\"heat-row\">" +
           figure(heat_map(records, problem, tunables, HeatQuantity::predicted_reads),
                  "DRAM reads, predicted, MB") +
           figure(heat_map(records, problem, tunables, HeatQuantity::measured_reads),
                  "DRAM reads, measured, MB") +
           figure(heat_map(records, problem, tunables, HeatQuantity::measured_time), "Time, measured, µs") +
           "</div>" +
           figure(strips(records, problem, tunables),
                  "Every candidate by the value of each tunable: "
                  "<span class=\"glyph measured-key\">●</span> measured, <span class=\"glyph "
                  "predicted-key\">○</span> "
                  "predicted, bars at the medians");
    if (tunables.size() > kStripTunables) {
      body += "<p class=\"note\">Not drawn, being less influential:";
      for (std::size_t i = kStripTunables; i < tunables.size(); ++i)
        body += " <code>" + html_escape(tunables[i].name) + "</code>";
      body += ".</p>";
    }
  }
  return fmt::format(
      "<section class=\"panel\" data-kernel-name=\"{}\" data-label=\"{}\"{}><h3>{} "
      "<code>{}</code></h3>{}</section>\n",
      html_escape(problem.kernel), html_escape(label), is_first ? "" : " data-later=\"\"",
      html_escape(problem.kernel), html_escape(label), body);
}

}  // namespace

std::string accuracy_charts_html(const ReportData& data, const std::vector<Record>& records) {
  const std::vector<std::string> kernels = kernel_names(data);
  const std::string reads = scatter(records, kernels, Quantity::dram_reads);
  if (reads.empty()) return "<p class=\"note\">No row has both a prediction and hardware counters.</p>";
  return "<div id=\"accuracy\">" + legend(kernels) + "<div class=\"pair\">" + figure(reads, "DRAM reads") +
         figure(scatter(records, kernels, Quantity::dram_writes), "DRAM writes") + "</div>" +
         "<p class=\"note\">One mark per candidate; the line is equality, the band ±10%. Values up to 0.1 MB "
         "are drawn at the "
         "edge. Writes are those inside the kernel: output that is still dirty in the L2 when it ends is not "
         "among them.</p>"
         "<h3>Ratio of predicted to measured</h3><div class=\"pair\">" +
         figure(ratio_scatter(records, kernels, Quantity::dram_reads), "DRAM reads") +
         figure(ratio_scatter(records, kernels, Quantity::dram_writes), "DRAM writes") + "</div>" +
         "<p class=\"note\">Measured values under 1 MB are left out.</p>"
         "<h3>Distribution of the error</h3><div class=\"pair\">" +
         figure(error_distribution(records, kernels, Quantity::dram_reads), "DRAM reads") +
         figure(error_distribution(records, kernels, Quantity::dram_writes), "DRAM writes") +
         "</div></div>\n";
}

std::string tile_charts_html(const std::vector<Record>& records) {
  const DeviceNames names(records);
  const std::vector<ProblemRows> problems = timed_problems(records, names);
  if (problems.empty()) return "<p class=\"note\">No candidate was timed.</p>";
  std::map<std::pair<std::string, std::string>, int> label_uses;
  for (const ProblemRows& problem : problems) ++label_uses[{problem.kernel, panel_label(problem, false)}];

  std::string result =
      "<p class=\"choose\" hidden=\"\"><label>Kernel <select id=\"choose-kernel\"></select></label> "
      "<label>Problem <select id=\"choose-problem\"></select></label></p>\n"
      "<p class=\"note\">A cell of the grids shows the fastest candidate with its two values; the outline "
      "marks the fastest of "
      "all. Both grids of DRAM reads share their colors. \"Explains\" is the share of the variance of the "
      "logarithm, over all "
      "timed candidates, that the tunable alone accounts for.</p>\n";
  bool is_first = true;
  for (const ProblemRows& problem : problems) {
    const bool is_ambiguous = label_uses[{problem.kernel, panel_label(problem, false)}] > 1;
    result += panel(records, problem, panel_label(problem, is_ambiguous), is_first);
    is_first = false;
  }
  return result;
}

}  // namespace weir::report
