// What a store says about the model and the GPU, for people: analysed once, then shown as a terminal summary,
// Markdown, CSV, JSON or one self-contained HTML page. All functions are pure; strings from records are
// untrusted and escaped by each format.
//
// Definitions used throughout
//   Relative error    |predicted - measured| / max(measured, 1 MB, 1% of the compulsory bytes). The floor
//   matters where a kernel's
//                     output stays in the L2: a measured write of 40 kB would otherwise turn 100 kB of error
//                     into 250%. For times there is no floor.
//   Counted           a measured row of tier A (hardware counters) that has a prediction; only these enter
//   traffic errors. Timed             a measured row that was verified and has a time; only these enter
//   times, picks and regret. Quantiles         linear interpolation between order statistics (statistics.h).
//   Regret            of a problem: measured time of the timed row with the smallest predicted time, over the
//   smallest measured
//                     time, minus 1. It sees only what was measured: a strategy that skips candidates also
//                     hides their regret.
//   Tie set           the rows that noise cannot tell from the fastest (choose() in store/store.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/record.h"

namespace weir::report {

// Of relative errors. All zero when count is zero.
struct ErrorSummary {
  std::int64_t count = 0;
  double median = 0;
  double p90 = 0;
  double worst = 0;

  bool operator==(const ErrorSummary&) const = default;
};

// How many measured values lie inside the predicted 90% interval, of those that have one.
struct Coverage {
  std::int64_t inside = 0;
  std::int64_t count = 0;

  bool operator==(const Coverage&) const = default;
};

// One kernel on one device.
struct KernelSummary {
  std::string kernel;
  std::string device;  // the GPU's name; the profile's where no device was involved
  std::int64_t measured = 0;
  std::int64_t rejected = 0;
  std::int64_t failed = 0;
  std::int64_t predicted = 0;  // predicted and neither measured, rejected nor failed
  std::int64_t problems = 0;   // with at least one timed row
  ErrorSummary dram_reads;     // in the kernel
  ErrorSummary dram_writes;    // in the kernel
  ErrorSummary l2_reads;       // requested by the SMs, of the rows that counted that
  ErrorSummary time;
  Coverage read_interval;
  Coverage write_interval;
  std::optional<double>
      rank_correlation;              // median over problems of Spearman's, predicted against measured time
  std::int64_t regret_problems = 0;  // with at least two timed rows that have predictions
  std::optional<double> regret_geometric_mean;
  std::optional<double> regret_worst;
  bool calibrated = true;  // none of its predictions is uncalibrated

  bool operator==(const KernelSummary&) const = default;
};

// The best of one problem among rows measured under the same conditions.
struct Pick {
  std::string kernel;
  std::string source_hash;
  std::string problem;
  std::string device;
  std::string driver_version;
  std::string compiler_version;
  std::string policy;
  std::int64_t candidates = 0;  // timed
  std::string config;
  Tier tier = Tier::none;
  Timing timing;
  std::int64_t tie_set_size = 0;
  std::optional<Traffic> predicted;
  bool calibrated = true;                   // the prediction, if there is one
  std::optional<Traffic> measured;          // of tier A
  std::optional<double> default_seconds;    // median time of the kernel's safe default
  std::optional<double> rank_correlation;   // Spearman's, predicted against measured time
  std::optional<std::string> model_config;  // the model's first choice
  std::optional<double> model_seconds;      // its measured median
  std::optional<double> regret;
  bool model_in_tie_set = false;

  bool operator==(const Pick&) const = default;
};

// Rejections and failures that share a reason.
struct ReasonCount {
  std::string kernel;
  Outcome outcome = Outcome::rejected;
  std::string reason;
  std::int64_t count = 0;
  std::string example_problem;
  std::string example_config;

  bool operator==(const ReasonCount&) const = default;
};

// Rows of the same origin.
struct ProvenanceGroup {
  Tier tier = Tier::none;
  std::string tier_reason;
  std::string device;
  std::int64_t compute_capability = 0;
  std::int64_t sm_count = 0;
  std::int64_t l2_bytes = 0;
  std::int64_t gpus = 0;  // distinct UUIDs
  std::string profile;
  std::string driver_version;
  std::string compiler_version;
  std::string cupti_version;
  std::string weir_version;
  std::string policy;
  std::string first_date;
  std::string last_date;
  std::int64_t rows = 0;

  bool operator==(const ProvenanceGroup&) const = default;
};

// Predictions that rest on parameters that nobody measured on their GPU model. Every format shows them.
struct UncalibratedGroup {
  std::string profile;
  std::string note;  // calibration_note
  std::int64_t rows = 0;

  bool operator==(const UncalibratedGroup&) const = default;
};

struct ReportData {
  std::int64_t rows = 0;
  std::vector<UncalibratedGroup> uncalibrated;  // by profile, note
  std::vector<KernelSummary> kernels;           // by kernel, device
  std::vector<Pick> picks;                      // by kernel, problem (numbers as numbers), device
  std::vector<ReasonCount> reasons;             // most frequent first
  std::vector<ProvenanceGroup> provenance;      // most rows first

  bool operator==(const ReportData&) const = default;
};

ReportData analyse(const std::vector<Record>& records);

// Starts with the error table that the README shows.
std::string markdown(const ReportData& data);
// One row per record, RFC 4180, SI units, no thousands separators; a value that is not known is an empty
// field.
std::string csv(const std::vector<Record>& records);
// The summary and every record; SI units; a value that is not known is null.
std::string json(const ReportData& data, const std::vector<Record>& records);
// A part of the page that others made.
struct Section {
  std::string title;
  std::string html;  // well-formed, with nothing untrusted that is not escaped
};
// One file that needs nothing else: no network, no other file. Also well-formed as XML.
std::string html(const ReportData& data, const std::vector<Record>& records,
                 const std::vector<Section>& sections = {});
// `color` adds ANSI attributes.
std::string terminal(const ReportData& data, bool color);

// Limits for each kernel on each device; unset ones are not checked.
struct Gates {
  std::optional<double> read_median;  // relative error of DRAM reads
  std::optional<double> read_p90;
  std::optional<double> write_median;  // relative error of DRAM writes
  std::optional<double> write_p90;
  std::optional<double> regret_worst;
};
// One sentence per violation, empty when all hold. A kernel without a value that is gated violates, and so
// does an empty report: a gate that saw nothing must not pass.
std::vector<std::string> check_gates(const ReportData& data, const Gates& gates);

}  // namespace weir::report
