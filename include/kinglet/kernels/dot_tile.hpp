// SPDX-License-Identifier: Apache-2.0
/// @file kernels/dot_tile.hpp
/// Dot products of a few rows with a few filters at once, so that each load is used several times.
///
/// Sums are unsigned, that is modulo 2^32 (8-bit activations) or 2^64. Products always fit 32 bits: 10 x 10 bits
/// with sign, or 18 x 10. `sum += int32(int16) * int32(int16)` over contiguous elements is what compilers turn into
/// pmaddwd, vpdpwssd or smlal.
#pragma once

#include <array>
#include <kinglet/kernels/widen.hpp>
#include <utility>

namespace kinglet::inline KINGLET_TARGET {

/// What products of these elements are summed in.
template <class Wide>
using wrapping_sum_t = std::conditional_t<sizeof(Wide) == 2, std::uint32_t, std::uint64_t>;

template <class Wide>
KINGLET_ALWAYS_INLINE wrapping_sum_t<Wide> add_product(wrapping_sum_t<Wide> sum, Wide a, Wide b) noexcept {
  return sum + static_cast<wrapping_sum_t<Wide>>(std::int32_t{a} * std::int32_t{b});
}

/// 4 x 2 sums: with two filter vectors and one row vector they fit 16 vector registers.
inline constexpr index_t tile_rows = 4;
inline constexpr index_t tile_filters = 2;

/// Widened rows and filters, `depth` elements apart, `depth` a multiple of `depth_step`.
template <class Wide>
struct TileOperands {
  const Wide* rows;
  const Wide* filters;
  std::ptrdiff_t depth;
};

/// sums[r * stride + f] = dot(row r, filter f), r < tile_rows, f < tile_filters.
template <class Wide>
KINGLET_NOINLINE void dot_tile(const TileOperands<Wide>& tile, wrapping_sum_t<Wide>* sums,
                               std::ptrdiff_t stride) noexcept {
  constexpr auto columns = static_cast<std::size_t>(tile_filters);
  // Unrolled by index, so that every sum is a scalar of its own to the vectorizer.
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    std::array<wrapping_sum_t<Wide>, sizeof...(I)> sum{};
    const std::ptrdiff_t whole = whole_depth(tile.depth);
    const Wide* const row[] = {(tile.rows + static_cast<std::ptrdiff_t>(I / columns) * tile.depth)...};
    const Wide* const filter[] = {(tile.filters + static_cast<std::ptrdiff_t>(I % columns) * tile.depth)...};
    for (std::ptrdiff_t k = 0; k < whole; ++k) {
      ((sum[I] = add_product(sum[I], row[I][k], filter[I][k])), ...);
    }
    ((sums[static_cast<std::ptrdiff_t>(I / columns) * stride + static_cast<std::ptrdiff_t>(I % columns)] =
          sum[I]),
     ...);
  }
  (std::make_index_sequence<static_cast<std::size_t>(tile_rows * tile_filters)>{});
}

/// One widened row with one filter as it lies in the file: for filters that are used too seldom to be widened.
template <class Wide, class W>
KINGLET_NOINLINE wrapping_sum_t<Wide> dot_in_place(const Wide* KINGLET_RESTRICT row,
                                                   const W* KINGLET_RESTRICT filter, std::ptrdiff_t depth,
                                                   std::int32_t filter_zero_point) noexcept {
  const auto zero = static_cast<Wide>(filter_zero_point);
  const std::ptrdiff_t whole = whole_depth(depth);
  wrapping_sum_t<Wide> sum = 0;
  for (std::ptrdiff_t k = 0; k < whole; ++k) {
    sum = add_product(sum, row[k], static_cast<Wide>(filter[k] - zero));
  }
  for (std::ptrdiff_t k = whole; k < depth; ++k) {
    sum = add_product(sum, row[k], static_cast<Wide>(filter[k] - zero));
  }
  return sum;
}

}  // namespace kinglet::inline KINGLET_TARGET
