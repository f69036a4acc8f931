// SPDX-License-Identifier: Apache-2.0
/// @file kernels/row_product.hpp
/// Rows times filters, the body of every convolution but the depthwise one:
/// output(r, o) = stage(bias(o) + dot(row(r) - zi, filter(o) - zf)), where a row is a pixel, a patch or a vector.
///
/// For a block of filters: widen them into scratch; then for a few rows at a time widen these too, take the dot
/// products tile by tile, and make output elements of them. A filter is widened once and used for every row, a row is
/// widened once a block. With too few rows for a tile, filters are read in place.
#pragma once

#include <kinglet/kernels/dot_tile.hpp>
#include <kinglet/kernels/output_block.hpp>

namespace kinglet::inline KINGLET_TARGET {

template <class T, class W>
struct RowProduct {
  using Wide = widened_t<T>;
  using Sum = wrapping_sum_t<Wide>;

  std::ptrdiff_t rows;
  std::ptrdiff_t depth;  ///< elements of a row, and of a filter
  index_t outputs;
  const W* filter;  ///< `outputs` filters, one after another
  const accumulator_t<T>* bias;
  T* output;
  std::ptrdiff_t output_stride;  ///< elements from one row's outputs to the next's

  /// One filter is used by every row: below this many, widening it costs more than it saves.
  [[nodiscard]] constexpr bool in_place() const noexcept { return rows < tile_rows; }

  /// Room for widened rows and filters; the memory starts at a multiple of `buffer_alignment`.
  [[nodiscard]] constexpr std::size_t scratch_bytes() const noexcept {
    const std::ptrdiff_t widened = in_place() ? 1 : tile_rows + output_block_channels;
    return static_cast<std::size_t>(widened * padded_depth(depth)) * sizeof(Wide);
  }
};

/// @param widen_row_to (r, Wide* to): writes row r less its zero point, padded with zeros.
template <Rounding R, class T, class W, class WidenRow>
KINGLET_ALWAYS_INLINE void multiply_rows(const RowProduct<T, W>& product, const ConvolutionQuantization& q,
                                         const WidenRow& widen_row_to, std::byte* scratch) noexcept {
  using Wide = typename RowProduct<T, W>::Wide;
  using Sum = typename RowProduct<T, W>::Sum;
  constexpr index_t channels = output_block_channels;
  const std::ptrdiff_t depth = padded_depth(product.depth);
  Wide* const rows = reinterpret_cast<Wide*>(scratch);
  Wide* const filters = rows + tile_rows * depth;
  const index_t step = product.in_place() ? 1 : tile_rows;
  for (index_t o = 0; o < product.outputs; o += channels) {
    const index_t count = std::min(channels, product.outputs - o);
    const W* const filter = product.filter + o * product.depth;
    const OutputBlock<R, Sum> block(q.output, product.bias, o, count);
    if (!product.in_place()) {
      for (index_t c = 0; c < (count + tile_filters - 1) / tile_filters * tile_filters; ++c) {
        // The last tile may reach beyond the last filter: its sums are not used, any filter will do.
        widen_row(filter + std::min(c, count - 1) * product.depth, product.depth, q.filter_zero_point,
                  filters + c * depth);
      }
    }
    for (std::ptrdiff_t r = 0; r < product.rows; r += step) {
      const std::ptrdiff_t taken = std::min<std::ptrdiff_t>(step, product.rows - r);
      Sum sums[tile_rows * channels]{};
      if (product.in_place()) {
        widen_row_to(r, rows);
        for (index_t c = 0; c < count; ++c) {
          sums[c] = dot_in_place(rows, filter + c * product.depth, product.depth, q.filter_zero_point);
        }
      } else {
        for (index_t i = 0; i < tile_rows; ++i) {
          widen_row_to(std::min<std::ptrdiff_t>(r + i, product.rows - 1), rows + i * depth);
        }
        for (index_t c = 0; c < count; c += tile_filters) {
          dot_tile<Wide>({rows, filters + c * depth, depth}, sums + c, channels);
        }
      }
      for (std::ptrdiff_t i = 0; i < taken; ++i) {
        store_block(block, sums + i * channels, count, product.output + (r + i) * product.output_stride + o);
      }
    }
  }
}

}  // namespace kinglet::inline KINGLET_TARGET
