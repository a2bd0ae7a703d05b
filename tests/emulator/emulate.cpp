#include "emulate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "emulated_source.h"
#include "emulator/hopper.h"
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

struct Geometry {
  std::array<std::int64_t, 3> grid, threads;
  std::int64_t shared_bytes = 0;
  std::array<std::int64_t, 3> cluster{1, 1, 1};
};

std::array<unsigned, 3> narrow(const std::array<std::int64_t, 3>& values) {
  return {static_cast<unsigned>(values[0]), static_cast<unsigned>(values[1]),
          static_cast<unsigned>(values[2])};
}

// The values that the entry's parameters get. `tensors` are pointers by tensor number.
class ArgumentValues {
 public:
  ArgumentValues(const std::vector<Argument>& arguments, const std::vector<std::byte*>& tensors) {
    maps_.reserve(arguments.size());
    for (const Argument& argument : arguments) {
      switch (argument.kind) {
        case Argument::Kind::tensor:
          add('p', tensors.at(static_cast<std::size_t>(argument.tensor)));
          break;
        case Argument::Kind::i32:
          add('i', static_cast<std::int32_t>(argument.value));
          break;
        case Argument::Kind::i64:
          add('l', argument.value);
          break;
        case Argument::Kind::f32:
          add('f', argument.real);
          break;
        case Argument::Kind::table:
          throw Failure{"tables have no host version yet"};
        case Argument::Kind::tensor_map:
          add_map(argument, tensors.at(static_cast<std::size_t>(argument.tensor)));
          break;
      }
    }
    std::size_t map = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      pointers_.push_back(kinds_[i] == 'm' ? static_cast<void*>(&maps_[map++].parameter) : &values_[i]);
    }
  }
  void** pointers() { return pointers_.data(); }
  const std::string& kinds() const { return kinds_; }

 private:
  template <class T>
  void add(char kind, T value) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, &value, sizeof value);
    values_.push_back(bytes);
    kinds_ += kind;
  }
  // What the kernel gets, and what it stands for.
  struct Map {
    struct alignas(64) {
      const TensorMapImage* image;
      std::byte rest[120];
    } parameter;
    TensorMapImage image;
  };
  void add_map(const Argument& argument, std::byte* data) {
    values_.push_back(0);
    kinds_ += 'm';
    Map& map = maps_.emplace_back();
    const TensorMap& given = argument.map;
    if (given.shape.empty()) return;
    map.image = {.data = reinterpret_cast<unsigned char*>(data),
                 .tensor = argument.tensor,
                 .element_bytes = static_cast<int>(bytes_of(given.element)),
                 .dimensions = static_cast<int>(given.shape.size()),
                 .swizzle_bytes = static_cast<int>(given.swizzle_bytes)};
    for (std::size_t i = 0; i < given.shape.size(); ++i) {
      const std::size_t from = given.shape.size() - 1 - i;
      map.image.shape[i] = given.shape[from];
      map.image.strides_bytes[i] = given.strides_bytes[from];
      map.image.box[i] = static_cast<int>(given.box[from]);
    }
    map.parameter.image = &map.image;
  }

  std::string kinds_;
  std::vector<Map> maps_;
  std::vector<std::uint64_t> values_;
  std::vector<void*> pointers_;
};

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
        tensors_(candidate.tensors, utility, options.input_seed) {}

  Result<Emulation> run() {
    Result<EmulatedSource> reference = load(candidate_.verify.source, candidate_.reference_header,
                                            {candidate_.verify.exact_entry, candidate_.verify.low_entry});
    if (!reference) return reference.error();
    std::vector<std::string> entries;
    for (const Launch& launch : candidate_.launches) entries.push_back(launch.entry);
    Result<EmulatedSource> kernel = load(candidate_.source, candidate_.config_header, entries);
    if (!kernel) return kernel.error();

    const std::vector<GuardedMemory> exact = run_reference(*reference, candidate_.verify.exact_entry);
    const std::vector<GuardedMemory> low = run_reference(*reference, candidate_.verify.low_entry);
    Emulation emulation;
    try {
      run_launches(*kernel, emulation);
      judge_outputs(exact, low, emulation);
    } catch (const Failure& failure) {
      emulation.verdict = {.passed = false, .detail = failure.what};
    }
    return emulation;
  }

 private:
  Result<EmulatedSource> load(const std::filesystem::path& source, const std::string& header,
                              std::vector<std::string> entries) {
    std::sort(entries.begin(), entries.end());
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
    return EmulatedSource::load({.source = source,
                                 .config_header = header,
                                 .entries = std::move(entries),
                                 .include_folders = {options_.include_folder},
                                 .compute_capability = candidate_.device.compute_capability});
  }

  std::vector<std::byte*> pointers() {
    std::vector<std::byte*> all;
    for (std::size_t i = 0; i < tensors_.layouts().size(); ++i) all.push_back(tensors_[i].data());
    return all;
  }

  // Every output as f32, in the order of the tensors.
  std::vector<GuardedMemory> run_reference(const EmulatedSource& source, const std::string& entry) {
    tensors_.reset();
    tensors_.protect_inputs(true);
    std::vector<GuardedMemory> results;
    std::vector<std::byte*> arguments = pointers();
    std::vector<std::string> names;
    results.reserve(arguments.size());
    std::vector<Region> regions = tensors_.regions();
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const TensorLayout& layout = tensors_.layouts()[i];
      if (!is_output(layout)) continue;
      results.emplace_back(
          extent_bytes(layout) / bytes_of(layout.element) * static_cast<std::int64_t>(sizeof(float)), 16);
      if (layout.role == Role::inout) utility_.widen(tensors_[i], layout, results.back());
      arguments[i] = results.back().data();
      regions[i].memory = &results.back();
    }
    ArgumentValues values(candidate_.verify.arguments, arguments);
    const Geometry geometry{candidate_.verify.grid, candidate_.verify.threads,
                            candidate_.verify.shared_bytes};
    try {
      run_entry(source, entry, geometry, values, regions, options_.schedule_seed);
    } catch (const Failure& failure) {
      throw std::runtime_error("the reference of " + candidate_.kernel + " fails: " + failure.what);
    }
    return results;
  }

  void run_launches(const EmulatedSource& source, Emulation& emulation) {
    tensors_.reset();
    tensors_.protect_inputs(true);
    std::uint64_t seed = options_.schedule_seed;
    for (const Launch& launch : candidate_.launches) {
      ArgumentValues values(launch.arguments, pointers());
      std::vector<Region> regions = tensors_.regions();
      const LaunchReport report =
          run_entry(source, launch.entry, {launch.grid, launch.threads, launch.shared_bytes, launch.cluster},
                    values, regions, seed++);
      EmulatedLaunch& emulated = emulation.launches.emplace_back();
      emulated = {.name = launch.name,
                  .ldmatrix = report.ldmatrix,
                  .copies = report.copies,
                  .stores = report.stores,
                  .loads = report.loads};
      for (const Region& region : regions) {
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
