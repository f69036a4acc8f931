// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/pack.hpp
/// The layout of depthwise filters for targets whose dot product sums 4 neighbouring bytes of each of 16 lanes: the 4
/// bytes are one channel's taps in 4 rows.
///
/// Channels are cut into blocks of 64, and of 32 or 16 where that is enough for those that are left. A block always has 4
/// vectors: 32 channels are there twice and 16 four times, for as many parts of an image row at once. It is laid out as
/// in kernels/pointwise/pack.hpp, with these weights:
///   for each group of 4 filter rows, for each filter column: 4 x 16 lanes x 4 rows, int8
/// Lane l of vector v has channel 16 (l / 4) + 4 v + l % 4, modulo the block's width: interleaving bytes, then pairs of
/// bytes, of four rows works within 128-bit parts and gives this order, which narrowing the results undoes.
#pragma once

#include <kinglet/kernels/pointwise/pack.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Channels first .. first + width of a layer, the last of which may not be there.
struct ChannelBlock {
  index_t first;
  index_t width;
};

/// Where blocks lie; the same numbers while packing and running.
struct PackedDepthwise {
  index_t filter_h;
  index_t filter_w;
  index_t channels;

  [[nodiscard]] constexpr index_t groups() const noexcept { return (filter_h + 3) / 4; }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    const index_t rest = channels % 64;
    return channels / 64 + (rest == 0 ? 0 : rest > 32 && rest <= 48 ? 2 : 1);
  }
  [[nodiscard]] constexpr ChannelBlock block(index_t b) const noexcept {
    const index_t whole = channels / 64 * 64;
    if (b * 64 < whole) {
      return {b * 64, 64};
    }
    if (b * 64 > whole) {
      return {whole + 32, 16};
    }
    const index_t rest = channels - whole;
    return {whole, rest > 48 ? 64 : rest > 16 ? 32 : 16};
  }
  [[nodiscard]] constexpr std::size_t block_bytes() const noexcept {
    return 64 + 4 * (sizeof(isa::RequantizeBlock16) + 64 +
                     static_cast<std::size_t>(groups()) * static_cast<std::size_t>(filter_w) * 64);
  }
  /// With room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(blocks()) * block_bytes() + pointwise::packed_alignment;
  }
};

/// @tparam T activations  @param packed `layout.bytes()` bytes
template <Rounding R, class T, class W>
constexpr void pack_depthwise(const PackedDepthwise& layout, const pointwise::RowFilters<W>& from,
                              const ConvolutionQuantization& q, std::byte* packed) noexcept {
  const pointwise::Folding<T, W> folding(q);
  const index_t taps = layout.filter_h * layout.filter_w;
  std::byte* at = packed + pointwise::aligned_offset(packed);
  for (index_t b = 0; b < layout.blocks(); ++b, at += layout.block_bytes()) {
    std::byte* const weights = at + 64 + 4 * static_cast<index_t>(sizeof(isa::RequantizeBlock16) + 64);
    const ChannelBlock block = layout.block(b);
    pointwise::PackedLanes lanes;
    lanes.has_all_ways = false;
    for (index_t v = 0; v < 4; ++v) {
      for (index_t lane = 0; lane < pointwise::PackedRows::lanes; ++lane) {
        const index_t c = block.first + (16 * (lane / 4) + 4 * v + lane % 4) % block.width;
        const bool real = c < layout.channels;
        std::uint32_t weight_sum = 0;
        for (index_t ky = 0; ky < layout.groups() * 4; ++ky) {
          for (index_t kx = 0; kx < layout.filter_w; ++kx) {
            const bool inside = real && ky < layout.filter_h;
            const std::int32_t w =
                inside ? from.filter[(std::ptrdiff_t{ky} * layout.filter_w + kx) * layout.channels + c] -
                             pointwise::to_signed_byte<W>
                       : 0;
            weight_sum += static_cast<std::uint32_t>(w);
            const std::ptrdiff_t column = std::ptrdiff_t{ky / 4} * layout.filter_w + kx;
            weights[((column * 4 + v) * 16 + lane) * 4 + ky % 4] = static_cast<std::byte>(w);
          }
        }
        if (real) {
          lanes.multipliers[v][lane] = q.output.multiplier[c];
          lanes.given[v][lane] = from.bias == nullptr ? 0 : from.bias[c];
          lanes.bias[v][lane] = folding.bias(lanes.given[v][lane], weight_sum, taps);
          if (isa::FloatBlock16::needs_reach(lanes.multipliers[v][lane], taps)) {
            const auto weight = [&](std::int64_t tap) {
              return from.filter[tap * layout.channels + c] - q.filter_zero_point;
            };
            lanes.reach[v][lane] = SumReach::of<T>(taps, lanes.given[v][lane], q.input_zero_point, weight);
          }
        }
      }
    }
    lanes.store<R>(4, pointwise::as_signed<T>(q.output), pointwise::largest_sum<W>(taps), at);
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
