// weir mask: block masks of block-sparse attention; adaptive ones follow the data.
#include <fmt/format.h>

#include <fstream>

#include "cli/common.h"
#include "cli/json.h"
#include "cli/locations.h"
#include "gpu/kernel_runner.h"
#include "masks/adaptive_attention.h"
#include "masks/mask_text.h"
#include "masks/problem_mask.h"

namespace weir::cli {
namespace {

struct Options {
  std::string problem, mask, inputs = "topics";
  std::filesystem::path out;
  double share = 0.95;
  std::int64_t segment = 256, topics = 16;
  std::uint64_t seed = 1;
  int ordinal = 0;
  bool json = false;
};

Result<std::vector<std::byte>> contents_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream)
    return Error{ErrorKind::missing, "cannot read " + file.string(),
                 "--inputs names a folder with q.bin, k.bin and v.bin: the tensors as they lie in memory"};
  std::vector<std::byte> bytes(std::filesystem::file_size(file));
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

Result<TensorBytes> inputs_of(const Options& options, const KernelDefinition& sparse) {
  if (options.inputs == "topics")
    return topical_inputs(sparse, options.problem, options.segment, options.topics, options.seed);
  TensorBytes inputs;
  for (const char* name : {"q", "k", "v"}) {
    Result<std::vector<std::byte>> bytes =
        contents_of(std::filesystem::path(options.inputs) / (std::string(name) + ".bin"));
    if (!bytes) return bytes.error();
    inputs[name] = std::move(*bytes);
  }
  return inputs;
}

// As `file(PATH)` reads it: a line of 0 and 1 for each row of blocks, an empty line between heads.
Status write_mask(const BlockMask& mask, const std::filesystem::path& file) {
  std::ofstream stream(file);
  const MaskShape& shape = mask.shape();
  for (std::int64_t head = 0; head < shape.heads; ++head) {
    if (head > 0) stream << '\n';
    for (std::int64_t row = 0; row < shape.rows(); ++row) {
      for (std::int64_t column = 0; column < shape.columns(); ++column)
        stream << (mask.kept(head, row, column) ? '1' : '0');
      stream << '\n';
    }
  }
  if (stream.flush()) return ok_status();
  return Error{ErrorKind::unexpected, "cannot write " + file.string(),
               "is there space, and may this user write there?"};
}

int adaptive(const Options& options) {
  const Result<AdaptiveKernels> kernels = AdaptiveKernels::find(kernels_folder());
  if (!kernels) return complain(kernels.error());
  const Result<TensorBytes> inputs = inputs_of(options, kernels->sparse);
  if (!inputs) return complain(inputs.error());
  Result<KernelRunner> runner = KernelRunner::open(options.ordinal, kernels_folder());
  if (!runner) return complain(runner.error());
  const Result<AdaptiveAttention> result =
      adapt(*kernels, options.problem, runner->facts().limits, *inputs, options.share,
            [&](const Candidate& candidate, const TensorBytes& of) { return runner->run(candidate, of); });
  if (!result) return complain(result.error());
  if (!options.out.empty()) {
    if (Status written = write_mask(result->mask, options.out); !written) return complain(written.error());
  }
  if (options.json) {
    const Json json{{"gpu", runner->facts().name},
                    {"problem", result->problem},
                    {"share", options.share},
                    {"density", result->mask.density()},
                    {"estimated_share", result->estimated_share},
                    {"kept_share", result->kept_share},
                    {"output_error", result->output_error}};
    fmt::print("{}\n", json.dump(2));
    return kOk;
  }
  fmt::print(
      "density {:.1f}% of the visible pairs\n"
      "asked for {:.1f}% of each row's attention; kept {:.1f}% of the estimated, {:.2f}% of the exact\n"
      "output differs from dense attention's by {:.2e} of its size\n",
      100 * result->mask.density(), 100 * options.share, 100 * result->estimated_share,
      100 * result->kept_share, result->output_error);
  if (!options.out.empty())
    fmt::print("{}: for --problem '{}' --mask 'file({})'\n", options.out.string(), result->problem,
               options.out.string());
  return kOk;
}

int named(const Options& options) {
  Result<KernelDefinition> definition = find_kernel(kernels_folder(), "attention_block_sparse");
  if (!definition) return complain(definition.error());
  const Result<MaskShape> shape = mask_shape(*definition, options.problem);
  if (!shape) return complain(shape.error());
  const Result<BlockMask> mask = parse_mask(options.mask, *shape);
  if (!mask) return complain(mask.error());
  if (!options.out.empty()) {
    if (Status written = write_mask(*mask, options.out); !written) return complain(written.error());
  }
  if (options.json) {
    const Json json{{"mask", options.mask},
                    {"density", mask->density()},
                    {"rows", shape->rows()},
                    {"columns", shape->columns()}};
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{} x {} blocks, density {:.1f}% of the visible pairs\n", shape->rows(), shape->columns(),
               100 * mask->density());
  }
  return kOk;
}

}  // namespace

void register_mask(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* mask = app.add_subcommand("mask", "Block masks of block-sparse attention");
  mask->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*function)(const Options&)) {
    CLI::App* command = mask->add_subcommand(name, help);
    command->add_option("--problem", options->problem, "Of attention_block_sparse, k=v,k=v")->required();
    command->add_option("--out", options->out, "Write the mask to this file, for --mask 'file(PATH)'");
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options, function, &exit_code] { exit_code = function(*options); });
    return command;
  };
  CLI::App* show = add("show", "A named mask: its size and density, and as a file", named);
  show->add_option("--mask", options->mask, "Its name, such as 'window(left=4)+global(columns=1)'")
      ->required();
  CLI::App* adapt =
      add("adaptive",
          "Of each row of blocks the fewest that hold a share of its attention, estimated on the "
          "GPU; what the mask really keeps, and the error of the output",
          adaptive);
  adapt->add_option("--share", options->share, "Of each row's attention, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  adapt
      ->add_option("--inputs", options->inputs,
                   "A folder with q.bin, k.bin and v.bin, the tensors as they lie in memory; or topics: made "
                   "up, attention in blocks")
      ->capture_default_str();
  adapt->add_option("--segment", options->segment, "Of topics: neighbouring rows about the same")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  adapt->add_option("--topics", options->topics, "Of topics: how many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  adapt->add_option("--seed", options->seed, "Of topics")->capture_default_str();
  adapt->add_option("--device", options->ordinal, "Which GPU of this machine")->capture_default_str();
}

}  // namespace weir::cli
