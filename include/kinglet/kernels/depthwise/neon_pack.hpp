// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/neon_pack.hpp
/// The layout of depthwise filters on Advanced SIMD.
///
/// The first of 64 bytes says whether all channels take the short way of isa::Requantize4. Then, for each block of 8
/// channels, 16-byte aligned:
///   requantization constants   2 x RequantizeBlock4
///   bias                       8 int32, zero points folded in
///   weights                    for each group of filter rows, for each filter column, one of
///     widened                  8 channels, int16, less their zero point; a group is one row
///     bytes                    8 channels x 4 rows, int8 with zero point 0; zeros in rows that are not there
/// The last block is moved back to be a whole one: channels it shares are computed twice, to the same result. Where there
/// are fewer than 8 channels, weights of the others are 0.
/// Sums are of x (w - zw), the zero point zx of x is in the bias: sum (x - zx)(w - zw) = sum x (w - zw) - zx sum (w - zw).
#pragma once

#include <kinglet/kernels/pointwise/neon_pack.hpp>

#if KINGLET_HAS_NEON

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Where blocks lie; the same numbers while packing and running.
struct NeonLayout {
  index_t filter_h;
  index_t filter_w;
  index_t channels;

  static constexpr index_t lanes = pointwise::neon_lanes;

  [[nodiscard]] constexpr index_t blocks() const noexcept { return (channels + lanes - 1) / lanes; }
  [[nodiscard]] constexpr index_t first_channel(index_t block) const noexcept {
    return std::max(0, std::min(block * lanes, channels - lanes));
  }
  /// Room for weights of either kind.
  [[nodiscard]] constexpr std::size_t block_bytes() const noexcept {
    const index_t widened = filter_h * lanes * 2;
    const index_t bytes = (filter_h + 3) / 4 * lanes * 4;
    return 2 * sizeof(isa::RequantizeBlock4) + 32 +
           static_cast<std::size_t>(std::max(widened, bytes)) * static_cast<std::size_t>(filter_w);
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(blocks()) * block_bytes() + 2 * pointwise::packed_alignment;
  }
};

/// @tparam Products how weights are multiplied (kernels/depthwise/neon_lines.hpp)  @param packed `layout.bytes()` bytes
template <class Products, Rounding R, class W>
constexpr void pack_neon(const NeonLayout& layout, const pointwise::RowFilters<W>& from,
                         const ConvolutionQuantization& q, std::byte* packed) noexcept {
  constexpr index_t group = Products::group;
  constexpr auto element = static_cast<index_t>(sizeof(typename Products::weight_type));
  std::byte* at = packed + pointwise::aligned_offset(packed);
  const bool is_short = pointwise::short_way(q.output, layout.channels);
  *at = static_cast<std::byte>(is_short);
  at += pointwise::packed_alignment;
  const auto input_zero = static_cast<std::uint32_t>(q.input_zero_point - Products::offset);
  for (index_t b = 0; b < layout.blocks(); ++b, at += layout.block_bytes()) {
    pointwise::NeonLanes lanes;
    std::byte* const weights = at + 2 * sizeof(isa::RequantizeBlock4) + 32;
    for (index_t lane = 0; lane < layout.lanes; ++lane) {
      const index_t c = layout.first_channel(b) + lane;
      const bool real = c < layout.channels;
      std::uint32_t weight_sum = 0;
      for (index_t ky = 0; ky < (layout.filter_h + group - 1) / group * group; ++ky) {
        for (index_t kx = 0; kx < layout.filter_w; ++kx) {
          const std::ptrdiff_t tap = std::ptrdiff_t{ky} * layout.filter_w + kx;
          const std::int32_t w =
              real && ky < layout.filter_h ? from.filter[tap * layout.channels + c] - q.filter_zero_point : 0;
          weight_sum += static_cast<std::uint32_t>(w);
          const std::ptrdiff_t column = std::ptrdiff_t{ky / group} * layout.filter_w + kx;
          store_bytes(weights + ((column * layout.lanes + lane) * group + ky % group) * element,
                      static_cast<typename Products::weight_type>(w));
        }
      }
      if (real) {
        lanes.set(lane, c, from.bias, input_zero * weight_sum, q);
      }
    }
    lanes.template store<R>(is_short, at);
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
