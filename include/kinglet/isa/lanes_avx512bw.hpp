// SPDX-License-Identifier: Apache-2.0
/// @file isa/lanes_avx512bw.hpp
/// 16 lanes of 32 bits; members as in isa/lanes_avx2.hpp.
#pragma once

#include <kinglet/isa/lanes_avx2.hpp>
#include <kinglet/isa/requantize_float_avx512.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <string_view>

namespace kinglet::inline KINGLET_TARGET::isa {

struct Lanes16 {
  static constexpr std::string_view name = "avx512bw";
  using Register = __m512i;
  using Half = Lanes8;
  static constexpr std::int32_t count = 16;
  static constexpr std::int32_t sums = 24;  ///< of 32 registers
  static constexpr bool crosses = false;
  using Constants = RequantizeBlock16;
  template <bool Away, bool Short>
  using Requantize = Requantize16<Away, Short>;
  using Floats = FloatBlock16;
  template <FloatWay Way>
  using RequantizeFloat = RequantizeFloat16<Way>;
  using Rounding = AnyRounding;

  KINGLET_ALWAYS_INLINE static Register load(const void* from) noexcept { return _mm512_load_si512(from); }
  KINGLET_ALWAYS_INLINE static void store(void* to, Register x) noexcept { _mm512_store_si512(to, x); }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_wide(const T* from) noexcept {
    if constexpr (sizeof(T) == 2) {
      return _mm512_loadu_si512(from);
    } else {
      const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      return std::is_signed_v<T> ? _mm512_cvtepi8_epi16(x) : _mm512_cvtepu8_epi16(x);
    }
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_pairs(const T* a, const T* b) noexcept {
    if constexpr (sizeof(T) == 2) {
      const __m512i first = load_single(a);
      const __m512i second = _mm512_slli_epi32(load_single(b), 16);
      return _mm512_mask_blend_epi16(0xAAAAAAAA, first, second);
    } else {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
      const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
      const __m256i both = _mm256_set_m128i(_mm_unpackhi_epi8(x, y), _mm_unpacklo_epi8(x, y));
      return std::is_signed_v<T> ? _mm512_cvtepi8_epi16(both) : _mm512_cvtepu8_epi16(both);
    }
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_single(const T* a) noexcept {
    if constexpr (sizeof(T) == 2) {
      return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)));
    } else {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
      return std::is_signed_v<T> ? _mm512_cvtepi8_epi32(x) : _mm512_cvtepu8_epi32(x);
    }
  }
  KINGLET_ALWAYS_INLINE static Register set32(std::int32_t x) noexcept { return _mm512_set1_epi32(x); }
  KINGLET_ALWAYS_INLINE static Register set16(std::int32_t x) noexcept {
    return _mm512_set1_epi16(static_cast<short>(x));
  }
  KINGLET_ALWAYS_INLINE static Register add32(Register a, Register b) noexcept {
    return _mm512_add_epi32(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register and32(Register a, Register b) noexcept {
    return _mm512_and_si512(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register add_saturating16(Register a, Register b) noexcept {
    return _mm512_adds_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register subtract16(Register a, Register b) noexcept {
    return _mm512_sub_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register multiply_add(Register sum, Register a, Register b) noexcept {
#if defined(__AVX512VNNI__)
    return _mm512_dpwssd_epi32(sum, a, b);
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
#endif
  }
  KINGLET_ALWAYS_INLINE static Register pack32(Register a, Register b) noexcept {
    return _mm512_packs_epi32(a, b);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register narrow8(Register a, Register b, T min, T max) noexcept {
    const Register order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, pack16(a, b, min, max));
  }
  KINGLET_ALWAYS_INLINE static Register narrow16(Register a, std::int16_t min, std::int16_t max) noexcept {
    return even_first64(_mm512_min_epi16(_mm512_max_epi16(a, set16(min)), set16(max)));
  }
  KINGLET_ALWAYS_INLINE static Register interleave_low16(Register a, Register b) noexcept {
    return _mm512_unpacklo_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register interleave_high16(Register a, Register b) noexcept {
    return _mm512_unpackhi_epi16(a, b);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register join8(Register a, Register b, T min, T max) noexcept {
    return even_first64(pack16(a, b, min, max));
  }
  template <int Bits>
  KINGLET_ALWAYS_INLINE static Register shift_left16(Register x) noexcept {
    return _mm512_slli_epi16(x, Bits);
  }
  KINGLET_ALWAYS_INLINE static Register shift_right32(Register x, int bits) noexcept {
    return _mm512_sra_epi32(x, _mm_cvtsi32_si128(bits));
  }
  template <int Parts>
  KINGLET_ALWAYS_INLINE static void store_parts(std::byte* to, std::ptrdiff_t step, Register x) noexcept {
    if constexpr (Parts == 1) {
      _mm512_storeu_si512(to, x);
    } else if constexpr (Parts == 2) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(x));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + step), _mm512_extracti64x4_epi64(x, 1));
    } else {
      static_assert(Parts == 4);
      const auto store_part = [&](std::ptrdiff_t i, __m128i part) KINGLET_INLINE_LAMBDA {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * step), part);
      };
      store_part(0, _mm512_castsi512_si128(x));
      store_part(1, _mm512_extracti32x4_epi32(x, 1));
      store_part(2, _mm512_extracti32x4_epi32(x, 2));
      store_part(3, _mm512_extracti32x4_epi32(x, 3));
    }
  }

 private:
  /// Numbers of 16 bits as bytes, clamped; parts of 64 bits alternate.
  template <class T>
  KINGLET_ALWAYS_INLINE static Register pack16(Register a, Register b, T min, T max) noexcept {
    const Register least = _mm512_set1_epi8(static_cast<char>(min));
    const Register most = _mm512_set1_epi8(static_cast<char>(max));
    return std::is_signed_v<T> ? _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(a, b), least), most)
                               : _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(a, b), least), most);
  }
  /// Even parts of 64 bits, then odd ones.
  KINGLET_ALWAYS_INLINE static Register even_first64(Register x) noexcept {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), x);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
