#include "comparisons/document.h"

#include <algorithm>
#include <sstream>

namespace weir::comparison {
namespace {

constexpr std::string_view kBegin = "<!-- weir compare ", kClose = "-->",
                           kEnd = "<!-- end of weir compare -->";

Error at(std::string_view document, std::size_t position, const std::string& what) {
  const auto line =
      std::count(document.begin(), document.begin() + static_cast<std::ptrdiff_t>(position), '\n');
  return Error{ErrorKind::usage, "line " + std::to_string(line + 1) + ": " + what,
               "a table stands between <!-- weir compare … --> and <!-- end of weir compare -->"};
}

}  // namespace

Result<std::string> with_tables(std::string_view document, const WriteTable& write) {
  std::string result;
  for (std::size_t from = 0;;) {
    const std::size_t begin = document.find(kBegin, from);
    if (begin == std::string_view::npos) return result + std::string(document.substr(from));
    const std::size_t close = document.find(kClose, begin);
    const std::size_t end = document.find(kEnd, begin);
    if (close == std::string_view::npos || end == std::string_view::npos || end < close)
      return at(document, begin, "a table without an end");
    std::istringstream words(
        std::string(document.substr(begin + kBegin.size(), close - begin - kBegin.size())));
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    Result<std::string> table = write(arguments);
    if (!table) return table.error();
    result += std::string(document.substr(from, close + kClose.size() - from)) + "\n\n" + *table + "\n";
    from = end;
    result += std::string(document.substr(from, kEnd.size()));
    from += kEnd.size();
  }
}

}  // namespace weir::comparison
