// SPDX-License-Identifier: Apache-2.0
/// @file text.cpp
#include "text.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "failure.hpp"

namespace cli {

std::string format(const char* pattern, ...) {
  std::va_list arguments;
  va_start(arguments, pattern);
  std::va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  std::string text(length > 0 ? static_cast<std::size_t>(length) : 0, '\0');
  std::vsnprintf(text.data(), text.size() + 1, pattern, again);
  va_end(again);
  return text;
}

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      c = '?';
    }
  }
  return line;
}

namespace {

std::string join(std::span<const std::int32_t> shape, char separator) {
  std::string text;
  for (const std::int32_t extent : shape) {
    if (!text.empty()) {
      text += separator;
    }
    text += std::to_string(extent);
  }
  return text;
}

}  // namespace

std::string shape_text(std::span<const std::int32_t> shape) {
  return shape.empty() ? "scalar" : join(shape, 'x');
}

std::string shape_list(std::span<const std::int32_t> shape) {
  return "[" + join(shape, ',') + "]";
}

void print(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Failure(std::string("cannot write to standard output: ") + std::strerror(errno));
  }
}

}  // namespace cli
