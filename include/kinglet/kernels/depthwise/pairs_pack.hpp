// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/pairs_pack.hpp
/// The layout of depthwise filters for targets whose dot product sums 2 neighbouring 16-bit numbers of each 32-bit
/// lane: the 2 numbers are one channel's taps in 2 rows.
///
/// A head of 64 bytes, as in kernels/pointwise/pairs_pack.hpp. Then blocks of 2 vectors of channels, and behind these
/// blocks of 1. The last vector is moved back to be a whole one: channels it shares are computed twice, to the same
/// result. A block holds:
///   requantization constants   `vectors` x Lanes::Constants, or Lanes::Floats at the start of each
///   bias                       `vectors` x lanes int32, zero points folded in, and x0 of Lanes::Floats
///   weights                    for each vector, for each filter column, for each pair of filter rows:
///                              lanes x 2 rows, int16, less their zero point
#pragma once

#include <kinglet/kernels/pointwise/pairs_pack.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

struct DepthwiseShape {
  index_t filter_h;
  index_t filter_w;
  index_t channels;
};

/// Where blocks lie; the same numbers while packing and running. At least `lanes` channels.
template <class Lanes>
struct PairDepthwise : DepthwiseShape {
  static constexpr index_t lanes = Lanes::count;

  [[nodiscard]] constexpr index_t row_pairs() const noexcept { return (filter_h + 1) / 2; }
  [[nodiscard]] constexpr index_t whole_blocks() const noexcept { return channels / (2 * lanes); }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    return whole_blocks() + (channels % (2 * lanes) + lanes - 1) / lanes;
  }
  [[nodiscard]] constexpr index_t vectors_of(index_t b) const noexcept { return b < whole_blocks() ? 2 : 1; }
  [[nodiscard]] constexpr index_t first_channel(index_t b) const noexcept {
    return std::min((std::min(b, whole_blocks()) + b) * lanes, channels - vectors_of(b) * lanes);
  }
  /// Elements of one vector's weights.
  [[nodiscard]] constexpr std::ptrdiff_t vector_weights() const noexcept {
    return std::ptrdiff_t{row_pairs()} * filter_w * lanes * 2;
  }
  [[nodiscard]] constexpr std::size_t bytes_of(index_t vectors) const noexcept {
    return static_cast<std::size_t>(vectors) *
           (sizeof(typename Lanes::Constants) + sizeof(std::int32_t[lanes]) +
            static_cast<std::size_t>(vector_weights()) * 2);
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(whole_blocks()) * bytes_of(2) +
           static_cast<std::size_t>(blocks() - whole_blocks()) * bytes_of(1) +
           2 * pointwise::packed_alignment;
  }
};

/// @return whether what `head` asks for is exact
template <Rounding R, class T, class Lanes, class W>
constexpr bool pack_pair_blocks(const PairDepthwise<Lanes>& layout, pointwise::PairHead head,
                                const pointwise::RowFilters<W, accumulator_t<T>>& from,
                                const ConvolutionQuantization& q, std::byte* packed) noexcept {
  constexpr auto stage_bytes = static_cast<index_t>(sizeof(typename Lanes::Constants));
  const auto weight = [&](index_t channel, index_t tap) {
    return from.filter[std::ptrdiff_t{tap} * layout.channels + channel] - q.filter_zero_point;
  };
  const typename pointwise::PairLanes<Lanes, T>::Stage stage{
      q.output, pointwise::largest_sum<W>(std::int64_t{layout.filter_h} * layout.filter_w)};
  std::byte* const start = packed + pointwise::aligned_offset(packed);
  std::byte* at = start + pointwise::packed_alignment;
  for (index_t b = 0; b < layout.blocks(); ++b) {
    const index_t vectors = layout.vectors_of(b);
    std::byte* const biases = at + vectors * stage_bytes;
    std::byte* weights = biases + vectors * Lanes::count * 4;
    for (index_t v = 0; v < vectors; ++v, weights += layout.vector_weights() * 2) {
      pointwise::PairLanes<Lanes, T> constants;
      for (index_t lane = 0; lane < Lanes::count; ++lane) {
        const index_t c = layout.first_channel(b) + v * Lanes::count + lane;
        std::int64_t weight_sum = 0;
        for (index_t kx = 0; kx < layout.filter_w; ++kx) {
          for (index_t ky = 0; ky < layout.row_pairs() * 2; ++ky) {
            const std::int32_t w = ky < layout.filter_h ? weight(c, ky * layout.filter_w + kx) : 0;
            weight_sum += w;
            const std::ptrdiff_t pair = std::ptrdiff_t{kx} * layout.row_pairs() + ky / 2;
            store_bytes(weights + ((pair * Lanes::count + lane) * 2 + ky % 2) * 2,
                        static_cast<std::int16_t>(w));
          }
        }
        constants.set(lane, c, from.bias, weight_sum, {q.input_zero_point, q.output.multiplier[c]});
        constants.set_reach(
            lane,
            {layout.filter_h * layout.filter_w, q.input_zero_point, from.bias == nullptr ? 0 : from.bias[c]},
            [&](std::int64_t tap) { return weight(c, static_cast<index_t>(tap)); });
      }
      if (!constants.template store<R>(head, stage, at + v * stage_bytes, biases + v * Lanes::count * 4)) {
        return false;
      }
    }
    at += layout.bytes_of(vectors);
  }
  head.store(start);
  return true;
}

/// @tparam T activations  @param packed `layout.bytes()` bytes
template <Rounding R, class T, class Lanes, class W>
constexpr void pack_pairs(const PairDepthwise<Lanes>& layout,
                          const pointwise::RowFilters<W, accumulator_t<T>>& from,
                          const ConvolutionQuantization& q, std::byte* packed) noexcept {
  const pointwise::PairHead head = pointwise::pair_head<T>(
      layout.channels, layout.filter_h * layout.filter_w, from.bias, q, [&](index_t channel, index_t tap) {
        return from.filter[std::ptrdiff_t{tap} * layout.channels + channel] - q.filter_zero_point;
      });
  pointwise::pack_blocks_exactly<Lanes, T>(head, [&](const pointwise::PairHead& tried) {
    return pack_pair_blocks<R, T>(layout, tried, from, q, packed);
  });
}

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
