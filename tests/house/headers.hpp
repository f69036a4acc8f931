// SPDX-License-Identifier: Apache-2.0
/// @file house/headers.hpp
/// The library's headers as text: what they include, and their code without comments and literals.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace house {

/// The same text with comments, strings and characters blanked out; lines keep their numbers.
inline std::string code_of(const std::string& text) {
  std::string code;
  char quote = 0;  // inside a literal that this character ends
  enum { in_code, in_line_comment, in_block_comment } state = in_code;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (state == in_line_comment) {
      state = c == '\n' ? in_code : state;
    } else if (state == in_block_comment) {
      if (c == '*' && next == '/') {
        state = in_code;
        ++i;
      }
    } else if (quote != 0) {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = 0;
      }
    } else if (c == '/' && next == '/') {
      state = in_line_comment;
    } else if (c == '/' && next == '*') {
      state = in_block_comment;
      ++i;
    } else if (c == '"' ||
               (c == '\'' && !(i > 0 && std::isxdigit(static_cast<unsigned char>(text[i - 1])) != 0))) {
      quote = c;  // an apostrophe behind a digit separates thousands
    } else {
      code += c;
      continue;
    }
    code += c == '\n' ? '\n' : ' ';
  }
  return code;
}

struct Header {
  std::string path;  ///< as included: kinglet/quant/rounding.hpp
  std::string text;
  std::string code;

  /// "quant"; "" for the umbrella.
  [[nodiscard]] std::string layer() const {
    const std::size_t begin = path.find('/') + 1;
    const std::size_t end = path.find('/', begin);
    return end == std::string::npos ? "" : path.substr(begin, end - begin);
  }
  [[nodiscard]] std::string name() const { return std::filesystem::path(path).stem().string(); }
  /// Paths of the library's headers that it includes.
  [[nodiscard]] std::vector<std::string> includes() const {
    return matches(text, R"(#\s*include\s*[<"](kinglet/[^>"]*))");
  }
  /// Every other header that it includes.
  [[nodiscard]] std::vector<std::string> foreign_includes() const {
    return matches(text, R"(#\s*include\s*[<"]((?!kinglet/)[^>"]*))");
  }

  static std::vector<std::string> matches(const std::string& text, const char* pattern) {
    const std::regex regex(pattern);
    std::vector<std::string> found;
    for (std::sregex_iterator it(text.begin(), text.end(), regex); it != std::sregex_iterator(); ++it) {
      found.push_back((*it)[1]);
    }
    return found;
  }
};

/// Every header of the library, in order of path.
inline std::vector<Header> all_headers() {
  const std::filesystem::path root = std::filesystem::path(KINGLET_SOURCE_DIR) / "include";
  std::vector<Header> headers;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".hpp") {
      std::ifstream file(entry.path());
      std::stringstream text;
      text << file.rdbuf();
      headers.push_back(
          {entry.path().lexically_relative(root).generic_string(), text.str(), code_of(text.str())});
    }
  }
  std::sort(headers.begin(), headers.end(), [](const Header& a, const Header& b) { return a.path < b.path; });
  return headers;
}

}  // namespace house
