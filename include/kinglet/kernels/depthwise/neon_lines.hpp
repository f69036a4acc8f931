// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/neon_lines.hpp
/// Depthwise convolution on Advanced SIMD, 8 channels at a time: a line of outputs for all channels, so that the input
/// rows under the filter stay in the nearest cache.
///
/// Filters 3 and 5 wide, strides 1 and 2, no dilation: some neighbouring outputs at once, for each of their input columns
/// the products with all outputs it touches. A tile that touches pixels outside the image works on a copy with the
/// input's zero point there. Otherwise one output and tap at a time.
///
/// How numbers are multiplied is a target's `Products<T, W>`:
/// | member                    | what                                                              |
/// |---------------------------|-------------------------------------------------------------------|
/// | group                     | rows that are taken together                                      |
/// | weight_type, Weights      | as packed (kernels/depthwise/neon_pack.hpp), and one column's     |
/// | offset                    | what is subtracted from activations before they are multiplied    |
/// | Column, column(rows, at)  | `group` pixels of 8 channels, ready to be multiplied              |
/// | add(sums, column, weights)| their products, 2 vectors of 4 channels                           |
#pragma once

#include <kinglet/kernels/depthwise/neon_pack.hpp>

#if KINGLET_HAS_NEON

#include <kinglet/kernels/depthwise/packed.hpp>
#include <kinglet/kernels/pointwise/neon_tile.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

namespace detail {

inline constexpr index_t neon_most_rows = 16;

/// Rows of input under the filter from some column on, as unsigned bytes.
struct NeonPixels {
  const std::uint8_t* row[neon_most_rows];  ///< null outside the image; behind the last one, some row again
  std::ptrdiff_t step;                      ///< bytes from one pixel to the next
};

/// One block's constants while running.
struct NeonFilter {
  const std::int32_t* bias;
  const std::byte* weights;
  index_t filter_h;
  index_t filter_w;
};

/// Outputs at once, and the input columns they touch.
template <index_t Width, index_t Stride>
struct NeonTile {
  static constexpr index_t outputs = Stride == 1 ? 8 : 4;
  static constexpr index_t columns = (outputs - 1) * Stride + Width;
};

/// Sums of neighbouring outputs; all rows are there.
/// @param first bytes from a row's first pixel to the first output's first column
template <class Products, index_t Width, index_t Stride>
KINGLET_NOINLINE void sum_tile(const NeonPixels& pixels, std::ptrdiff_t first, const NeonFilter& filter,
                               std::int32_t* sums) noexcept {
  using Tile = NeonTile<Width, Stride>;
  int32x4_t sum[Tile::outputs][2];
  KINGLET_UNROLL
  for (index_t o = 0; o < Tile::outputs; ++o) {
    sum[o][0] = vld1q_s32(filter.bias);
    sum[o][1] = vld1q_s32(filter.bias + 4);
  }
  const auto* weights = reinterpret_cast<const typename Products::weight_type*>(filter.weights);
  for (index_t ky = 0; ky < filter.filter_h; ky += Products::group) {
    typename Products::Weights w[Width];
    KINGLET_UNROLL
    for (index_t kx = 0; kx < Width; ++kx, weights += pointwise::neon_lanes * Products::group) {
      w[kx] = Products::load(weights);
    }
    const std::uint8_t* row[Products::group];
    KINGLET_UNROLL
    for (index_t r = 0; r < Products::group; ++r) {
      row[r] = pixels.row[ky + r];
    }
    std::ptrdiff_t at = first;
    KINGLET_UNROLL
    for (index_t x = 0; x < Tile::columns; ++x, at += pixels.step) {
      const typename Products::Column column = Products::column(row, at);
      KINGLET_UNROLL
      for (index_t o = 0; o < Tile::outputs; ++o) {
        if (const index_t kx = x - o * Stride; kx >= 0 && kx < Width) {
          Products::add(sum[o], column, w[kx]);
        }
      }
    }
  }
  KINGLET_UNROLL
  for (index_t o = 0; o < Tile::outputs; ++o) {
    vst1q_s32(sums + o * pointwise::neon_lanes, sum[o][0]);
    vst1q_s32(sums + o * pointwise::neon_lanes + 4, sum[o][1]);
  }
}

/// One output's input: its rows, and which of their pixels and channels there are.
struct NeonWindow {
  const NeonPixels* pixels;  ///< from the image's first column on
  index_t first_column;
  index_t dilation;
  index_t width;
  index_t channels;             ///< at most 8
  const std::uint8_t* outside;  ///< 8 zero points
};

/// The sums of one output, any filter.
template <class Products>
KINGLET_NOINLINE void sum_any(const NeonWindow& window, const NeonFilter& filter,
                              std::int32_t* sums) noexcept {
  int32x4_t sum[2] = {vld1q_s32(filter.bias), vld1q_s32(filter.bias + 4)};
  const auto* weights = reinterpret_cast<const typename Products::weight_type*>(filter.weights);
  for (index_t ky = 0; ky < filter.filter_h; ky += Products::group) {
    index_t x = window.first_column;
    for (index_t kx = 0; kx < filter.filter_w; ++kx, x += window.dilation) {
      const bool inside = x >= 0 && x < window.width;
      const std::uint8_t* row[Products::group];
      std::uint64_t copy[Products::group];
      for (index_t r = 0; r < Products::group; ++r) {
        const std::uint8_t* const from = window.pixels->row[ky + r];
        if (!inside || from == nullptr) {
          row[r] = window.outside;
        } else {
          copy[r] = pointwise::load_up_to_8(from + x * window.pixels->step, window.channels);
          row[r] = reinterpret_cast<const std::uint8_t*>(&copy[r]);
        }
      }
      Products::add(sum, Products::column(row, 0), Products::load(weights));
      weights += pointwise::neon_lanes * Products::group;
    }
  }
  vst1q_s32(sums, sum[0]);
  vst1q_s32(sums + 4, sum[1]);
}

}  // namespace detail

/// The engine of kernels/depthwise/packed.hpp.
/// @tparam Target has a name and `Products<T, W>`
template <class Target>
struct NeonBlocks : NeonLayout {
  static constexpr std::string_view name = Target::name;
  static constexpr index_t most_rows = detail::neon_most_rows;

  template <Rounding R, class T, class W>
  constexpr void pack(const pointwise::RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_neon<typename Target::template Products<T, W>, R>(*this, from, q, packed);
  }

  template <Rounding R, class C>
  void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
           const std::byte* packed) const noexcept {
    const auto& output = tensors.output;
    std::uint8_t outside[lanes];
    std::memset(outside, q.input_zero_point, sizeof outside);
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        const Line line{packed + pointwise::aligned_offset(packed), outside, n, y};
        if (filter_w == 3 && window.dilation_w == 1 && window.stride_w == 1) {
          run_line<R, 3, 1>(window, tensors, q, line);
        } else if (filter_w == 3 && window.dilation_w == 1 && window.stride_w == 2) {
          run_line<R, 3, 2>(window, tensors, q, line);
        } else if (filter_w == 5 && window.dilation_w == 1 && window.stride_w == 1) {
          run_line<R, 5, 1>(window, tensors, q, line);
        } else if (filter_w == 5 && window.dilation_w == 1 && window.stride_w == 2) {
          run_line<R, 5, 2>(window, tensors, q, line);
        } else {
          run_line<R, 0, 0>(window, tensors, q, line);
        }
      }
    }
  }

 private:
  /// A line of outputs.
  struct Line {
    const std::byte* packed;
    const std::uint8_t* outside;
    index_t n, y;
  };

  /// @tparam Width of the filter, 0: any
  template <Rounding R, index_t Width, index_t Stride, class C>
  void run_line(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                const Line& line) const noexcept {
    using T = typename C::activation_type;
    using Products = typename Target::template Products<T, typename C::weight_type>;
    const auto& [input, filter, bias, output] = tensors;
    const auto how = pointwise::Finish::of<R>(q.output, *line.packed != std::byte{0});
    const index_t count = std::min(channels, lanes);
    const std::byte* at = line.packed + pointwise::packed_alignment;
    for (index_t b = 0; b < blocks(); ++b, at += block_bytes()) {
      const index_t first = first_channel(b);
      const pointwise::NeonBlock block(at);
      const detail::NeonFilter constants{block.bias, reinterpret_cast<const std::byte*>(block.weights),
                                         filter_h, filter_w};
      const detail::NeonPixels pixels = pixels_under(window, tensors, line, first);
      const bool whole_rows = count == lanes && std::none_of(pixels.row, pixels.row + filter_h,
                                                             [](auto* row) { return row == nullptr; });
      constexpr index_t tile = Width == 0 ? 1 : detail::NeonTile < Width,
                        Stride == 0 ? 1 : Stride > ::outputs;
      alignas(16) std::int32_t sums[tile * lanes];
      const index_t width = output.extent(2);
      for (index_t x = 0; x < width; x += tile) {
        // The last tile is moved back to be a whole one.
        const index_t to = std::max(0, std::min(x, width - tile));
        const index_t from = to * window.stride_w - window.pad_left;
        if constexpr (Width == 0) {
          detail::sum_any<Products>({&pixels, from, window.dilation_w, input.extent(2), count, line.outside},
                                    constants, sums);
        } else {
          constexpr index_t columns = detail::NeonTile<Width, Stride>::columns;
          if (whole_rows && from >= 0 && from + columns <= input.extent(2)) {
            detail::sum_tile<Products, Width, Stride>(pixels, from * pixels.step, constants, sums);
          } else {
            std::uint64_t copy[most_rows * columns];
            detail::sum_tile<Products, Width, Stride>(
                copied<columns>({&pixels, from, 1, input.extent(2), count, line.outside}, copy), 0, constants,
                sums);
          }
        }
        const pointwise::TileOutput<T> out{output.data() + output.offset(line.n, line.y, to, first), channels,
                                           std::min(tile, width), count, &q.output};
        pointwise::finish_tile<R>(how, out, block.stage, sums);
      }
    }
  }

  /// The rows under a line of outputs, from channel `first` on.
  template <class C>
  detail::NeonPixels pixels_under(const Window& window, const C& tensors, const Line& line,
                                  index_t first) const noexcept {
    const auto& input = tensors.input;
    detail::NeonPixels pixels;
    pixels.step = channels;
    for (index_t r = 0; r < filter_h; ++r) {
      const index_t y = line.y * window.stride_h - window.pad_top + r * window.dilation_h;
      pixels.row[r] = y >= 0 && y < input.extent(1)
                          ? reinterpret_cast<const std::uint8_t*>(
                                input.data() + input.offset(line.n, window.row_at(y), 0, first))
                          : nullptr;
    }
    fill_group(pixels);
    return pixels;
  }
  /// Rows behind the last one, which weights of 0 are multiplied with.
  void fill_group(detail::NeonPixels& pixels) const noexcept {
    for (index_t r = filter_h; r % 4 != 0; ++r) {
      pixels.row[r] = pixels.row[filter_h - 1];
    }
  }
  /// Neighbouring columns, of 8 channels each, with zero points where the image has none.
  template <index_t Columns>
  detail::NeonPixels copied(const detail::NeonWindow& window, std::uint64_t* copy) const noexcept {
    std::uint64_t zero_points;
    std::memcpy(&zero_points, window.outside, sizeof zero_points);
    detail::NeonPixels pixels;
    pixels.step = sizeof(std::uint64_t);
    for (index_t r = 0; r < filter_h; ++r, copy += Columns) {
      const std::uint8_t* const row = window.pixels->row[r];
      for (index_t i = 0; i < Columns; ++i) {
        const index_t x = window.first_column + i;
        const bool inside = row != nullptr && x >= 0 && x < window.width;
        copy[i] =
            inside ? pointwise::load_up_to_8(row + x * window.pixels->step, window.channels) : zero_points;
      }
      pixels.row[r] = reinterpret_cast<const std::uint8_t*>(copy);
    }
    fill_group(pixels);
    return pixels;
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
