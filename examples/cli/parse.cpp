// SPDX-License-Identifier: Apache-2.0
/// @file parse.cpp
/// Arguments that CLI11 has no parser for.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "commands.hpp"
#include "failure.hpp"

namespace cli {

std::vector<double> parse_channels(const std::string& option, const std::string& text) {
  const auto fail = [&] {
    return BadUsage(option + " wants one number, or three like 123.7,116.8,103.9: '" + text + "'");
  };
  std::vector<double> values;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || !std::isfinite(value)) {
      throw fail();
    }
    values.push_back(value);
    if (next == end) {
      break;
    }
    if (*next != ',') {
      throw fail();
    }
    at = next + 1;
  }
  if (values.size() != 1 && values.size() != 3) {
    throw fail();
  }
  if (option == "--std" && std::count(values.begin(), values.end(), 0.0) != 0) {
    throw BadUsage("--std is a divisor: it must not be 0");
  }
  return values;
}

}  // namespace cli
