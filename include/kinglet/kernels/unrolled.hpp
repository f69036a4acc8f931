// SPDX-License-Identifier: Apache-2.0
/// @file kernels/unrolled.hpp
/// Loops whose index is a constant in the body, for arrays that must become registers: left to optimizers, gcc keeps a
/// second copy of such an array in memory once a loop's index is computed with.
#pragma once

#include <kinglet/tensor/extents.hpp>
#include <utility>

namespace kinglet::inline KINGLET_TARGET {

/// body(i) for the constants 0 .. Count - 1. Bodies should be KINGLET_INLINE_LAMBDA.
template <index_t Count, class Body>
KINGLET_ALWAYS_INLINE constexpr void unrolled(Body body) noexcept {
  [&]<index_t... I>(std::integer_sequence<index_t, I...>) KINGLET_INLINE_LAMBDA {
    (body(std::integral_constant<index_t, I>{}), ...);
  }
  (std::make_integer_sequence<index_t, Count>{});
}

}  // namespace kinglet::inline KINGLET_TARGET
