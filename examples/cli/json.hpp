// SPDX-License-Identifier: Apache-2.0
/// @file json.hpp
/// JSON as the command prints it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "text.hpp"

namespace cli {

/// Members stay in the order they are added.
using Json = nlohmann::ordered_json;

/// Names in a file may not be UTF-8: what is not becomes U+FFFD.
inline void print_json(const Json& json) {
  print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace cli
