// A comparison file evaluated for the command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "comparisons/comparison.h"
#include "comparisons/evaluate.h"

namespace weir::cli {

struct ComparisonOptions {
  std::filesystem::path file;
  std::vector<std::string> db;
  std::vector<std::string> gpus;    // profiles to predict for
  std::vector<std::string> tables;  // only these, by name; empty: all
};

struct EvaluatedComparison {
  comparison::Comparison comparison;
  std::vector<comparison::DeviceResult> devices;
};

Result<EvaluatedComparison> evaluate_comparison(const ComparisonOptions& options);

// The chart's file name: <table>-<quantity>[-<group>]-<profile>.svg.
struct NamedChart {
  std::string file;
  std::string title;
  std::string svg;
};
std::vector<NamedChart> charts_of(const EvaluatedComparison& evaluated, const comparison::Table& table);

// Tables and charts as a section of the report's page.
std::string comparison_html(const EvaluatedComparison& evaluated);

}  // namespace weir::cli
