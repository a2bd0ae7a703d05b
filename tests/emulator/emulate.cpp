#include "emulate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "arguments.h"
#include "emulated_source.h"
#include "engine/launch.h"
#include "gpu/verdict.h"
#include "problem_tensors.h"
#include "program_walk.h"
#include "utility.h"

namespace weir::emulator {
namespace {

// A launch failed while it ran: the verdict, not an error.
struct Failure {
  std::string what;
};

// What the reference makes of a problem, and what that depends on.
struct ReferenceCase {
  std::filesystem::path shared_object;
  VerifyPlan plan;
  Problem problem;
  std::vector<TensorLayout> tensors;
  std::vector<std::vector<std::int64_t>> tables;
  std::uint64_t input_seed = 0;
  TensorBytes inputs;

  bool operator==(const ReferenceCase&) const = default;
};
struct ReferenceResults {
  std::vector<std::vector<std::byte>> prepared;  // of `in` tensors, in their order
  std::vector<GuardedMemory> exact, low;         // of outputs, as f32
};

// Of the last problem: its configurations follow one another, and references take longer than most kernels.
class LastReference {
 public:
  const ReferenceResults* find(const ReferenceCase& wanted) const {
    return results_ && case_ == wanted ? &*results_ : nullptr;
  }
  const ReferenceResults& keep(ReferenceCase key, ReferenceResults results) {
    case_ = std::move(key);
    return results_.emplace(std::move(results));
  }

 private:
  ReferenceCase case_;
  std::optional<ReferenceResults> results_;
};

struct Geometry {
  std::array<std::int64_t, 3> grid, threads;
  std::int64_t shared_bytes = 0;
  std::array<std::int64_t, 3> cluster{1, 1, 1};
};

std::array<unsigned, 3> narrow(const std::array<std::int64_t, 3>& values) {
  return {static_cast<unsigned>(values[0]), static_cast<unsigned>(values[1]),
          static_cast<unsigned>(values[2])};
}

LaunchReport run_entry(const EmulatedSource& source, const std::string& entry, const Geometry& geometry,
                       ArgumentValues& arguments, std::span<Region> memory, std::uint64_t seed) {
  if (source.signature(entry) != arguments.kinds()) {
    throw Failure{entry + ": the definition's arguments are '" + arguments.kinds() +
                  "' and the source's parameters '" + source.signature(entry) +
                  "' (p: pointer, i: 4-byte integer, l: 8-byte integer, f: float)"};
  }
  LaunchRequest request{.call = source.entry(entry),
                        .arguments = arguments.pointers(),
                        .grid = narrow(geometry.grid),
                        .threads = narrow(geometry.threads),
                        .cluster = narrow(geometry.cluster),
                        .shared_bytes = geometry.shared_bytes,
                        .static_shared = source.static_shared(),
                        .memory = memory,
                        .seed = seed};
  LaunchReport report = run(request);
  if (!report.failure.empty()) throw Failure{entry + ": " + report.failure};
  return report;
}

class Emulator {
 public:
  Emulator(const Candidate& candidate, const EmulationOptions& options, Utility& utility)
      : candidate_(candidate),
        options_(options),
        utility_(utility),
        tensors_(candidate, utility, options.input_seed) {
    for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) {
      const auto given = options.inputs.find(tensors_.layouts()[i].name);
      if (given == options.inputs.end() || tensors_.layouts()[i].role != Role::in) continue;
      if (given->second.size() != static_cast<std::size_t>(tensors_[i].bytes()))
        throw std::runtime_error("the given " + given->first + " has another size than the tensor");
      std::memcpy(tensors_[i].data(), given->second.data(), given->second.size());
    }
  }

  Result<Emulation> run() {
    std::vector<std::string> entries{candidate_.verify.exact_entry, candidate_.verify.low_entry};
    for (const PrepareLaunch& launch : candidate_.verify.prepare) entries.push_back(launch.entry);
    Result<EmulatedSource> reference =
        load(candidate_.verify.source, candidate_.reference_header, entries, false);
    if (!reference) return reference.error();
    entries.clear();
    for (const Launch& launch : candidate_.launches) entries.push_back(launch.entry);
    Result<EmulatedSource> kernel = load(candidate_.source, candidate_.config_header, entries, true);
    if (!kernel) return kernel.error();

    const ReferenceResults& expected = reference_results(*reference);
    Emulation emulation;
    try {
      run_launches(*kernel, emulation, options_.schedule_seed);
      judge_outputs(expected.exact, expected.low, emulation);
      for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) {
        if (is_output(tensors_.layouts()[i]))
          emulation.outputs[tensors_.layouts()[i].name] = {tensors_[i].data(),
                                                           tensors_[i].data() + tensors_[i].bytes()};
      }
      if (candidate_.verify.deterministic && emulation.verdict.passed) check_determinism(*kernel);
    } catch (const Failure& failure) {
      emulation.verdict = {.passed = false, .detail = failure.what};
    }
    return emulation;
  }

 private:
  Result<EmulatedSource> load(const std::filesystem::path& source, const std::string& header,
                              std::vector<std::string> entries, bool quickly_compiled) {
    std::sort(entries.begin(), entries.end());
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
    return EmulatedSource::load({.source = source,
                                 .config_header = header,
                                 .entries = std::move(entries),
                                 .include_folders = {options_.include_folder},
                                 .compute_capability = candidate_.device.compute_capability,
                                 .quickly_compiled = quickly_compiled});
  }

  Addresses addresses() {
    Addresses all;
    for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) all.tensors.push_back(tensors_[i].data());
    for (std::size_t i = 0; i < candidate_.tables.size(); ++i) all.tables.push_back(tensors_.table(i));
    return all;
  }

  void run_of_reference(const EmulatedSource& source, const std::string& entry, const Geometry& geometry,
                        ArgumentValues values, std::span<Region> regions) {
    try {
      run_entry(source, entry, geometry, values, regions, options_.schedule_seed);
    } catch (const Failure& failure) {
      throw std::runtime_error("the reference of " + candidate_.kernel + " fails: " + failure.what);
    }
  }

  // Leaves the inputs prepared.
  const ReferenceResults& reference_results(const EmulatedSource& source) {
    static LastReference last;
    // Scratch is the kernel's own.
    std::vector<TensorLayout> tensors = candidate_.tensors;
    std::erase_if(tensors, [](const TensorLayout& tensor) { return tensor.role == Role::scratch; });
    ReferenceCase key{.shared_object = source.shared_object(),
                      .plan = candidate_.verify,
                      .problem = candidate_.problem,
                      .tensors = std::move(tensors),
                      .tables = candidate_.tables,
                      .input_seed = options_.input_seed,
                      .inputs = options_.inputs};
    key.plan.deterministic = false;  // says nothing about the reference
    if (const ReferenceResults* found = last.find(key)) {
      restore_inputs(found->prepared);
      return *found;
    }
    prepare_inputs(source);
    ReferenceResults results{.prepared = inputs(),
                             .exact = run_reference(source, candidate_.verify.exact_entry),
                             .low = run_reference(source, candidate_.verify.low_entry)};
    return last.keep(std::move(key), std::move(results));
  }

  template <class Visit>
  void for_each_input(Visit visit) {
    for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) {
      if (tensors_.layouts()[i].role == Role::in) visit(tensors_[i]);
    }
  }

  std::vector<std::vector<std::byte>> inputs() {
    std::vector<std::vector<std::byte>> all;
    for_each_input(
        [&](GuardedMemory& memory) { all.emplace_back(memory.data(), memory.data() + memory.bytes()); });
    return all;
  }

  void restore_inputs(const std::vector<std::vector<std::byte>>& all) {
    auto next = all.begin();
    for_each_input([&](GuardedMemory& memory) {
      std::memcpy(memory.data(), next->data(), next->size());
      ++next;
    });
    tensors_.protect_inputs(true);
  }

  void prepare_inputs(const EmulatedSource& source) {
    tensors_.reset();
    for (const PrepareLaunch& launch : candidate_.verify.prepare) {
      std::vector<Region> regions = tensors_.regions();
      run_of_reference(source, launch.entry, {launch.grid, launch.threads, launch.shared_bytes},
                       {launch.arguments, addresses()}, regions);
    }
    tensors_.protect_inputs(true);
  }

  // Every output as f32, in the order of the tensors.
  std::vector<GuardedMemory> run_reference(const EmulatedSource& source, const std::string& entry) {
    tensors_.reset();
    std::vector<GuardedMemory> results;
    Addresses arguments = addresses();
    results.reserve(arguments.tensors.size());
    std::vector<Region> regions = tensors_.regions();
    for (std::size_t i = 0; i < arguments.tensors.size(); ++i) {
      const TensorLayout& layout = tensors_.layouts()[i];
      if (!is_output(layout)) continue;
      results.emplace_back(
          extent_bytes(layout) / bytes_of(layout.element) * static_cast<std::int64_t>(sizeof(float)), 16);
      if (layout.role == Role::inout) utility_.widen(tensors_[i], layout, results.back());
      arguments.tensors[i] = results.back().data();
      regions[i].memory = &results.back();
    }
    run_of_reference(source, entry,
                     {candidate_.verify.grid, candidate_.verify.threads, candidate_.verify.shared_bytes},
                     {candidate_.verify.arguments, arguments}, regions);
    return results;
  }

  void run_launches(const EmulatedSource& source, Emulation& emulation, std::uint64_t seed,
                    bool keep_zeroed = false) {
    tensors_.reset(keep_zeroed);
    for (const Launch& launch : candidate_.launches) {
      ArgumentValues values(launch.arguments, addresses());
      std::vector<Region> regions = tensors_.regions();
      const LaunchReport report =
          run_entry(source, launch.entry, {launch.grid, launch.threads, launch.shared_bytes, launch.cluster},
                    values, regions, seed++);
      EmulatedLaunch& emulated = emulation.launches.emplace_back();
      emulated = {.name = launch.name,
                  .ldmatrix = report.ldmatrix,
                  .copies = report.copies,
                  .stores = report.stores,
                  .loads = report.loads,
                  .sectors = report.sectors};
      for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) {
        const Region& region = regions[i];
        const auto program = [&](AccessKind kind) {
          return test::bytes_moved(candidate_, launch, region.name, kind);
        };
        emulated.traffic.push_back({.tensor = region.name,
                                    .copied_bytes = region.copied_bytes,
                                    .loaded_bytes = program(AccessKind::load),
                                    .reduced_bytes = region.reduced_bytes,
                                    .program_reduced_bytes = program(AccessKind::reduce)});
      }
    }
    const std::string damage = tensors_.damage();
    if (!damage.empty()) throw Failure{damage};
  }

  // Runs again in another order of threads and blocks: every output must keep its bits.
  void check_determinism(const EmulatedSource& source) {
    std::vector<std::vector<std::byte>> first;
    for (std::size_t i = 0; i < tensors_.layouts().size(); ++i)
      first.emplace_back(tensors_[i].data(), tensors_[i].data() + tensors_[i].bytes());
    Emulation ignored;
    run_launches(source, ignored, ~options_.schedule_seed, options_.keep_zeroed);
    for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) {
      const TensorLayout& layout = tensors_.layouts()[i];
      if (is_output(layout) && std::memcmp(first[i].data(), tensors_[i].data(), first[i].size()) != 0)
        throw Failure{nondeterminism(layout)};
    }
  }

  void judge_outputs(const std::vector<GuardedMemory>& exact, const std::vector<GuardedMemory>& low,
                     Emulation& emulation) {
    std::size_t output = 0;
    for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) {
      const TensorLayout& layout = tensors_.layouts()[i];
      if (!is_output(layout)) continue;
      const Comparison difference = utility_.compare(low[output], Element::f32, exact[output], layout);
      if (difference.reference_nans > 0 || difference.special_mismatches > 0 ||
          !std::isfinite(difference.squared_error)) {
        throw std::runtime_error("the references of " + candidate_.kernel + " are no use for tensor " +
                                 layout.name + ": " + std::to_string(difference.reference_nans) +
                                 " elements of the exact one are NaN or unwritten, and " +
                                 std::to_string(difference.special_mismatches) +
                                 " of the low-precision one are not finite where it is");
      }
      const Comparison result = utility_.compare(tensors_[i], layout.element, exact[output], layout);
      emulation.tensors.push_back(judge(layout, result, reference_error(difference, element_count(layout))));
      ++output;
    }
    if (emulation.tensors.empty()) throw std::runtime_error(candidate_.kernel + " has no output to verify");
    const auto worse = [](const Verification& a, const Verification& b) {
      if (a.passed != b.passed) return !a.passed;
      return a.error * b.allowed_error > b.error * a.allowed_error;
    };
    emulation.verdict = *std::min_element(emulation.tensors.begin(), emulation.tensors.end(), worse);
  }

  const Candidate& candidate_;
  const EmulationOptions& options_;
  Utility& utility_;
  ProblemTensors tensors_;
};

}  // namespace

const TensorTraffic& Emulation::traffic(std::size_t launch, const std::string& tensor) const {
  for (const TensorTraffic& traffic : launches.at(launch).traffic) {
    if (traffic.tensor == tensor) return traffic;
  }
  throw std::out_of_range("no tensor " + tensor);
}

Result<Emulation> emulate(const Candidate& candidate, const EmulationOptions& options) {
  if (candidate.source.empty() || candidate.verify.source.empty()) {
    return Error{ErrorKind::failed, candidate.kernel + " has no source or no reference to emulate", ""};
  }
  Result<Utility> utility = Utility::load();
  if (!utility) return utility.error();
  try {
    return Emulator(candidate, options, *utility).run();
  } catch (const std::runtime_error& error) {
    return Error{ErrorKind::failed, error.what(), ""};
  }
}

}  // namespace weir::emulator
