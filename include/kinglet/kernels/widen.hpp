// SPDX-License-Identifier: Apache-2.0
/// @file kernels/widen.hpp
/// Elements less their zero point, in a type that holds the difference: what dot products multiply.
#pragma once

#include <algorithm>
#include <kinglet/core/config.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/extents.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Activations T and their weights less a zero point: 9 bits and a sign for 8-bit elements, 17 for 16-bit ones.
template <QuantizedElement T>
using widened_t = std::conditional_t<sizeof(T) == 1, std::int16_t, std::int32_t>;

/// Widened rows are filled with zeros to a multiple of this, so that loops over them have no remainder: a compiler
/// then vectorizes them even where it may not add a second loop (gcc -O2).
inline constexpr index_t depth_step = 16;

/// `depth` rounded up to a whole number of steps.
constexpr std::ptrdiff_t padded_depth(std::ptrdiff_t depth) noexcept {
  return (depth + depth_step - 1) & ~std::ptrdiff_t{depth_step - 1};
}

/// `depth` rounded down to a whole number of steps.
///
/// Loops up to it are in functions of their own (KINGLET_NOINLINE): inlined elsewhere, gcc -O2 loses sight of
/// the trip count being a multiple of a vector's width. It also lets all convolutions share them.
constexpr std::ptrdiff_t whole_depth(std::ptrdiff_t depth) noexcept {
  return depth & ~std::ptrdiff_t{depth_step - 1};
}

/// to[k] = from[k] - zero_point for k < count.
template <class Wide, class T>
KINGLET_NOINLINE void widen(const T* KINGLET_RESTRICT from, std::ptrdiff_t count, std::int32_t zero_point,
                            Wide* KINGLET_RESTRICT to) noexcept {
  const auto zero = static_cast<Wide>(zero_point);
  const std::ptrdiff_t whole = whole_depth(count);
  for (std::ptrdiff_t k = 0; k < whole; ++k) {
    to[k] = static_cast<Wide>(from[k] - zero);
  }
  for (std::ptrdiff_t k = whole; k < count; ++k) {
    to[k] = static_cast<Wide>(from[k] - zero);
  }
}

/// A whole row: widened, then zeros up to its padded depth.
template <class Wide, class T>
inline void widen_row(const T* from, std::ptrdiff_t depth, std::int32_t zero_point, Wide* to) noexcept {
  widen(from, depth, zero_point, to);
  std::fill(to + depth, to + padded_depth(depth), Wide{0});
}

}  // namespace kinglet::inline KINGLET_TARGET
