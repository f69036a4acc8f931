// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_float_avx512.hpp
/// The output stage of isa/requantize_float.hpp for 16 channels: AVX-512's instructions name their rounding.
#pragma once

#include <kinglet/isa/requantize_avx512.hpp>
#include <kinglet/isa/requantize_float.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::isa {

struct Unsigned16 {
  static constexpr std::size_t count = 16;
  static __m512i load(const void* from) noexcept { return _mm512_loadu_si512(from); }
  static void store(void* to, __m512i x) noexcept { _mm512_storeu_si512(to, x); }
  static __m512i all(std::uint32_t x) noexcept { return _mm512_set1_epi32(static_cast<int>(x)); }
  static __m512i min(__m512i a, __m512i b) noexcept { return _mm512_min_epu32(a, b); }
  static __m512i max(__m512i a, __m512i b) noexcept { return _mm512_max_epu32(a, b); }
  static __m512i add(__m512i a, __m512i b) noexcept { return _mm512_add_epi32(a, b); }
  static __m512i subtract(__m512i a, __m512i b) noexcept { return _mm512_sub_epi32(a, b); }
};

using FloatBlock16 = FloatBlock<Unsigned16>;

/// To be called for a sum between the loop that makes it and what is done with it. To gcc a register of 32-bit numbers and
/// the same as 64-bit ones are two things; it would have the loop keep both.
/// Also for what is loaded once and used often: it will not be loaded again.
KINGLET_ALWAYS_INLINE void settle(auto& vector) noexcept {
#if defined(__GNUC__) && !defined(__clang__)
  asm("" : "+v"(vector));
#else
  static_cast<void>(vector);
#endif
}

/// 16 sums plus x0 to 16 outputs with the zero point, without the clamp. @param high the block's, in a
/// register where there is room
template <FloatWay Way>
KINGLET_ALWAYS_INLINE __m512i requantize(__m512i sums, const FloatBlock16& block, __m512 high) noexcept {
  constexpr int down = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  const __m512 x = _mm512_cvtepi32_ps(sums);
  __m512 offset = _mm512_load_ps(block.offset);
  if constexpr (Way != FloatWay::one_product) {
    const __mmask16 below = _mm512_cmplt_epi32_mask(sums, _mm512_load_si512(block.limit));
    offset = _mm512_mask_load_ps(offset, below, block.offset_below);
  }
  if constexpr (Way == FloatWay::two_products) {
    offset = _mm512_fmadd_ps(x, _mm512_load_ps(block.low), offset);
  }
  return _mm512_cvt_roundps_epi32(_mm512_fmadd_round_ps(x, high, offset, down), down);
}

/// A block's constants, as kernels take them that are written for several widths.
template <FloatWay Way>
class RequantizeFloat16 {
 public:
  explicit RequantizeFloat16(const FloatBlock16& b) noexcept : block_(&b), high_(_mm512_load_ps(b.high)) {}
  KINGLET_ALWAYS_INLINE __m512i operator()(__m512i sums) const noexcept {
    return requantize<Way>(sums, *block_, high_);
  }

 private:
  const FloatBlock16* block_;
  __m512 high_;
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
