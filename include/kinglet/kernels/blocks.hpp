// SPDX-License-Identifier: Apache-2.0
/// @file kernels/blocks.hpp
/// Long rows in blocks of a constant size, which compilers turn into vector code without asking whether
/// buffers overlap or how long the row is.
#pragma once

#include <kinglet/tensor/extents.hpp>
#include <type_traits>

namespace kinglet::inline KINGLET_TARGET {

/// Elements of a block: four AVX-512 registers of int32.
inline constexpr index_t block_size = 64;

/// Calls body(start, count) for consecutive blocks of [0, size). `count` is a constant for full blocks and a
/// plain number for the rest, so the body is compiled once for each.
template <class Index, class Body>
constexpr void for_blocks(Index size, Body body) noexcept {
  Index start = 0;
  for (; size - start >= block_size; start += block_size) {
    body(start, std::integral_constant<index_t, block_size>{});
  }
  if (start < size) {
    body(start, static_cast<index_t>(size - start));
  }
}

}  // namespace kinglet::inline KINGLET_TARGET
