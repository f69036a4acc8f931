// SPDX-License-Identifier: Apache-2.0
/// @file memory/lifetime.hpp
/// When a buffer is alive, in steps of a network's execution.
#pragma once

#include <algorithm>
#include <kinglet/core/config.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Steps are operators, counted from 0; `before_first_step` is when inputs are written.
inline constexpr std::int32_t before_first_step = -1;

/// Both ends belong to the lifetime: a buffer written by step 2 and last read by step 5 lives in [2, 5].
struct Lifetime {
  std::int32_t first = 0;
  std::int32_t last = 0;

  [[nodiscard]] constexpr bool overlaps(const Lifetime& other) const noexcept {
    return first <= other.last && other.first <= last;
  }
  constexpr void include(std::int32_t step) noexcept {
    first = std::min(first, step);
    last = std::max(last, step);
  }
  friend constexpr bool operator==(const Lifetime&, const Lifetime&) = default;
};

}  // namespace kinglet::inline KINGLET_TARGET
