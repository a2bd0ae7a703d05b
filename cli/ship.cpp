// weir ship: publish a work file as the ship file that applications read.
#include <fmt/format.h>

#include "cli/common.h"
#include "cli/json.h"
#include "store/store.h"

namespace weir::cli {
namespace {

int run(const std::string& db, const std::string& out, bool json) {
  Result<Store> work = Store::open(db, Store::Mode::open_existing);
  if (!work) return complain(work.error());
  Result<ShipReport> report = ship(*work, out);
  if (!report) return complain(report.error());
  if (json) {
    const Json printed{{"out", out},
                       {"kernels", report->kernels},
                       {"picks", report->picks},
                       {"modules", report->modules},
                       {"bytes", report->bytes},
                       {"digest", report->digest}};
    fmt::print("{}\n", printed.dump(2));
  } else {
    fmt::print("{}: {} kernels, {} picks, {} modules, {} bytes, digest {}\n", out, report->kernels,
               report->picks, report->modules, report->bytes, report->digest);
  }
  return kOk;
}

}  // namespace

void register_ship(CLI::App& app, int& exit_code) {
  struct Options {
    std::string db, out;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("ship", "Publish tuned configurations and their compiled kernels for applications");
  command->add_option("--db", options->db, "The work file that weir tune wrote")->required();
  command->add_option("--out", options->out, "The ship file; replaced atomically")->required();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &exit_code] { exit_code = run(options->db, options->out, options->json); });
}

}  // namespace weir::cli
