// emulate KERNEL --problem k=v,… [--config k=v,…]: runs a candidate on the CPU and says whether it is right.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "device_limits.h"
#include "emulate.h"
#include "kernels/definition.h"
#include "masks/problem_mask.h"

namespace {

using namespace weir;
using namespace weir::emulator;

struct Request {
  std::string kernel, problem, config, mask;
  std::vector<std::string> tables;
  std::int64_t capability = 90;
  std::uint64_t seeds = 1;
  EmulationOptions options;
  bool all = false;
};

// "name=1;2;3" or "name=FILE".
std::map<std::string, std::vector<std::int64_t>> parse_tables(const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<std::int64_t>> tables;
  for (const std::string& text : texts) {
    const std::size_t equals = std::min(text.find('='), text.size());
    std::string content = text.substr(std::min(equals + 1, text.size()));
    if (std::ifstream file(content); file) content.assign(std::istreambuf_iterator<char>(file), {});
    for (char& c : content) c = std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' ? c : ' ';
    std::istringstream numbers(content);
    std::vector<std::int64_t>& values = tables[text.substr(0, equals)];
    for (std::int64_t value = 0; numbers >> value;) values.push_back(value);
  }
  return tables;
}

void print(const char* what, const Wavefronts& wavefronts) {
  if (wavefronts.accesses == 0) return;
  std::printf("  %-22s %12lld wavefronts, %lld without conflicts\n", what,
              static_cast<long long>(wavefronts.needed), static_cast<long long>(wavefronts.accesses));
}

void print(const std::string& tensor, const char* counted, std::int64_t bytes, const char* said,
           std::int64_t program_bytes) {
  if (bytes == 0 && program_bytes == 0) return;
  std::printf("  %-22s %12lld bytes %s, %lld %s in the block program\n", tensor.c_str(),
              static_cast<long long>(bytes), counted, static_cast<long long>(program_bytes), said);
}

void print(const Emulation& emulation) {
  for (const EmulatedLaunch& launch : emulation.launches) {
    std::printf("launch %s\n", launch.name.c_str());
    for (const TensorTraffic& traffic : launch.traffic) {
      print(traffic.tensor, "copied", traffic.copied_bytes, "loaded", traffic.loaded_bytes);
      print(traffic.tensor, "added to", traffic.reduced_bytes, "reduced", traffic.program_reduced_bytes);
    }
    print("ldmatrix, stmatrix", launch.ldmatrix);
    print("cp.async", launch.copies);
    print("16-byte stores", launch.stores);
    print("16-byte loads", launch.loads);
  }
  for (const Verification& tensor : emulation.tensors) {
    std::printf("%s  %s\n", tensor.passed ? "ok   " : "WRONG", tensor.detail.c_str());
  }
  if (emulation.tensors.empty()) std::printf("WRONG  %s\n", emulation.verdict.detail.c_str());
}

// Whether the candidate is right with every seed.
bool check(const Candidate& candidate, const Request& request) {
  std::printf("%s %s\n", to_string(candidate.problem).c_str(), to_string(candidate.config).c_str());
  EmulationOptions options = request.options;
  for (std::uint64_t i = 0; i < request.seeds; ++i) {
    options.schedule_seed = request.options.schedule_seed + i;
    const Result<Emulation> emulation = emulate(candidate, options);
    if (!emulation) {
      std::printf("ERROR  %s\n", to_string(emulation.error()).c_str());
      return false;
    }
    if (!emulation->verdict.passed || i + 1 == request.seeds) {
      if (request.seeds > 1)
        std::printf("seed %llu\n", static_cast<unsigned long long>(options.schedule_seed));
      print(*emulation);
    }
    if (!emulation->verdict.passed) return false;
  }
  return true;
}

int run(const Request& request) {
  const DeviceLimits device = device_limits(request.capability);
  const auto failed = [](const Error& error) {
    std::fprintf(stderr, "emulate: %s\n", to_string(error).c_str());
    return 2;
  };
  const Result<KernelDefinition> definition = find_kernel(request.options.include_folder, request.kernel);
  if (!definition) return failed(definition.error());
  const Result<Problem> problem =
      masked_problem(*definition, request.problem, parse_tables(request.tables), request.mask);
  if (!problem) return failed(problem.error());
  if (!request.all) {
    const Result<Config> config = request.config.empty() ? definition->default_config(*problem, device)
                                                         : definition->config(request.config);
    if (!config) return failed(config.error());
    const Result<Candidate> candidate = definition->resolve(*problem, *config, device);
    if (!candidate) return failed(candidate.error());
    return check(*candidate, request) ? 0 : 1;
  }
  const Result<std::vector<Config>> legal = definition->enumerate(*problem, device);
  if (!legal) return failed(legal.error());
  int wrong = 0;
  for (const Config& config : *legal) {
    const Result<Candidate> candidate = definition->resolve(*problem, config, device);
    if (candidate && !check(*candidate, request)) ++wrong;
  }
  std::printf("%d wrong\n", wrong);
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs a kernel candidate on the CPU and compares its results with its reference");
  Request request;
  app.add_option("KERNEL", request.kernel, "a shipped kernel's name, or a path to a kernel.yaml")->required();
  app.add_option("--problem", request.problem, "k=v,k=v")->required();
  app.add_option("--config", request.config, "k=v,k=v; the rest, or all, from the safe default");
  app.add_option("--table", request.tables, "name=1;2;3 or name=FILE: an integer table of the problem");
  app.add_option("--mask", request.mask, "a block mask: butterfly, window(left=2)+global(columns=1), …");
  app.add_flag("--all", request.all, "every legal configuration");
  app.add_option("--capability", request.capability, "compute capability of the device, default 90");
  app.add_option("--seed", request.options.schedule_seed, "of the order of threads and blocks");
  app.add_option("--seeds", request.seeds, "how many orders, from --seed on");
  app.add_option("--input-seed", request.options.input_seed,
                 "other inputs than those that a GPU verifies with");
  app.add_option("--include", request.options.include_folder, "the folder of device/");
  CLI11_PARSE(app, argc, argv);
  return run(request);
}
