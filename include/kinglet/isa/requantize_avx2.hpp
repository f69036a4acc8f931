// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_avx2.hpp
/// The output stage for 8 channels at a time on AVX2, equal to quant/requantize.hpp bit for bit.
///
/// With x' = x << left, p = x' * q in 64 bits:  y = (p + C - N) >> h, where
/// | policy                 | left      | C                            | h      | N                       |
/// |------------------------|-----------|------------------------------|--------|-------------------------|
/// | double_rounding        | max(s, 0) | 2^30 + 2^(30+r), r = 0: 2^30 | 31 + r | x < 0, r > 0: 2^31      |
/// | double_rounding_upward | max(s, 0) | 2^30 + 2^(30+r), r = 0: 2^30 | 31 + r | 0                       |
/// | single_rounding        | 0         | 2^(30-s)                     | 31 - s | 0                       |
/// and r = max(-s, 0). N belongs where the first step's result is negative, p < -2^30; for p in [-2^30, 0) the second
/// step makes 0 of it with and without N, so that the sign of x decides.
///
/// The short way, every h >= 32: y = ((p + C - N) / 2^32) >> (h - 32), the floor of a floor. The upper halves of even
/// and odd channels are blended first, and one shift of 32-bit lanes serves both.
/// The longer way: AVX2 has no arithmetic shift of 64 bits, but p + C - N + 2^62 is not negative, so
/// y = ((p + C - N + 2^62) >> h) - 2^(62-h), modulo 2^32.
/// Where the output is clamped at the zero point or above, double_rounding is computed as double_rounding_upward.
#pragma once

#include <kinglet/isa/intrinsics_x86.hpp>

#if defined(__AVX2__)

#include <kinglet/quant/requantize.hpp>

namespace kinglet::inline KINGLET_TARGET::isa {

/// The constants of 8 channels. Plain data: it is made once, when weights are packed.
struct alignas(32) RequantizeBlock8 {
  std::int32_t left[8];
  std::int32_t value[8];
  std::int32_t shift[8];        ///< h, less 32 on the short way
  std::int64_t rounding[2][4];  ///< C of even and of odd channels, plus 2^62 on the longer way

  /// @param multipliers of the 8 lanes  @param is_short every h of the layer is at least 32
  template <Rounding R>
  static constexpr RequantizeBlock8 make(const Multiplier* multipliers, bool is_short) noexcept {
    RequantizeBlock8 block{};
    constexpr bool once = std::same_as<R, single_rounding>;
    for (std::ptrdiff_t c = 0; c < 8; ++c) {
      const Multiplier m = multipliers[c];
      const int right = once ? -m.shift : std::max(-m.shift, 0);
      const int h = 31 + right;
      const bool two_steps = !once && right > 0;
      // Unsigned: 2^62 + C may reach 2^63.
      const std::uint64_t rounding = (std::uint64_t{1} << (h - 1)) +
                                     (two_steps ? std::uint64_t{1} << 30 : 0) +
                                     (is_short ? 0 : std::uint64_t{1} << 62);
      block.left[c] = once ? 0 : std::max(m.shift, 0);
      block.value[c] = m.value;
      block.shift[c] = is_short ? h - 32 : h;
      block.rounding[c & 1][c >> 1] = static_cast<std::int64_t>(rounding);
    }
    return block;
  }
};

/// A block's constants in registers.
/// @tparam Away double_rounding where negative outputs are kept  @tparam Short every h >= 32
template <bool Away, bool Short>
class Requantize8 {
 public:
  explicit Requantize8(const RequantizeBlock8& b) noexcept
      : value_(load(b.value)),
        odd_value_(_mm256_srli_epi64(load(b.value), 32)),
        shift_(load(b.shift)),
        even_rounding_(load(b.rounding[0])),
        odd_rounding_(load(b.rounding[1])) {
    if constexpr (!Short) {
      left_ = load(b.left);
      offset_ = _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_sub_epi32(_mm256_set1_epi32(62), shift_));
      const __m256i two_steps = _mm256_cmpgt_epi32(shift_, _mm256_set1_epi32(31));
      nudge_ = _mm256_slli_epi32(two_steps, 31);
    }
  }

  /// 8 sums to 8 outputs without zero point and clamp.
  KINGLET_ALWAYS_INLINE __m256i operator()(__m256i x) const noexcept {
    if constexpr (!Short) {
      x = _mm256_sllv_epi32(x, left_);
    }
    const __m256i odd_x = _mm256_srli_epi64(x, 32);
    __m256i even = _mm256_add_epi64(multiply(x, value_), even_rounding_);
    __m256i odd = _mm256_add_epi64(multiply(odd_x, odd_value_), odd_rounding_);
    if constexpr (Away) {
      const __m256i low_sign = _mm256_set1_epi64x(std::int64_t{1} << 31);
      even =
          _mm256_sub_epi64(even, _mm256_and_si256(x, Short ? low_sign : _mm256_and_si256(nudge_, low_sign)));
      odd = _mm256_sub_epi64(odd, _mm256_and_si256(odd_x, Short ? low_sign : _mm256_srli_epi64(nudge_, 32)));
    }
    if constexpr (Short) {
      return _mm256_srav_epi32(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA), shift_);
    } else {
      const __m256i low_half = _mm256_set1_epi64x(0xFFFFFFFF);
      even = _mm256_srlv_epi64(even, _mm256_and_si256(shift_, low_half));
      odd = _mm256_slli_epi64(_mm256_srlv_epi64(odd, _mm256_srli_epi64(shift_, 32)), 32);
      return _mm256_sub_epi32(_mm256_blend_epi32(even, odd, 0xAA), offset_);
    }
  }

 private:
  /// vpmuldq. To clang 14 the intrinsic is a multiplication of 64 bits behind two extensions; it moves the constant's
  /// one out of loops, after which it takes six instructions for the product.
  KINGLET_ALWAYS_INLINE static __m256i multiply(__m256i a, __m256i b) noexcept {
#if defined(__clang__)
    __m256i product;
    asm("vpmuldq %2, %1, %0" : "=x"(product) : "x"(a), "x"(b));
    return product;
#else
    return _mm256_mul_epi32(a, b);
#endif
  }
  static __m256i load(const void* from) noexcept {
    return _mm256_load_si256(static_cast<const __m256i*>(from));
  }
  __m256i value_;
  __m256i odd_value_;
  __m256i shift_;
  __m256i even_rounding_;
  __m256i odd_rounding_;
  __m256i left_{};
  __m256i offset_{};
  __m256i nudge_{};
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
