// SPDX-License-Identifier: Apache-2.0
/// @file isa/lanes_avx2.hpp
/// 8 lanes of 32 bits, as kernels see them that are written once for several widths:
/// | member                        | what                                                                       |
/// |-------------------------------|----------------------------------------------------------------------------|
/// | name                          | the target's                                                               |
/// | Register, count               | the vector, and its 32-bit lanes                                           |
/// | sums                          | vectors of sums that stay in registers beside all other operands of a tile |
/// | Constants, Requantize         | the output stage: isa/requantize_avx2.hpp                                  |
/// | Floats, RequantizeFloat       | that in single precision, or void: isa/requantize_float_avx2.hpp           |
/// | Rounding(bool)                | lives while RequantizeFloat is used, or is given false                     |
/// | load, store                   | aligned vectors                                                            |
/// | load_wide(const T*)           | 2 x count elements, 16 bits wide, from any address                         |
/// | load_pairs(const T*, const T*) | `count` elements of each, 16 bits wide, a lane's two together            |
/// | load_single(const T*)         | `count` elements, 32 bits wide                                             |
/// | Half                          | the lanes for fewer channels than `count`, or void                         |
/// | set32, set16                  | one number in all lanes                                                    |
/// | crosses                       | whether kernels/pointwise/crossed.hpp pays; it alone uses the next five    |
/// | swap_middles16, swap32        | (a b c d) to (a c b d) and (a b) to (b a), everywhere                      |
/// | low_halves, high_halves(a, b) | lanes of a's and b's 16 bits                                               |
/// | add16, subtract32             | lane by lane, modulo                                                       |
/// | add32, subtract16, and32      | lane by lane, modulo; add_saturating16: saturated                          |
/// | multiply_add(sum, a, b)       | sum + the two products of 16 bits in each lane                             |
/// | multiply_add_bytes(sum, u, w) | sum + the four products of unsigned and signed bytes in each lane          |
/// | flip_signs(x)                 | bytes plus 128                                                             |
/// | pack32(a, b)                  | two vectors of 32 bits, saturated to 16, in an order of its own            |
/// | interleave_low16, _high16     | numbers of 16 bits of two vectors, alternately, in the order that pack32 undoes |
/// | join8                         | results of pack32 of interleaved numbers as bytes, clamped, a's, then b's  |
/// | narrow8, narrow16             | other results of pack32 as elements, clamped, in order                     |
/// | shift_left16, shift_right32   | by so many bits; the latter arithmetic                                     |
/// | store_parts<N>(to, step, x)   | the N parts of a vector to N places                                        |
#pragma once

#include <kinglet/isa/lanes_sse4_1.hpp>
#include <kinglet/isa/requantize_avx2.hpp>
#include <kinglet/isa/requantize_float_avx2.hpp>

#if defined(__AVX2__)

#include <string_view>

namespace kinglet::inline KINGLET_TARGET::isa {

struct Lanes8 {
  static constexpr std::string_view name = "avx2";
  using Register = __m256i;
  using Half = Lanes4;
  static constexpr std::int32_t count = 8;
  static constexpr std::int32_t sums = 12;  ///< of 16 registers
#if defined(__AVXVNNI__) || defined(__AVX512VNNI__)
  static constexpr bool crosses = false;
#else
  static constexpr bool crosses = true;
#endif
  using Constants = RequantizeBlock8;
  template <bool Away, bool Short>
  using Requantize = Requantize8<Away, Short>;
#if defined(__FMA__) && !defined(__FAST_MATH__)
  using Floats = FloatBlock8;
  template <FloatWay Way>
  using RequantizeFloat = RequantizeFloat8<Way>;
  using Rounding = RoundingDown;
#else
  using Floats = void;
  using Rounding = AnyRounding;
#endif

  KINGLET_ALWAYS_INLINE static Register load(const void* from) noexcept {
    return _mm256_load_si256(static_cast<const Register*>(from));
  }
  KINGLET_ALWAYS_INLINE static void store(void* to, Register x) noexcept {
    _mm256_store_si256(static_cast<Register*>(to), x);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_wide(const T* from) noexcept {
    if constexpr (sizeof(T) == 2) {
      return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    } else {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      return std::is_signed_v<T> ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x);
    }
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_pairs(const T* a, const T* b) noexcept {
    if constexpr (sizeof(T) == 2) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
      const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
      return _mm256_set_m128i(_mm_unpackhi_epi16(x, y), _mm_unpacklo_epi16(x, y));
    } else {
      const __m128i both = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)),
                                             _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b)));
      return std::is_signed_v<T> ? _mm256_cvtepi8_epi16(both) : _mm256_cvtepu8_epi16(both);
    }
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_single(const T* a) noexcept {
    if constexpr (sizeof(T) == 2) {
      return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a)));
    } else {
      const __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(a));
      return std::is_signed_v<T> ? _mm256_cvtepi8_epi32(x) : _mm256_cvtepu8_epi32(x);
    }
  }
  KINGLET_ALWAYS_INLINE static Register set32(std::int32_t x) noexcept {
    return _mm256_set1_epi32(x);
  }
  KINGLET_ALWAYS_INLINE static Register set16(std::int32_t x) noexcept {
    return _mm256_set1_epi16(static_cast<short>(x));
  }
  KINGLET_ALWAYS_INLINE static Register add32(Register a, Register b) noexcept {
    return _mm256_add_epi32(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register subtract32(Register a, Register b) noexcept {
    return _mm256_sub_epi32(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register add16(Register a, Register b) noexcept {
    return _mm256_add_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register swap_middles16(Register x) noexcept {
    return _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(x, 0b11'01'10'00), 0b11'01'10'00);
  }
  KINGLET_ALWAYS_INLINE static Register swap32(Register x) noexcept {
    return _mm256_shuffle_epi32(x, 0b10'11'00'01);
  }
  KINGLET_ALWAYS_INLINE static Register low_halves(Register a, Register b) noexcept {
    return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xAA);
  }
  KINGLET_ALWAYS_INLINE static Register high_halves(Register a, Register b) noexcept {
    return _mm256_blend_epi16(_mm256_srli_epi32(a, 16), b, 0xAA);
  }
  KINGLET_ALWAYS_INLINE static Register and32(Register a, Register b) noexcept {
    return _mm256_and_si256(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register add_saturating16(Register a, Register b) noexcept {
    return _mm256_adds_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register subtract16(Register a, Register b) noexcept {
    return _mm256_sub_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register multiply_add(Register sum, Register a, Register b) noexcept {
#if defined(__AVXVNNI__)
    return _mm256_dpwssd_avx_epi32(sum, a, b);
#elif defined(__AVX512VNNI__) && defined(__AVX512VL__)
    return _mm256_dpwssd_epi32(sum, a, b);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
#endif
  }

  /// Two vectors of 32 bits, saturated to 16, in the order that `narrow` undoes.
  KINGLET_ALWAYS_INLINE static Register pack32(Register a, Register b) noexcept {
    return _mm256_packs_epi32(a, b);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register narrow8(Register a, Register b, T min, T max) noexcept {
    return _mm256_permutevar8x32_epi32(pack16(a, b, min, max), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  KINGLET_ALWAYS_INLINE static Register narrow16(Register a, std::int16_t min, std::int16_t max) noexcept {
    return even_first64(_mm256_min_epi16(_mm256_max_epi16(a, set16(min)), set16(max)));
  }
  KINGLET_ALWAYS_INLINE static Register interleave_low16(Register a, Register b) noexcept {
    return _mm256_unpacklo_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register interleave_high16(Register a, Register b) noexcept {
    return _mm256_unpackhi_epi16(a, b);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register join8(Register a, Register b, T min, T max) noexcept {
    return even_first64(pack16(a, b, min, max));
  }
  template <int Bits>
  KINGLET_ALWAYS_INLINE static Register shift_left16(Register x) noexcept {
    return _mm256_slli_epi16(x, Bits);
  }
  KINGLET_ALWAYS_INLINE static Register shift_right32(Register x, int bits) noexcept {
    return _mm256_sra_epi32(x, _mm_cvtsi32_si128(bits));
  }
  /// Part i of `Parts` equal ones to `to + i * step` bytes.
  template <int Parts>
  KINGLET_ALWAYS_INLINE static void store_parts(std::byte* to, std::ptrdiff_t step, Register x) noexcept {
    const __m128i halves[] = {_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)};
    if constexpr (Parts == 1) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x);
    } else if constexpr (Parts == 2) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), halves[0]);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + step), halves[1]);
    } else {
      static_assert(Parts == 4);
      for (const __m128i half : halves) {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to), half);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to + step), _mm_unpackhi_epi64(half, half));
        to += 2 * step;
      }
    }
  }

 private:
  /// Numbers of 16 bits as bytes, clamped; parts of 64 bits alternate.
  template <class T>
  KINGLET_ALWAYS_INLINE static Register pack16(Register a, Register b, T min, T max) noexcept {
    const Register least = _mm256_set1_epi8(static_cast<char>(min));
    const Register most = _mm256_set1_epi8(static_cast<char>(max));
    return std::is_signed_v<T> ? _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(a, b), least), most)
                               : _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(a, b), least), most);
  }
  /// Even parts of 64 bits, then odd ones.
  KINGLET_ALWAYS_INLINE static Register even_first64(Register x) noexcept {
    return _mm256_permute4x64_epi64(x, 0b11'01'10'00);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
