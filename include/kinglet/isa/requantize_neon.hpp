// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_neon.hpp
/// The output stage for 4 channels at a time on Advanced SIMD, equal to quant/requantize.hpp bit for bit.
///
/// With r = max(-s, 0):
///   SQRDMULH x, q   = (x q + 2^30) >> 31, ties up: the first step of the double roundings; q >= 0, so it never saturates
///   SQDMULH x, q    = floor(x q / 2^31)
///   SRSHL y, -r     = (y + 2^(r-1)) >> r in more than 32 bits, ties up
///   SSRA y, y, 31   = y - 1 where y is negative: ties that SRSHL would take up go down. y > -2^31, since q < 2^31.
/// | policy                 | every r >= 1 (short way) | any shift                                                  |
/// |------------------------|--------------------------|------------------------------------------------------------|
/// | double_rounding        | SQRDMULH, SSRA, SRSHL    | SSHL by max(s, 0), SQRDMULH, SSRA where r > 0 by AND, SRSHL |
/// | double_rounding_upward | SQRDMULH, SRSHL          | SSHL, SQRDMULH, SRSHL                                      |
/// | single_rounding        | SQDMULH, SRSHL           | SMULL, SRSHL by s - 31 in 64 bits, their lower halves      |
/// For single_rounding, r >= 1: (x q + 2^(30+r)) >> (31+r) = (floor(x q / 2^31) + 2^(r-1)) >> r, as 2^(30+r) is a multiple
/// of 2^31. Where the output is clamped at the zero point or above, double_rounding is computed as double_rounding_upward.
#pragma once

#include <kinglet/isa/intrinsics_arm.hpp>

#if KINGLET_HAS_NEON

#include <kinglet/quant/requantize.hpp>

namespace kinglet::inline KINGLET_TARGET::isa {

/// How the steps above end. Both double roundings can be `upward`.
enum class NeonRounding : std::uint8_t { away, upward, once };

/// @param negative_outputs outputs below the zero point are kept
template <Rounding R>
constexpr NeonRounding neon_rounding(bool negative_outputs) noexcept {
  if constexpr (std::same_as<R, single_rounding>) {
    return NeonRounding::once;
  } else {
    return std::same_as<R, double_rounding> && negative_outputs ? NeonRounding::away : NeonRounding::upward;
  }
}

/// The constants of 4 channels. Plain data: it is made once, when weights are packed.
struct alignas(16) RequantizeBlock4 {
  std::int32_t left[4];
  std::int32_t value[4];
  std::int32_t right[4];  ///< -r; s - 31 for single_rounding on the longer way

  /// @param multipliers of the 4 lanes  @param is_short every shift of the layer is below 0
  template <Rounding R>
  static constexpr RequantizeBlock4 make(const Multiplier* multipliers, bool is_short) noexcept {
    RequantizeBlock4 block{};
    constexpr bool once = std::same_as<R, single_rounding>;
    for (std::ptrdiff_t c = 0; c < 4; ++c) {
      const Multiplier m = multipliers[c];
      block.left[c] = once ? 0 : std::max(m.shift, 0);
      block.value[c] = m.value;
      block.right[c] = once && !is_short ? m.shift - 31 : std::min(m.shift, 0);
    }
    return block;
  }
};

/// A block's constants in registers.
/// @tparam Short every shift is below 0
template <NeonRounding How, bool Short>
class Requantize4 {
 public:
  explicit Requantize4(const RequantizeBlock4& b) noexcept
      : left_(vld1q_s32(b.left)), value_(vld1q_s32(b.value)), right_(vld1q_s32(b.right)) {}

  /// 4 sums to 4 outputs without zero point and clamp.
  KINGLET_ALWAYS_INLINE int32x4_t operator()(int32x4_t x) const noexcept {
    if constexpr (How == NeonRounding::once) {
      if constexpr (Short) {
        return vrshlq_s32(vqdmulhq_s32(x, value_), right_);
      } else {
        const int64x2_t low = vmull_s32(vget_low_s32(x), vget_low_s32(value_));
        const int64x2_t high = vmull_high_s32(x, value_);
        return vuzp1q_s32(vreinterpretq_s32_s64(vrshlq_s64(low, vmovl_s32(vget_low_s32(right_)))),
                          vreinterpretq_s32_s64(vrshlq_s64(high, vmovl_high_s32(right_))));
      }
    } else {
      int32x4_t y = vqrdmulhq_s32(Short ? x : vshlq_s32(x, left_), value_);
      if constexpr (How == NeonRounding::away) {
        y = vsraq_n_s32(y, Short ? y : vandq_s32(y, right_), 31);
      }
      return vrshlq_s32(y, right_);
    }
  }

 private:
  int32x4_t left_;
  int32x4_t value_;
  int32x4_t right_;
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
