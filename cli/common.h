// What every command shares: printing errors, the kernels and profiles that ship, problems and configurations
// as text.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "kernels/definition.h"
#include "profiles/device_profile.h"

namespace weir::cli {

// Adds a command to the program. Its callback stores the exit code.
using RegisterCommand = void (*)(CLI::App& app, int& exit_code);
void register_calibrate(CLI::App& app, int& exit_code);
void register_compare(CLI::App& app, int& exit_code);
void register_db(CLI::App& app, int& exit_code);
void register_doctor(CLI::App& app, int& exit_code);
void register_kernels(CLI::App& app, int& exit_code);
void register_mask(CLI::App& app, int& exit_code);
void register_pick(CLI::App& app, int& exit_code);
void register_predict(CLI::App& app, int& exit_code);
void register_probe(CLI::App& app, int& exit_code);
void register_report(CLI::App& app, int& exit_code);
void register_ship(CLI::App& app, int& exit_code);
void register_tune(CLI::App& app, int& exit_code);
void register_verify(CLI::App& app, int& exit_code);

// Prints "weir: message" and the advice to stderr; returns the exit code.
int complain(const Error& error);
void say(const std::string& message);  // one line to stderr

// True from the first SIGINT or SIGTERM on. The second one ends the process at once.
bool stop_requested();
void catch_interrupts();

// Configurations of one kernel from their texts, k=v,k=v; what a text leaves out has its default.
Result<std::vector<Config>> parse_configs(const KernelDefinition& definition,
                                          const std::vector<std::string>& texts);

// A problem's integer tables on the command line.
struct TableOptions {
  std::vector<std::string>
      texts;  // --table kept=FILE or kept=1;2;3: integers separated by anything that is no digit or sign
  std::string file;  // --tables FILE: YAML, names and lists
  std::string
      mask;  // --mask butterfly: those of a block mask (masks/mask_text.h), which parse_tables leaves out
};
void add_table_options(CLI::App& command, TableOptions& options);
Result<std::map<std::string, std::vector<std::int64_t>>> parse_tables(const TableOptions& options);

}  // namespace weir::cli
