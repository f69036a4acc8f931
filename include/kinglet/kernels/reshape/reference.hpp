// SPDX-License-Identifier: Apache-2.0
/// @file kernels/reshape/reference.hpp
/// RESHAPE, SQUEEZE, EXPAND_DIMS: the same elements in the same order.
#pragma once

#include <algorithm>
#include <kinglet/core/config.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::reshape {

struct Reference {
  static constexpr std::string_view name = "reference";

  /// Input and output are one buffer or do not overlap.
  static constexpr void run(const std::byte* input, std::byte* output, std::size_t bytes) noexcept {
    if (input != output) {
      std::copy_n(input, bytes, output);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::reshape
