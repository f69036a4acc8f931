// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_words_avx512.hpp
/// The output stage of 16-bit activations for 16 channels at a time, equal to quant/requantize.hpp bit for bit wherever
/// `holds` says so.
///
/// Their multipliers have 15 bits, q16, and round once: y = (x q16 + 2^(14-s)) >> (15-s). With m = q16 2^(17+s), which is
/// whole from s = -17 on and below 2^31 up to s = -1, this is y = (x m + 2^31) >> 32: whatever the channel, y is the upper
/// half of a sum in 64 bits.
#pragma once

#include <kinglet/isa/intrinsics_x86.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/quant/requantize.hpp>

namespace kinglet::inline KINGLET_TARGET::isa {

/// The constants of 16 channels. Plain data: it is made once, when weights are packed.
struct alignas(64) WordBlock16 {
  std::int32_t even[16];  ///< m
  std::int32_t odd[16];   ///< m of channel c + 1 at c

  static constexpr bool holds(Multiplier m) noexcept {
    return m.value == 0 || (m.shift >= -17 && m.shift <= -1);
  }
  static constexpr WordBlock16 make(const Multiplier* multipliers) noexcept {
    WordBlock16 block{};
    for (std::size_t c = 0; c < 16; ++c) {
      const Multiplier m = multipliers[c];
      block.even[c] = m.value == 0 ? 0 : upper_15_bits(m.value) << (17 + m.shift);
      block.odd[c & ~std::size_t{1}] = block.even[c];
    }
    return block;
  }
};

/// 16 sums to 16 outputs, without the clamp; |y| is at most 2^30.
KINGLET_ALWAYS_INLINE __m512i requantize_words(__m512i sums, const WordBlock16& block) noexcept {
  const __m512i half = _mm512_set1_epi64(std::int64_t{1} << 31);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sums, _mm512_load_si512(block.even)), half);
  const __m512i odd =
      _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sums, 32), _mm512_load_si512(block.odd)), half);
  return _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
