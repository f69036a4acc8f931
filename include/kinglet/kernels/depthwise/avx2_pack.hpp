// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx2_pack.hpp
/// The layout of depthwise filters for targets whose dot product sums 2 neighbouring 16-bit numbers of each of 8
/// lanes: the 2 numbers are one channel's taps in 2 rows.
///
/// A head of 64 bytes says whether all channels take the short way of isa::Requantize8. Then, for each block of 16
/// channels, 32-byte aligned:
///   requantization constants   2 x RequantizeBlock8
///   bias                       2 x 8 int32, zero points folded in
///   weights                    for each of 2 vectors, for each filter column, for each pair of filter rows:
///                              8 lanes x 2 rows, int16, less their zero point
/// Lane l of vector v is the block's channel 8 v + l. The folding of zero points: kernels/pointwise/avx2_pack.hpp.
#pragma once

#include <kinglet/kernels/pointwise/avx2_pack.hpp>

#if defined(__AVX2__)

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Where blocks lie; the same numbers while packing and running.
struct PairDepthwise {
  index_t filter_h;
  index_t filter_w;
  index_t channels;

  static constexpr index_t vectors = 2;  ///< of a block
  static constexpr index_t block_channels = vectors * pointwise::PairRows::lanes;

  [[nodiscard]] constexpr index_t row_pairs() const noexcept { return (filter_h + 1) / 2; }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    return (channels + block_channels - 1) / block_channels;
  }
  /// Elements of one vector's weights.
  [[nodiscard]] constexpr std::ptrdiff_t vector_weights() const noexcept {
    return std::ptrdiff_t{row_pairs()} * filter_w * 16;
  }
  [[nodiscard]] constexpr std::size_t block_bytes() const noexcept {
    return vectors * (sizeof(isa::RequantizeBlock8) + 32 + static_cast<std::size_t>(vector_weights()) * 2);
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(blocks()) * block_bytes() + 2 * pointwise::packed_alignment;
  }
};

/// @param packed `layout.bytes()` bytes
template <Rounding R, class W>
constexpr void pack_pairs(const PairDepthwise& layout, const pointwise::RowFilters<W>& from,
                          const ConvolutionQuantization& q, std::byte* packed) noexcept {
  constexpr auto stage_bytes = static_cast<index_t>(sizeof(isa::RequantizeBlock8));
  std::byte* at = packed + pointwise::aligned_offset(packed);
  const bool is_short = pointwise::short_way(q.output, layout.channels);
  *at = static_cast<std::byte>(is_short);
  at += pointwise::packed_alignment;
  for (index_t b = 0, c = 0; b < layout.blocks(); ++b, at += layout.block_bytes()) {
    std::byte* const biases = at + layout.vectors * stage_bytes;
    std::byte* weights = biases + layout.vectors * 32;
    for (index_t v = 0; v < layout.vectors; ++v, weights += layout.vector_weights() * 2) {
      pointwise::PairLanes lanes;
      for (index_t lane = 0; lane < pointwise::PairRows::lanes; ++lane, ++c) {
        const bool real = c < layout.channels;
        std::uint32_t weight_sum = 0;
        for (index_t kx = 0; kx < layout.filter_w; ++kx) {
          for (index_t ky = 0; ky < layout.row_pairs() * 2; ++ky) {
            const std::ptrdiff_t tap = std::ptrdiff_t{ky} * layout.filter_w + kx;
            const bool inside = real && ky < layout.filter_h;
            const std::int32_t w = inside ? from.filter[tap * layout.channels + c] - q.filter_zero_point : 0;
            weight_sum += static_cast<std::uint32_t>(w);
            const std::ptrdiff_t pair = std::ptrdiff_t{kx} * layout.row_pairs() + ky / 2;
            store_bytes(weights + ((pair * 8 + lane) * 2 + ky % 2) * 2, static_cast<std::int16_t>(w));
          }
        }
        if (real) {
          lanes.set(lane, c, from.bias, weight_sum, q);
        } else {
          lanes.leave(lane);
        }
      }
      lanes.store<R>(is_short, at + v * stage_bytes, biases + v * 32);
    }
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
