#include "gpu/wire.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace weir {

using Json = nlohmann::json;

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DeviceLimits, compute_capability, sm_count, max_threads_per_sm,
                                   registers_per_sm, shared_bytes_per_sm, shared_bytes_per_block, l2_bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DeviceFacts, name, uuid, ordinal, limits, max_blocks_per_sm,
                                   shared_reserved_bytes_per_block, dram_bytes, sm_clock_hertz,
                                   memory_clock_hertz, memory_bus_bits, driver_version)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Provenance, gpu_name, gpu_uuid, compute_capability, sm_count, l2_bytes,
                                   driver_version, compiler_version, cupti_version, weir_version, date,
                                   policy)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Timing, median_seconds, low_seconds, high_seconds, minimum_seconds,
                                   samples, discarded, sm_clock_hertz, l2_state)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LaunchCounters, launch, dram_read_bytes, dram_write_bytes, l2_read_bytes,
                                   l2_write_bytes, duration_seconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Counters, dram_read_bytes, dram_write_bytes, l2_read_bytes, l2_write_bytes,
                                   duration_seconds, repeats, dram_read_spread, raw, launches)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Resources, registers_per_thread, spill_bytes, stack_bytes,
                                   static_shared_bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Error, kind, message, advice)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TensorMap, element, shape, strides_bytes, box, swizzle_bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Argument, kind, tensor, value, real, map)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PrepareLaunch, entry, grid, threads, shared_bytes, arguments)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ExecutableLaunch, name, entry, grid, threads, cluster, shared_bytes,
                                   arguments)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TimingOptions, cold_l2, target_relative_width, minimum_samples,
                                   maximum_samples, maximum_seconds, seed, abandon_factor)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CountOptions, repeats)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TensorLayout, name, role, element, shape, strides_elements,
                                   alignment_bytes, fill)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NamedValue, name, value, text, real)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Problem, values, tables)

namespace {

// JSON has no infinity; the largest number says the same of an error.
double finite(double value) {
  return std::isfinite(value) ? value : std::numeric_limits<double>::max();
}

Json json_of(const Verification& v) {
  return {{"passed", v.passed},
          {"error", finite(v.error)},
          {"allowed_error", finite(v.allowed_error)},
          {"detail", v.detail}};
}

Verification verification_of(const Json& json) {
  return {.passed = json.at("passed"),
          .error = json.at("error"),
          .allowed_error = json.at("allowed_error"),
          .detail = json.at("detail")};
}

Json json_of(const CudaBackendOptions& options) {
  return {{"ordinal", options.ordinal},
          {"include_folder", options.include_folder.string()},
          {"cache_folder", options.cache_folder.string()},
          {"kernel_seconds_limit", options.kernel_seconds_limit}};
}

CudaBackendOptions options_of(const Json& json) {
  return {.ordinal = json.at("ordinal"),
          .include_folder = json.at("include_folder").get<std::string>(),
          .cache_folder = json.at("cache_folder").get<std::string>(),
          .kernel_seconds_limit = json.at("kernel_seconds_limit")};
}

Json json_of(const Executable& executable) {
  return {{"kernel", executable.kernel},       {"problem", executable.problem},
          {"config", executable.config},       {"cubin", executable.cubin.string()},
          {"launches", executable.launches},   {"tensors", executable.tensors},
          {"resources", executable.resources}, {"deterministic", executable.deterministic}};
}

Executable executable_of(const Json& json) {
  return {.kernel = json.at("kernel"),
          .problem = json.at("problem"),
          .config = json.at("config"),
          .cubin = json.at("cubin").get<std::string>(),
          .launches = json.at("launches"),
          .tensors = json.at("tensors"),
          .resources = json.at("resources"),
          .deterministic = json.at("deterministic")};
}

Json json_of(const Candidate& candidate) {
  const VerifyPlan& plan = candidate.verify;
  return {{"kernel", candidate.kernel},
          {"problem", candidate.problem},
          {"tensors", candidate.tensors},
          {"table_names", candidate.table_names},
          {"tables", candidate.tables},
          {"reference_header", candidate.reference_header},
          {"verify",
           {{"source", plan.source.string()},
            {"exact_entry", plan.exact_entry},
            {"low_entry", plan.low_entry},
            {"grid", plan.grid},
            {"threads", plan.threads},
            {"shared_bytes", plan.shared_bytes},
            {"arguments", plan.arguments},
            {"prepare", plan.prepare},
            {"deterministic", plan.deterministic}}}};
}

Candidate candidate_of(const Json& json) {
  Candidate candidate;
  candidate.kernel = json.at("kernel");
  candidate.problem = json.at("problem");
  candidate.tensors = json.at("tensors");
  candidate.table_names = json.at("table_names");
  candidate.tables = json.at("tables");
  candidate.reference_header = json.at("reference_header");
  const Json& plan = json.at("verify");
  candidate.verify = {.source = plan.at("source").get<std::string>(),
                      .exact_entry = plan.at("exact_entry"),
                      .low_entry = plan.at("low_entry"),
                      .grid = plan.at("grid"),
                      .threads = plan.at("threads"),
                      .shared_bytes = plan.at("shared_bytes"),
                      .arguments = plan.at("arguments"),
                      .prepare = plan.at("prepare"),
                      .deterministic = plan.at("deterministic")};
  return candidate;
}

// Compilers quote sources in any encoding.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <typename T, typename Read>
Result<T> decode(std::string_view text, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception& problem) {
    return Error{ErrorKind::corrupt, std::string("not a message of Weir's worker: ") + problem.what(), ""};
  }
}

}  // namespace

std::string encode(const WorkerRequest& request) {
  Json json{{"call", request.call}};
  switch (request.call) {
    case WorkerCall::open:
      json["open"] = json_of(request.open);
      break;
    case WorkerCall::prepare:
      json["candidate"] = json_of(request.candidate);
      break;
    case WorkerCall::time:
      json["timing"] = request.timing;
      break;
    case WorkerCall::count:
      json["counting"] = request.counting;
      break;
    case WorkerCall::verify:
      break;
  }
  json["executables"] = Json::array();
  for (const Executable& executable : request.executables) json["executables"].push_back(json_of(executable));
  return text_of(json);
}

Result<WorkerRequest> decode_request(std::string_view text) {
  return decode<WorkerRequest>(text, [](const Json& json) {
    WorkerRequest request{.call = json.at("call")};
    if (json.contains("open")) request.open = options_of(json.at("open"));
    if (json.contains("candidate")) request.candidate = candidate_of(json.at("candidate"));
    if (json.contains("timing")) request.timing = json.at("timing");
    if (json.contains("counting")) request.counting = json.at("counting");
    for (const Json& executable : json.at("executables"))
      request.executables.push_back(executable_of(executable));
    return request;
  });
}

std::string encode(const WorkerReply& reply) {
  Json json{{"lost", reply.lost}};
  if (reply.error) {
    json["error"] = *reply.error;
    return text_of(json);
  }
  json["facts"] = reply.facts;
  json["tier"] = reply.tier;
  json["tier_reason"] = reply.tier_reason;
  json["provenance"] = reply.provenance;
  json["verification"] = json_of(reply.verification);
  json["counters"] = reply.counters;
  json["timings"] = Json::array();
  for (const Result<Timing>& timing : reply.timings) {
    json["timings"].push_back(timing ? Json{{"timing", timing.value()}} : Json{{"error", timing.error()}});
  }
  return text_of(json);
}

Result<WorkerReply> decode_reply(std::string_view text) {
  return decode<WorkerReply>(text, [](const Json& json) {
    WorkerReply reply;
    reply.lost = json.at("lost");
    if (json.contains("error")) {
      reply.error = json.at("error").get<Error>();
      return reply;
    }
    reply.facts = json.at("facts");
    reply.tier = json.at("tier");
    reply.tier_reason = json.at("tier_reason");
    reply.provenance = json.at("provenance");
    reply.verification = verification_of(json.at("verification"));
    reply.counters = json.at("counters");
    for (const Json& timing : json.at("timings")) {
      if (timing.contains("timing")) {
        reply.timings.emplace_back(timing.at("timing").get<Timing>());
      } else {
        reply.timings.emplace_back(timing.at("error").get<Error>());
      }
    }
    return reply;
  });
}

}  // namespace weir
