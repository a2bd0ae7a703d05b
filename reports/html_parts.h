// The parts that html.cpp puts together.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"

namespace weir::report {

extern const char* const kHtmlStyle;
extern const char* const kHtmlScript;

// html_tables.cpp
std::string error_table_html(const ReportData& data);
std::string detail_table_html(const ReportData& data);
std::string picks_table_html(const ReportData& data);
std::string reasons_table_html(const ReportData& data);
std::string provenance_table_html(const ReportData& data);

// html_charts.cpp
std::string accuracy_charts_html(const ReportData& data, const std::vector<Record>& records);
std::string tile_charts_html(const std::vector<Record>& records);

// html_data.cpp: every record as the JSON that the page's script reads for tooltips and the table of all
// rows; safe inside a script element.
std::string page_data(const std::vector<Record>& records);

}  // namespace weir::report
