#include "tests/reports/markup_checker.h"

#include <cctype>
#include <set>
#include <string_view>
#include <vector>

namespace weir::report::testing {
namespace {

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  std::string fault() {
    if (!accept("<!DOCTYPE html>")) return at("no doctype");
    while (position_ < text_.size()) {
      if (const std::string fault = text_[position_] == '<' ? tag() : character(); !fault.empty())
        return fault;
    }
    return open_.empty() ? "" : at("never closed: " + open_.back());
  }

 private:
  std::string at(const std::string& what) const {
    const std::size_t from = position_ < 60 ? 0 : position_ - 60;
    return what + " at ..." + std::string(text_.substr(from, 120)) + "...";
  }
  bool accept(std::string_view expected) {
    if (text_.substr(position_).substr(0, expected.size()) != expected) return false;
    position_ += expected.size();
    return true;
  }
  void skip_space() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_])))
      ++position_;
  }
  std::string name() {
    const std::size_t start = position_;
    while (position_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[position_])) || text_[position_] == '-'))
      ++position_;
    return std::string(text_.substr(start, position_ - start));
  }
  std::string character() {
    const auto c = static_cast<unsigned char>(text_[position_]);
    if (c < 0x20 && c != '\n' && c != '\t') return at("control character");
    if (c == '>') return at("bare >");
    if (open_.empty() && !std::isspace(c)) return at("text outside the root");
    if (c != '&') {
      ++position_;
      return "";
    }
    for (const char* entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
      if (accept(entity)) return "";
    }
    return at("bare &");
  }
  std::string tag() {
    if (accept("</")) {
      const std::string closed = name();
      if (!accept(">")) return at("bad end tag");
      if (open_.empty() || open_.back() != closed) return at("wrong end tag " + closed);
      open_.pop_back();
      return "";
    }
    ++position_;
    const std::string opened = name();
    if (opened.empty()) return at("bare <");
    std::set<std::string> attributes;
    while (true) {
      const std::size_t before = position_;
      skip_space();
      if (accept("/>")) return "";
      if (accept(">")) break;
      if (position_ == before) return at("no space before attribute");
      const std::string attribute = name();
      if (attribute.empty() || !accept("=\"")) return at("bad attribute");
      if (!attributes.insert(attribute).second) return at("repeated attribute");
      if (attribute == "id" || attribute == "for") {
        const std::string_view id = text_.substr(position_, text_.find('"', position_) - position_);
        if (attribute == "id" && !ids_.insert(std::string(id)).second) return at("repeated id");
      }
      while (position_ < text_.size() && text_[position_] != '"') {
        if (text_[position_] == '<') return at("< in attribute");
        open_.push_back(opened);  // for character(): this is not outside the root
        const std::string fault = character();
        open_.pop_back();
        if (!fault.empty()) return fault;
      }
      ++position_;
    }
    open_.push_back(opened);
    if (opened == "script" || opened == "style") {
      const std::size_t end = text_.find("</" + opened + ">", position_);
      if (end == std::string_view::npos) return at("unclosed " + opened);
      // Markup characters inside would make the page no XML.
      const std::size_t markup = text_.find_first_of("<&", position_);
      if (markup < end) {
        position_ = markup;
        return at("markup inside " + opened);
      }
      position_ = end;
    }
    return "";
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::vector<std::string> open_;
  std::set<std::string> ids_;
};

}  // namespace

std::string markup_fault(const std::string& text) {
  return Checker(text).fault();
}

}  // namespace weir::report::testing
