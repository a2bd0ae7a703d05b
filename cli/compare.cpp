// weir compare: rows of several kernels and launches side by side, measured where a store has them and
// predicted for any GPU; as a table, as charts, and inside documents.
#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "cli/common.h"
#include "cli/comparison_file.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "comparisons/chart.h"
#include "comparisons/document.h"
#include "comparisons/grid.h"
#include "reports/format.h"

namespace weir::cli {
namespace {

struct Options {
  ComparisonOptions comparison;
  std::filesystem::path charts;  // folder for SVG files; empty: none
  std::filesystem::path document;
  bool check = false, json = false;
};

void add_comparison_options(CLI::App& command, ComparisonOptions& options, std::filesystem::path& charts) {
  command.add_option("--db", options.db,
                     "Stores with measured rows, or folders of them; may be given several times");
  command.add_option("--gpu", options.gpus, "Device profiles to predict for; may be given several times");
  command.add_option("--table", options.tables, "Only these tables of the file, by name");
  command.add_option("--charts", charts, "Write the charts to this folder, as SVG, and refer to them");
}

Result<std::string> contents_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return Error{ErrorKind::missing, "cannot read " + file.string(), ""};
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

Status write_file(const std::filesystem::path& file, const std::string& text) {
  std::error_code ignored;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), ignored);
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (stream.flush()) return ok_status();
  return Error{ErrorKind::unexpected, "cannot write " + file.string(),
               "is there space, and may this user write there?"};
}

// Puts a chart where it belongs, or compares it with what is there.
using PutChart = std::function<Status(const std::filesystem::path& file, const std::string& svg)>;

Result<std::string> as_markdown(const EvaluatedComparison& evaluated, const std::filesystem::path& charts,
                                const PutChart& put) {
  std::string text;
  for (const comparison::Table& table : evaluated.comparison.tables) {
    for (const comparison::Grid& grid : grids(evaluated.comparison, table, evaluated.devices))
      text += (text.empty() ? "" : "\n") + markdown(grid);
    if (charts.empty()) continue;
    for (const NamedChart& chart : charts_of(evaluated, table)) {
      if (Status status = put(charts / chart.file, comparison::standalone(chart.svg)); !status)
        return status.error();
      text += fmt::format("\n![{}]({})\n", report::markdown_escape(chart.title),
                          (charts / chart.file).generic_string());
    }
  }
  return text;
}

Json as_json(const EvaluatedComparison& evaluated) {
  const auto amounts = [](const comparison::Amounts& values) {
    static constexpr std::pair<comparison::Quantity, const char*> kKeys[] = {
        {comparison::Quantity::flops, "useful_flops"},    {comparison::Quantity::executed, "executed_flops"},
        {comparison::Quantity::sram, "sram_level_bytes"}, {comparison::Quantity::l2, "l2_bytes"},
        {comparison::Quantity::dram, "dram_bytes"},       {comparison::Quantity::time, "time_seconds"},
        {comparison::Quantity::memory, "memory_bytes"}};
    Json json = Json::object();
    for (const auto& [quantity, key] : kKeys) {
      if (const auto found = values.find(quantity); found != values.end()) json[key] = found->second;
    }
    return json;
  };
  Json devices = Json::array();
  for (const comparison::DeviceResult& device : evaluated.devices) {
    Json rows = Json::array();
    for (std::size_t i = 0; i < device.rows.size(); ++i) {
      const WorkloadRow& row = evaluated.comparison.rows[i];
      rows.push_back(Json{{"series", row.series},
                          {"group", row.group},
                          {"x", row.x ? Json(*row.x) : Json(nullptr)},
                          {"predicted", amounts(device.rows[i].predicted)},
                          {"measured", amounts(device.rows[i].measured)},
                          {"reason", device.rows[i].reason}});
    }
    devices.push_back(Json{{"gpu", device.profile},
                           {"calibrated", device.calibrated},
                           {"calibration_note", device.calibration_note},
                           {"rows", rows}});
  }
  return Json{{"comparison", evaluated.comparison.title}, {"devices", devices}};
}

// A table of a document: its line's arguments are those of this command.
Result<std::string> table_of_document(const std::vector<std::string>& arguments,
                                      const std::filesystem::path& folder, const PutChart& put) {
  CLI::App line{"weir compare"};
  ComparisonOptions options;
  std::filesystem::path charts;
  line.add_option("file", options.file)->required();
  add_comparison_options(line, options, charts);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    line.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return Error{ErrorKind::usage,
                 fmt::format("weir compare {}: {}", fmt::join(arguments, " "), error.what()), ""};
  }
  const Result<EvaluatedComparison> evaluated = evaluate_comparison(options);
  if (!evaluated) return evaluated.error();
  return as_markdown(*evaluated, charts, [&](const std::filesystem::path& file, const std::string& svg) {
    return put(folder / file, svg);
  });
}

int update_document(const Options& options) {
  const Result<std::string> text = contents_of(options.document);
  if (!text) return complain(text.error());
  std::vector<std::string> stale;
  const PutChart compare = [&](const std::filesystem::path& file, const std::string& svg) {
    const Result<std::string> there = contents_of(file);
    if (!there || *there != svg) stale.push_back(file.string());
    return ok_status();
  };
  const Result<std::string> updated =
      comparison::with_tables(*text, [&](const std::vector<std::string>& arguments) {
        return table_of_document(arguments, options.document.parent_path(),
                                 options.check ? compare : PutChart(write_file));
      });
  if (!updated) return complain(updated.error());
  if (!options.check) {
    const Status written = write_file(options.document, *updated);
    if (!written) return complain(written.error());
    say("wrote " + options.document.string());
    return kOk;
  }
  if (*updated != *text) stale.insert(stale.begin(), options.document.string());
  for (const std::string& file : stale)
    say(file + " is not what weir compare writes; weir compare --document " + options.document.string() +
        " writes it again");
  return stale.empty() ? kOk : kVerificationFailed;
}

int run(const Options& options) {
  if (!options.document.empty()) return update_document(options);
  if (options.comparison.file.empty())
    return complain(Error{ErrorKind::usage, "nothing to compare", "name a file, or give --document FILE"});
  const Result<EvaluatedComparison> evaluated = evaluate_comparison(options.comparison);
  if (!evaluated) return complain(evaluated.error());
  if (options.json) {
    fmt::print("{}\n", as_json(*evaluated).dump(2));
    return kOk;
  }
  const Result<std::string> text = as_markdown(*evaluated, options.charts, write_file);
  if (!text) return complain(text.error());
  std::fwrite(text->data(), 1, text->size(), stdout);
  return kOk;
}

}  // namespace

void register_compare(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "compare", "Methods side by side, over several kernels: tables and charts of a workload's rows");
  command->add_option("file", options->comparison.file, "A workload file with rows and tables of them");
  add_comparison_options(*command, options->comparison, options->charts);
  command->add_option("--document", options->document,
                      "Write the tables of this Markdown file again: those between <!-- weir compare … --> "
                      "and <!-- end of weir compare -->");
  command->add_flag("--check", options->check,
                    "With --document: change nothing, exit 8 if a table or chart is not what it should be");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::cli
