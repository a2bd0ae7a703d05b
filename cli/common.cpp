#include "cli/common.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "tuner/workload.h"

namespace weir::cli {
namespace {

std::atomic<int> signals{0};

extern "C" void on_signal(int number) {
  if (signals.fetch_add(1) > 0) _exit(128 + number);
}

}  // namespace

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return kUsage;
    case ErrorKind::missing:
      return kUsage;
    case ErrorKind::rejected:
      return kUsage;
    case ErrorKind::no_device:
      return kNoDevice;
    case ErrorKind::counters_denied:
      return kCountersDenied;
    case ErrorKind::busy:
      return kBusy;
    case ErrorKind::corrupt:
      return kCorrupt;
    case ErrorKind::verification:
      return kVerificationFailed;
    case ErrorKind::interrupted:
      return kInterrupted;
    case ErrorKind::failed:
    case ErrorKind::unexpected:
      return kUnexpected;
  }
  return kUnexpected;
}

int complain(const Error& error) {
  std::fprintf(stderr, "weir: %s\n", to_string(error).c_str());
  return exit_code(error.kind);
}

void say(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
}

bool stop_requested() {
  return signals.load() > 0;
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void add_table_options(CLI::App& command, TableOptions& options) {
  command.add_option("--table", options.texts, "An integer table of the problem: name=FILE or name=1;2;3");
  command.add_option("--tables", options.file, "YAML file with the problem's tables: {name: [1, 2, 3], …}");
  command.add_option("--mask", options.mask,
                     "The blocks of scores that are kept: full, butterfly(stride=8), window(left=2,right=0), "
                     "global(rows=1,columns=1), random(density=0.1,seed=1), file(PATH), joined by +");
}

Result<std::map<std::string, std::vector<std::int64_t>>> parse_tables(const TableOptions& options) {
  Tables tables;
  if (!options.file.empty()) {
    Result<Tables> loaded = load_tables(options.file);
    if (!loaded) return loaded.error();
    tables = std::move(*loaded);
  }
  for (const std::string& text : options.texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return Error{ErrorKind::usage, "--table " + text + " has no '='",
                   "write --table name=FILE or --table name=1;2;3"};
    }
    std::string content = text.substr(equals + 1);
    if (std::ifstream file(content); file) content.assign(std::istreambuf_iterator<char>(file), {});
    std::vector<std::int64_t>& values = tables[text.substr(0, equals)];
    values.clear();
    std::size_t at = 0;
    while ((at = content.find_first_of("-0123456789", at)) != std::string::npos) {
      std::size_t used = 0;
      try {
        values.push_back(std::stoll(content.substr(at, 24), &used));
      } catch (const std::exception&) {
        return Error{ErrorKind::usage,
                     "--table " + text.substr(0, equals) + ": '" + content.substr(at, 24) + "' is no integer",
                     ""};
      }
      at += used;
    }
  }
  return tables;
}

Result<std::vector<Config>> parse_configs(const KernelDefinition& definition,
                                          const std::vector<std::string>& texts) {
  std::vector<Config> configs;
  for (const std::string& text : texts) {
    Result<Config> config = definition.config(text);
    if (!config) return config.error();
    configs.push_back(std::move(config).value());
  }
  return configs;
}

}  // namespace weir::cli
