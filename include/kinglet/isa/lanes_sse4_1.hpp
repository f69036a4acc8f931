// SPDX-License-Identifier: Apache-2.0
/// @file isa/lanes_sse4_1.hpp
/// 4 lanes of 32 bits; members as in isa/lanes_avx2.hpp.
#pragma once

#include <kinglet/isa/requantize_sse4_1.hpp>

#if defined(__SSE4_1__)

#include <cstring>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::isa {

/// Nothing that depends on the processor's rounding is done, or instructions name theirs.
struct AnyRounding {
  explicit AnyRounding(bool /*needed*/) noexcept {}
};

struct Lanes4 {
  static constexpr std::string_view name = "sse4_1";
  using Register = __m128i;
  using Half = void;
  static constexpr std::int32_t count = 4;
  static constexpr std::int32_t sums = 8;  ///< of 16 registers: instructions overwrite an operand
  static constexpr bool crosses = false;
  using Constants = RequantizeBlock4;
  template <bool Away, bool Short>
  using Requantize = Requantize4<Away, Short>;
  using Floats = void;  // products and sums in single precision are rounded one by one
  using Rounding = AnyRounding;

  KINGLET_ALWAYS_INLINE static Register load(const void* from) noexcept {
    return _mm_load_si128(static_cast<const Register*>(from));
  }
  KINGLET_ALWAYS_INLINE static void store(void* to, Register x) noexcept {
    _mm_store_si128(static_cast<Register*>(to), x);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_wide(const T* from) noexcept {
    if constexpr (sizeof(T) == 2) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    } else {
      const __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
      return std::is_signed_v<T> ? _mm_cvtepi8_epi16(x) : _mm_cvtepu8_epi16(x);
    }
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_pairs(const T* a, const T* b) noexcept {
    if constexpr (sizeof(T) == 2) {
      return _mm_unpacklo_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)),
                                _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b)));
    } else {
      const __m128i both = _mm_unpacklo_epi8(load_four(a), load_four(b));
      return std::is_signed_v<T> ? _mm_cvtepi8_epi16(both) : _mm_cvtepu8_epi16(both);
    }
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register load_single(const T* a) noexcept {
    if constexpr (sizeof(T) == 2) {
      return _mm_cvtepi16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a)));
    } else {
      return std::is_signed_v<T> ? _mm_cvtepi8_epi32(load_four(a)) : _mm_cvtepu8_epi32(load_four(a));
    }
  }
  KINGLET_ALWAYS_INLINE static Register set32(std::int32_t x) noexcept { return _mm_set1_epi32(x); }
  KINGLET_ALWAYS_INLINE static Register set16(std::int32_t x) noexcept {
    return _mm_set1_epi16(static_cast<short>(x));
  }
  KINGLET_ALWAYS_INLINE static Register add32(Register a, Register b) noexcept { return _mm_add_epi32(a, b); }
  KINGLET_ALWAYS_INLINE static Register and32(Register a, Register b) noexcept { return _mm_and_si128(a, b); }
  KINGLET_ALWAYS_INLINE static Register add_saturating16(Register a, Register b) noexcept {
    return _mm_adds_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register subtract16(Register a, Register b) noexcept {
    return _mm_sub_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register multiply_add(Register sum, Register a, Register b) noexcept {
    return _mm_add_epi32(sum, _mm_madd_epi16(a, b));
  }
  KINGLET_ALWAYS_INLINE static Register pack32(Register a, Register b) noexcept {
    return _mm_packs_epi32(a, b);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register narrow8(Register a, Register b, T min, T max) noexcept {
    return pack16(a, b, min, max);
  }
  KINGLET_ALWAYS_INLINE static Register narrow16(Register a, std::int16_t min, std::int16_t max) noexcept {
    return even_first64(_mm_min_epi16(_mm_max_epi16(a, set16(min)), set16(max)));
  }
  KINGLET_ALWAYS_INLINE static Register interleave_low16(Register a, Register b) noexcept {
    return _mm_unpacklo_epi16(a, b);
  }
  KINGLET_ALWAYS_INLINE static Register interleave_high16(Register a, Register b) noexcept {
    return _mm_unpackhi_epi16(a, b);
  }
  template <class T>
  KINGLET_ALWAYS_INLINE static Register join8(Register a, Register b, T min, T max) noexcept {
    return even_first64(pack16(a, b, min, max));
  }
  template <int Bits>
  KINGLET_ALWAYS_INLINE static Register shift_left16(Register x) noexcept {
    return _mm_slli_epi16(x, Bits);
  }
  KINGLET_ALWAYS_INLINE static Register shift_right32(Register x, int bits) noexcept {
    return _mm_sra_epi32(x, _mm_cvtsi32_si128(bits));
  }
  template <int Parts>
  KINGLET_ALWAYS_INLINE static void store_parts(std::byte* to, std::ptrdiff_t step, Register x) noexcept {
    if constexpr (Parts == 1) {
      _mm_storeu_si128(reinterpret_cast<Register*>(to), x);
    } else if constexpr (Parts == 2) {
      _mm_storel_epi64(reinterpret_cast<Register*>(to), x);
      _mm_storel_epi64(reinterpret_cast<Register*>(to + step), _mm_unpackhi_epi64(x, x));
    } else {
      static_assert(Parts == 4);
      const std::int32_t parts[] = {_mm_cvtsi128_si32(x), _mm_extract_epi32(x, 1), _mm_extract_epi32(x, 2),
                                    _mm_extract_epi32(x, 3)};
      for (const std::int32_t part : parts) {
        std::memcpy(to, &part, sizeof part);
        to += step;
      }
    }
  }

 private:
  /// Numbers of 16 bits as bytes, clamped; parts of 64 bits alternate.
  template <class T>
  KINGLET_ALWAYS_INLINE static Register pack16(Register a, Register b, T min, T max) noexcept {
    const Register least = _mm_set1_epi8(static_cast<char>(min));
    const Register most = _mm_set1_epi8(static_cast<char>(max));
    return std::is_signed_v<T> ? _mm_min_epi8(_mm_max_epi8(_mm_packs_epi16(a, b), least), most)
                               : _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(a, b), least), most);
  }
  /// Even parts of 64 bits, then odd ones.
  KINGLET_ALWAYS_INLINE static Register even_first64(Register x) noexcept { return x; }
  template <class T>
  KINGLET_ALWAYS_INLINE static __m128i load_four(const T* from) noexcept {
    std::int32_t bytes;
    std::memcpy(&bytes, from, sizeof bytes);
    return _mm_cvtsi32_si128(bytes);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
