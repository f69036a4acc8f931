// SPDX-License-Identifier: Apache-2.0
/// @file text.hpp
/// Text in and out of the command.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cli {

/// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

/// The same text as one line: control characters become '?'. Names in a file may hold anything.
std::string one_line(std::string_view text);

/// "1x224x224x3"; "scalar" for rank 0.
std::string shape_text(std::span<const std::int32_t> shape);
/// "[1,224,224,3]"
std::string shape_list(std::span<const std::int32_t> shape);

/// Writes all of it to standard output, at once; a Failure when the other end is closed or full.
void print(std::string_view text);

}  // namespace cli
