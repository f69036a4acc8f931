// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/pack.hpp
/// The layout of depthwise filters for targets whose dot product sums 4 neighbouring bytes of each of 16 lanes: the 4
/// bytes are one channel's taps in 4 rows.
///
/// A head of 64 bytes says whether all channels take the shorter way of isa::Requantize16. Then, for each block of 64
/// channels, 64-byte aligned:
///   requantization constants   4 x RequantizeBlock16
///   bias                       4 x 16 int32, zero points folded in
///   weights                    for each group of 4 filter rows, for each filter column: 4 x 16 lanes x 4 rows, int8
/// Lane l of vector v has channel 16 (l / 4) + 4 v + l % 4 of the block: interleaving bytes, then pairs of bytes, of four
/// rows works within 128-bit parts and gives this order, which narrowing the results undoes (kernels/pointwise/pack.hpp,
/// as for the folding of zero points).
#pragma once

#include <kinglet/kernels/pointwise/pack.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Where blocks lie; the same numbers while packing and running.
struct PackedDepthwise {
  index_t filter_h;
  index_t filter_w;
  index_t channels;

  static constexpr index_t block_channels = 64;

  [[nodiscard]] constexpr index_t groups() const noexcept { return (filter_h + 3) / 4; }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    return (channels + block_channels - 1) / block_channels;
  }
  [[nodiscard]] constexpr std::size_t block_bytes() const noexcept {
    return 4 * (sizeof(isa::RequantizeBlock16) + 64 +
                static_cast<std::size_t>(groups()) * static_cast<std::size_t>(filter_w) * 64);
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(blocks()) * block_bytes() + 2 * pointwise::packed_alignment;
  }
};

/// @tparam T activations  @param packed `layout.bytes()` bytes
template <Rounding R, class T, class W>
constexpr void pack_depthwise(const PackedDepthwise& layout, const pointwise::RowFilters<W>& from,
                              const ConvolutionQuantization& q, std::byte* packed) noexcept {
  constexpr std::int32_t to_signed = std::is_signed_v<W> ? 0 : 128;
  constexpr auto stage_bytes = static_cast<index_t>(sizeof(isa::RequantizeBlock16));
  const pointwise::Folding<T, W> folding(q);
  std::byte* at = packed + pointwise::aligned_offset(packed);
  const bool is_short = pointwise::short_way(q.output, layout.channels);
  *at = static_cast<std::byte>(is_short);
  at += pointwise::packed_alignment;
  for (index_t b = 0; b < layout.blocks(); ++b, at += layout.block_bytes()) {
    std::byte* const biases = at + 4 * stage_bytes;
    std::byte* const weights = biases + 4 * 64;
    for (index_t v = 0; v < 4; ++v) {
      pointwise::PackedLanes lanes;
      for (index_t lane = 0; lane < pointwise::PackedRows::lanes; ++lane) {
        const index_t c = b * PackedDepthwise::block_channels + pointwise::channel_of(4, v, lane);
        const bool real = c < layout.channels;
        std::uint32_t weight_sum = 0;
        for (index_t ky = 0; ky < layout.groups() * 4; ++ky) {
          for (index_t kx = 0; kx < layout.filter_w; ++kx) {
            const bool inside = real && ky < layout.filter_h;
            const std::int32_t w =
                inside ? from.filter[(std::ptrdiff_t{ky} * layout.filter_w + kx) * layout.channels + c] -
                             to_signed
                       : 0;
            weight_sum += static_cast<std::uint32_t>(w);
            const std::ptrdiff_t column = std::ptrdiff_t{ky / 4} * layout.filter_w + kx;
            weights[((column * 4 + v) * 16 + lane) * 4 + ky % 4] = static_cast<std::byte>(w);
          }
        }
        lanes.multipliers[lane] = real ? q.output.multiplier[c] : Multiplier{0, -1};
        lanes.bias[lane] =
            real ? folding.bias(from.bias, c, weight_sum, layout.filter_h * layout.filter_w) : 0;
      }
      lanes.store<R>(is_short, at + v * stage_bytes, biases + v * 64);
    }
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
