// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/neon.hpp
/// Depthwise convolution on Advanced SIMD: activations widened to 16 bits, SMLAL multiplies 4 channels and adds to 32.
#pragma once

#include <kinglet/kernels/depthwise/neon_lines.hpp>

#if KINGLET_HAS_NEON

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// One row's products, 16 bits wide: 9 bits of activations with sign times 9 bits of weights.
/// @tparam T activations
template <class T>
struct NeonWidened {
  static constexpr index_t group = 1;
  static constexpr std::int32_t offset = 0;
  using weight_type = std::int16_t;
  using Weights = int16x8_t;
  using Column = int16x8_t;

  KINGLET_ALWAYS_INLINE static Weights load(const std::int16_t* weights) noexcept {
    return vld1q_s16(weights);
  }
  KINGLET_ALWAYS_INLINE static Column column(const std::uint8_t* const* rows, std::ptrdiff_t at) noexcept {
    const uint8x8_t x = vld1_u8(rows[0] + at);
    return std::is_signed_v<T> ? vmovl_s8(vreinterpret_s8_u8(x)) : vreinterpretq_s16_u16(vmovl_u8(x));
  }
  KINGLET_ALWAYS_INLINE static void add(int32x4_t* sums, Column x, Weights w) noexcept {
    sums[0] = vmlal_s16(sums[0], vget_low_s16(x), vget_low_s16(w));
    sums[1] = vmlal_high_s16(sums[1], x, w);
  }
};

struct NeonTarget {
  static constexpr std::string_view name = "neon";
  template <class T, class W>
  using Products = NeonWidened<T>;
};

using Neon = Packed<NeonBlocks<NeonTarget>>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
