// weir: predict, tune, store, ship and report HBM traffic of GPU kernels.
#include <cstdio>
#include <exception>
#include <optional>

#include "cli/common.h"
#include "cli/version.h"
#include "gpu/worker_backend.h"

int main(int argc, char** argv) {
  using namespace weir::cli;
  // The tuner starts this program again as the process that owns the GPU.
  if (const std::optional<int> status = weir::run_worker_if_asked(argc, argv)) return *status;

  CLI::App app{"Weir predicts, measures and tunes the HBM traffic of GPU kernels"};
  app.name("weir");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 ok, 1 unexpected, 2 usage, 3 no usable device, 4 counters not permitted, 5 database "
      "busy,\n"
      "6 database corrupt or incompatible, 7 miss, 8 verification or gate failed, 130 interrupted with state "
      "saved.");
  int exit_code = kOk;
  for (const RegisterCommand register_command :
       {register_doctor, register_kernels, register_predict, register_tune, register_report, register_compare,
        register_mask, register_pick, register_ship, register_db, register_verify, register_calibrate,
        register_probe}) {
    register_command(app, exit_code);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int cli_code = app.exit(error);
    return cli_code == 0 ? kOk : kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "weir: unexpected: %s\n", error.what());
    return kUnexpected;
  }
  return exit_code;
}
