// A complete definition to test with, and ways to change it.
#pragma once

#include <string>

#include "kernels/definition.h"

namespace weir::test {

// A matrix product: every section but tables and variants. Its 216 configurations are 3 * 3 * 2 * 3 * 4.
const std::string& gemm_yaml();

// `text` with its only `from` replaced. Aborts if there is none or more than one.
std::string replaced(const std::string& text, const std::string& from, const std::string& to);
// The line, from 1, on which `part` first stands.
int line_of(const std::string& text, const std::string& part);

// Parses text that must be right; the test stops with the error otherwise.
KernelDefinition parse_or_stop(const std::string& yaml);
Problem problem_or_stop(const KernelDefinition& definition, const std::string& text);
Config config_or_stop(const KernelDefinition& definition, const std::string& text);
Candidate resolve_or_stop(const KernelDefinition& definition, const std::string& problem,
                          const std::string& config, const DeviceLimits& device);

// NVIDIA H100 SXM5.
DeviceLimits h100();
// NVIDIA A100 SXM4.
DeviceLimits a100();

}  // namespace weir::test
