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

/// The factors of 16 channels, in registers where there is room for them.
struct FloatFactors16 {
  __m512 high;
  __m512 low;

  FloatFactors16() = default;
  KINGLET_ALWAYS_INLINE explicit FloatFactors16(const FloatBlock16& block) noexcept
      : high(_mm512_load_ps(block.high)), low(_mm512_load_ps(block.low)) {}
};

/// 16 sums plus x0 to 16 outputs with the zero point, without the clamp.
/// @tparam Away FloatBlock::is_away  @param factors the block's
template <bool Away>
KINGLET_ALWAYS_INLINE __m512i requantize(__m512i sums, const FloatBlock16& block,
                                         const FloatFactors16& factors) noexcept {
  constexpr int down = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  const __m512 x = _mm512_cvtepi32_ps(sums);
  __m512 offset = _mm512_load_ps(block.offset);
  if constexpr (Away) {
    const __mmask16 below = _mm512_cmplt_epi32_mask(sums, _mm512_load_si512(block.limit));
    offset = _mm512_mask_load_ps(offset, below, block.offset_below);
  }
  const __m512 rest = _mm512_fmadd_ps(x, factors.low, offset);
  return _mm512_cvt_roundps_epi32(_mm512_fmadd_round_ps(x, factors.high, rest, down), down);
}

/// A block's constants, as kernels take them that are written for several widths.
template <bool Away>
class RequantizeFloat16 {
 public:
  explicit RequantizeFloat16(const FloatBlock16& b) noexcept : block_(&b), factors_(b) {}
  KINGLET_ALWAYS_INLINE __m512i operator()(__m512i sums) const noexcept {
    return requantize<Away>(sums, *block_, factors_);
  }

 private:
  const FloatBlock16* block_;
  FloatFactors16 factors_;
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
