// weir report: predicted against measured, for people and programs.
#include "reports/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "cli/common.h"
#include "cli/comparison_file.h"
#include "cli/progress.h"
#include "store/store.h"

namespace weir::cli {
namespace {

struct Options {
  std::vector<std::string> db, compare;
  std::string out, format, kernel, problem, gpu;
  std::optional<double> gate_median, gate_p90;
};

Result<std::vector<Record>> read(const Options& options) {
  std::vector<Record> all;
  for (const std::string& file : options.db) {
    Result<Store> store = Store::open(file, Store::Mode::read_only);
    if (!store) return store.error();
    RecordFilter filter;
    if (!options.kernel.empty()) filter.kernel = options.kernel;
    if (!options.problem.empty()) filter.problem = options.problem;
    if (!options.gpu.empty()) filter.gpu_name = options.gpu;
    Result<std::vector<Record>> rows = store->records(filter);
    if (!rows) return rows.error();
    all.insert(all.end(), std::make_move_iterator(rows->begin()), std::make_move_iterator(rows->end()));
  }
  return all;
}

// The comparisons, each with what the stores have of it.
Result<std::vector<report::Section>> sections_of(const Options& options) {
  std::vector<report::Section> sections;
  for (const std::string& file : options.compare) {
    Result<EvaluatedComparison> evaluated = evaluate_comparison({file, options.db, {}, {}});
    if (!evaluated) return evaluated.error();
    sections.push_back({evaluated->comparison.title, comparison_html(*evaluated)});
  }
  return sections;
}

int run(const Options& options) {
  Result<std::vector<Record>> rows = read(options);
  if (!rows) return complain(rows.error());
  const report::ReportData data = report::analyse(*rows);

  std::string format = options.format;
  if (format.empty() && !options.out.empty()) {
    const std::string extension = std::filesystem::path(options.out).extension().string();
    format = extension == ".md" ? "md" : extension == ".csv" ? "csv" : extension == ".json" ? "json" : "html";
  }
  std::string text;
  if (format == "html") {
    Result<std::vector<report::Section>> sections = sections_of(options);
    if (!sections) return complain(sections.error());
    text = report::html(data, *rows, *sections);
  } else if (format == "md") {
    text = report::markdown(data);
  } else if (format == "csv") {
    text = report::csv(*rows);
  } else if (format == "json") {
    text = report::json(data, *rows);
  } else {
    text = report::terminal(data, options.out.empty() && color_wanted(STDOUT_FILENO));
  }
  if (options.out.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (!text.empty() && text.back() != '\n') std::fputc('\n', stdout);
  } else {
    std::ofstream file(options.out, std::ios::binary);
    file << text;
    if (!file.flush())
      return complain(Error{ErrorKind::unexpected, "cannot write " + options.out,
                            "is there space, and may this user write there?"});
    say("wrote " + options.out);
  }

  report::Gates gates;
  gates.read_median = options.gate_median;
  gates.read_p90 = options.gate_p90;
  const std::vector<std::string> broken = report::check_gates(data, gates);
  for (const std::string& message : broken) say("gate: " + message);
  return broken.empty() ? kOk : kVerificationFailed;
}

}  // namespace

void register_report(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "report", "Predicted against measured traffic and time, picks, rejections, provenance");
  command->add_option("--db", options->db, "Stores to report on; may be given several times")->required();
  command->add_option("--out", options->out,
                      "Write to this file (.html, .md, .csv, .json); default: a summary to stdout");
  command->add_option("--compare", options->compare,
                      "For the page: comparisons to show, workload files with rows and tables of them");
  command->add_option("--format", options->format, "html, md, csv, json or terminal")
      ->check(CLI::IsMember({"html", "md", "csv", "json", "terminal"}));
  command->add_flag_callback(
      "--json", [options] { options->format = "json"; }, "Same as --format json");
  command->add_option("--kernel", options->kernel, "Only this kernel");
  command->add_option("--problem", options->problem, "Only this problem, as stored");
  command->add_option("--device", options->gpu, "Only this GPU, as the driver names it");
  command->add_option("--gate-median", options->gate_median,
                      "Exit 8 if a kernel's median error of DRAM reads is above this share");
  command->add_option("--gate-p90", options->gate_p90,
                      "Exit 8 if a kernel's 90th percentile of that error is above this share");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
