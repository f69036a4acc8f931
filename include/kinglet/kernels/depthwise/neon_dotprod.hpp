// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/neon_dotprod.hpp
/// Depthwise convolution by SDOT: four rows of one column are interleaved so that a channel's four bytes lie together, and
/// one SDOT multiplies those of 4 channels with the filter's column.
#pragma once

#include <kinglet/kernels/depthwise/neon.hpp>

#if KINGLET_HAS_NEON_DOTPROD

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Four rows' products, of signed bytes.
/// @tparam T activations
template <class T>
struct NeonDots {
  static constexpr index_t group = 4;
  static constexpr std::int32_t offset = pointwise::to_signed_byte<T>;
  using weight_type = std::int8_t;
  struct Column {
    int8x16_t low;
    int8x16_t high;
  };
  using Weights = Column;

  KINGLET_ALWAYS_INLINE static Weights load(const std::int8_t* weights) noexcept {
    return {vld1q_s8(weights), vld1q_s8(weights + 16)};
  }
  KINGLET_ALWAYS_INLINE static Column column(const std::uint8_t* const* rows, std::ptrdiff_t at) noexcept {
    pointwise::in_order();
    const auto row = [&](int r) KINGLET_INLINE_LAMBDA {
      return vcombine_u8(vld1_u8(rows[r] + at), vdup_n_u8(0));  // only the lower half is used
    };
    const uint16x8_t first = vreinterpretq_u16_u8(vzip1q_u8(row(0), row(1)));
    const uint16x8_t second = vreinterpretq_u16_u8(vzip1q_u8(row(2), row(3)));
    constexpr bool is_signed = std::is_signed_v<T>;
    return {pointwise::signed_bytes<is_signed>(vreinterpretq_u8_u16(vzip1q_u16(first, second))),
            pointwise::signed_bytes<is_signed>(vreinterpretq_u8_u16(vzip2q_u16(first, second)))};
  }
  KINGLET_ALWAYS_INLINE static void add(int32x4_t* sums, const Column& x, const Weights& w) noexcept {
    sums[0] = vdotq_s32(sums[0], x.low, w.low);
    sums[1] = vdotq_s32(sums[1], x.high, w.high);
  }
};

struct NeonDotprodTarget {
  static constexpr std::string_view name = "neon_dotprod";
  /// Weights less a zero point of theirs have 9 bits, too many for SDOT.
  template <class T, class W>
  using Products = std::conditional_t<std::is_signed_v<W>, NeonDots<T>, NeonWidened<T>>;
};

using NeonDotprod = Packed<NeonBlocks<NeonDotprodTarget>>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
