#include "masks/problem_mask.h"

#include <algorithm>

#include "masks/mask_tables.h"
#include "masks/mask_text.h"

namespace weir {

Result<MaskShape> mask_shape(const KernelDefinition& definition, std::string_view problem) {
  const Result<Problem> values = definition.problem_without_tables(problem);
  if (!values) return values.error();
  MaskShape shape;
  const std::pair<const char*, std::int64_t*> numbers[] = {{"mask_heads", &shape.heads},
                                                           {"seq_q", &shape.seq_q},
                                                           {"seq_kv", &shape.seq_kv},
                                                           {"block_q", &shape.block_q},
                                                           {"block_kv", &shape.block_kv}};
  const std::vector<std::string>& tables = definition.tables();
  bool complete = std::find(tables.begin(), tables.end(), "row_blocks") != tables.end();
  for (const auto& [name, number] : numbers) {
    const NamedValue* value = find(values->values, name);
    complete = complete && value != nullptr;
    if (value != nullptr) *number = value->value;
  }
  if (!complete)
    return Error{ErrorKind::usage, definition.name() + " takes no block mask", "leave out the mask"};
  const NamedValue* causal = find(values->values, "causal");
  shape.causal = causal != nullptr && causal->value != 0;
  return shape;
}

std::map<std::string, std::vector<std::int64_t>> tables_for(const KernelDefinition& definition,
                                                            const BlockMask& mask) {
  const std::vector<std::string>& names = definition.tables();
  auto tables = mask_tables(mask);
  std::erase_if(tables, [&](const auto& table) {
    return std::find(names.begin(), names.end(), table.first) == names.end();
  });
  return tables;
}

Result<std::map<std::string, std::vector<std::int64_t>>> with_mask(
    const KernelDefinition& definition, std::string_view problem,
    std::map<std::string, std::vector<std::int64_t>> tables, std::string_view mask) {
  if (mask.empty()) return tables;
  const Result<MaskShape> shape = mask_shape(definition, problem);
  if (!shape) return shape.error();
  const Result<BlockMask> blocks = parse_mask(mask, *shape);
  if (!blocks) return blocks.error();
  tables.merge(tables_for(definition, *blocks));
  return tables;
}

Result<Problem> masked_problem(const KernelDefinition& definition, std::string_view problem,
                               std::map<std::string, std::vector<std::int64_t>> tables,
                               std::string_view mask) {
  auto all = with_mask(definition, problem, std::move(tables), mask);
  if (!all) return all.error();
  return definition.problem(problem, std::move(*all));
}

}  // namespace weir
