// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_avx512.hpp
/// The output stage for 16 channels at a time on AVX-512, equal to quant/requantize.hpp bit for bit.
///
/// With x' = x << left, p = x' * q in 64 bits:  y = (p + C - N) >> h, where
/// | policy                 | left      | C                            | h      | N                          |
/// |------------------------|-----------|------------------------------|--------|----------------------------|
/// | double_rounding        | max(s, 0) | 2^30 + 2^(30+r), r = 0: 2^30 | 31 + r | p < -2^30, r > 0: 2^31     |
/// | double_rounding_upward | max(s, 0) | 2^30 + 2^(30+r), r = 0: 2^30 | 31 + r | 0                          |
/// | single_rounding        | 0         | 2^(30-s)                     | 31 - s | 0                          |
/// and r = max(-s, 0). Even channels are shifted by h, so that y is the low half of their 64 bits; odd ones by
/// h - 32, so that it is the high half: one blend puts both together. That needs h >= 32, which holds for every
/// multiplier below one half; a block with a larger one takes a longer way.
/// N matters only where y < 0: where the output is clamped at the zero point or above, double_rounding is
/// computed as double_rounding_upward.
#pragma once

#include <kinglet/isa/intrinsics_x86.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/quant/requantize.hpp>

namespace kinglet::inline KINGLET_TARGET::isa {

/// The constants of 16 channels. Plain data: it is made once, when weights are packed.
struct alignas(64) RequantizeBlock16 {
  std::int32_t left[16];
  std::int32_t value[16];
  std::int64_t rounding[2][8];  ///< C, of even and of odd channels
  std::int64_t shift[2][8];     ///< h of even channels; of odd ones h - 32, or h on the longer way

  /// @param multipliers of the 16 lanes  @param is_short every h of the layer is at least 32
  template <Rounding R>
  static constexpr RequantizeBlock16 make(const Multiplier* multipliers, bool is_short) noexcept {
    RequantizeBlock16 block{};
    constexpr bool once = std::same_as<R, single_rounding>;
    for (std::ptrdiff_t c = 0; c < 16; ++c) {
      const Multiplier m = multipliers[c];
      const int right = once ? -m.shift : std::max(-m.shift, 0);
      const int h = 31 + right;
      const bool two_steps = !once && right > 0;
      block.left[c] = once ? 0 : std::max(m.shift, 0);
      block.value[c] = m.value;
      block.rounding[c & 1][c >> 1] = (std::int64_t{1} << (h - 1)) + (two_steps ? std::int64_t{1} << 30 : 0);
      block.shift[c & 1][c >> 1] = (c & 1) != 0 && is_short ? h - 32 : h;
    }
    return block;
  }
};

/// A block's constants in registers.
/// @tparam Away double_rounding where negative outputs are kept  @tparam Short every h >= 32
template <bool Away, bool Short>
class Requantize16 {
 public:
  explicit Requantize16(const RequantizeBlock16& b) noexcept
      : value_(_mm512_load_si512(b.value)),
        even_rounding_(_mm512_load_si512(b.rounding[0])),
        odd_rounding_(_mm512_load_si512(b.rounding[1])),
        even_shift_(_mm512_load_si512(b.shift[0])),
        odd_shift_(_mm512_load_si512(b.shift[1])) {
    if constexpr (!Short) {
      left_ = _mm512_load_si512(b.left);
    }
  }

  /// 16 sums to 16 outputs without zero point and clamp.
  KINGLET_ALWAYS_INLINE __m512i operator()(__m512i x) const noexcept {
    if constexpr (!Short) {
      x = _mm512_sllv_epi32(x, left_);
    }
    const __m512i even = finish(_mm512_mul_epi32(x, value_), even_rounding_, even_shift_);
    const __m512i odd_x = _mm512_srli_epi64(x, 32);
    const __m512i odd_value = _mm512_srli_epi64(value_, 32);
    __m512i odd = finish(_mm512_mul_epi32(odd_x, odd_value), odd_rounding_, odd_shift_);
    if constexpr (!Short) {
      odd = _mm512_slli_epi64(odd, 32);
    }
    return _mm512_mask_blend_epi32(0xAAAA, even, odd);
  }

 private:
  KINGLET_ALWAYS_INLINE static __m512i finish(__m512i p, __m512i rounding, __m512i shift) noexcept {
    __m512i sum = _mm512_add_epi64(p, rounding);
    if constexpr (Away) {
      // C is 2^30 alone where r = 0: then there is no second step whose ties could go away from zero.
      const __m512i bound = _mm512_set1_epi64(-(std::int64_t{1} << 30));
      __mmask8 below = _mm512_cmplt_epi64_mask(p, bound);
      if constexpr (!Short) {
        below &= _mm512_cmpgt_epi64_mask(rounding, _mm512_set1_epi64(std::int64_t{1} << 30));
      }
      sum = _mm512_mask_sub_epi64(sum, below, sum, _mm512_set1_epi64(std::int64_t{1} << 31));
    }
    return _mm512_srav_epi64(sum, shift);
  }
  __m512i value_;
  __m512i even_rounding_;
  __m512i odd_rounding_;
  __m512i even_shift_;
  __m512i odd_shift_;
  __m512i left_{};
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
