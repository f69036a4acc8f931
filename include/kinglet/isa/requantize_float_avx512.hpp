// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_float_avx512.hpp
/// The output stage for 16 channels at a time in single precision, equal to quant/requantize.hpp bit for bit wherever
/// `make` says so: 4 operations, zero point included, where integers take 8 and more.
///
/// Every policy is y = floor((x q + C) / 2^h), h = 31 - s, with C as in isa/requantize_avx512.hpp (double_rounding only
/// where outputs below the zero point are clamped). With C + zero_point 2^h = x0 q + rest, 0 <= rest < q, and X = x + x0,
///   y + zero_point = floor((X q + rest) / 2^h) = floor(X high + (X low + offset)),
/// where high 2^h is q without its lowest 7 bits, low 2^h those bits, and offset 2^h is a little more than rest. x0 is
/// added to the bias when weights are packed. The inner sum is rounded in any way, the outer one down.
///
/// Why it is exact. Take |X| <= 2^24, so that X is a float, and count in units of 2^-h. offset is a multiple of 2^8 and at
/// least rest + 2^8, but less than rest + 2^9. |X low + offset| < 2^32, and rounding it moves it by less than 2^8. So what
/// is rounded down last is between the exact value and 768 units more, and rounding down to a float passes no integer:
/// both have the same floor, unless X q + rest is less than 768 units below a multiple k 2^h. For k in (min, max], outside
/// of which outputs are clamped, the X before k is reached leaves 1 + (k 2^h - rest - 1) mod q units: `make` looks at all
/// of them, 255 at most, and accepts the block if none is that close. Beyond 2^24, where X is rounded as well, every step
/// is monotonic and q / 2^h >= 2^-16 has made y 256 or more already.
#pragma once

#include <kinglet/isa/requantize_avx512.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::isa {

/// The constants of 16 channels. Plain data: it is made once, when weights are packed.
struct alignas(64) FloatBlock16 {
  float high[16];
  float low[16];
  float offset[16];

  static constexpr int most_right = 15;  ///< -shift of a multiplier, at most

  /// @param multipliers of the 16 lanes  @param zero_offsets x0 of each lane  @returns whether the block is exact for
  /// every sum for which x + x0 does not leave 32 bits
  template <Rounding R>
  static constexpr bool make(FloatBlock16& block, const Multiplier* multipliers, const OutputStage& stage,
                             std::int32_t* zero_offsets) noexcept {
    if (std::same_as<R, double_rounding> && stage.min < stage.zero_point) {
      return false;
    }
    std::uint32_t q[16]{};
    std::uint32_t left[16]{};  // (k 2^h - rest - 1) mod q
    std::uint32_t step[16]{};  // 2^h mod q
    for (std::size_t c = 0; c < 16; ++c) {
      const Multiplier m = multipliers[c];
      if (m.value == 0) {
        block.high[c] = block.low[c] = 0;
        block.offset[c] = static_cast<float>(stage.zero_point) + 0.5F;
        zero_offsets[c] = 0;
        q[c] = 1U << 30;
        left[c] = excess;
        continue;
      }
      if (m.shift > 0 || m.shift < -most_right) {
        return false;
      }
      const int h = 31 - m.shift;
      const bool two_steps = !std::same_as<R, single_rounding> && m.shift < 0;
      const std::int64_t rounding = (std::int64_t{1} << (h - 1)) + (two_steps ? std::int64_t{1} << 30 : 0);
      const std::int64_t zero = rounding + (std::int64_t{stage.zero_point} << h);
      const std::int64_t rest = modulo(zero, m.value);
      const std::int64_t more_than_rest = (rest + 511) & ~std::int64_t{255};
      zero_offsets[c] = static_cast<std::int32_t>((zero - rest) / m.value);
      block.high[c] = static_cast<float>(m.value & ~127) * power_of_two(-h);
      block.low[c] = static_cast<float>(m.value & 127) * power_of_two(-h);
      block.offset[c] = static_cast<float>(more_than_rest) * power_of_two(-h);
      q[c] = static_cast<std::uint32_t>(m.value);
      step[c] = static_cast<std::uint32_t>((std::int64_t{1} << h) % m.value);
      left[c] = static_cast<std::uint32_t>(modulo(((stage.min + std::int64_t{1}) << h) - rest - 1, m.value));
    }
    std::uint32_t least[16];
    std::fill_n(least, 16, excess);
    for (std::int32_t k = stage.min + 1; k <= stage.max; ++k) {
      for (std::size_t c = 0; c < 16; ++c) {
        least[c] = std::min(least[c], left[c]);
        const std::uint32_t next = left[c] + step[c];  // below 2^32; less q, or more than that if below q
        left[c] = std::min(next, next - q[c]);
      }
    }
    return *std::min_element(least, least + 16) == excess;
  }

 private:
  static constexpr std::uint32_t excess = 768;

  static constexpr std::int64_t modulo(std::int64_t a, std::int64_t q) noexcept {
    const std::int64_t remainder = a % q;
    return remainder < 0 ? remainder + q : remainder;
  }
  static constexpr float power_of_two(int exponent) noexcept {
    return std::bit_cast<float>((127 + exponent) << 23);
  }
};

/// To be called for a sum between the loop that makes it and what is done with it. To gcc a register of 32-bit numbers and
/// the same as 64-bit ones are two things; it would have the loop keep both.
KINGLET_ALWAYS_INLINE void settle(__m512i& sum) noexcept {
#if defined(__GNUC__) && !defined(__clang__)
  asm("" : "+v"(sum));
#else
  static_cast<void>(sum);
#endif
}

/// 16 sums plus x0 to 16 outputs with the zero point, without the clamp.
/// @param high the block's, in a register: an instruction that names its rounding takes nothing from memory
KINGLET_ALWAYS_INLINE __m512i requantize(__m512i sums, const FloatBlock16& block, __m512 high) noexcept {
  constexpr int down = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  const __m512 x = _mm512_cvtepi32_ps(sums);
  const __m512 rest = _mm512_fmadd_ps(x, _mm512_load_ps(block.low), _mm512_load_ps(block.offset));
  return _mm512_cvt_roundps_epi32(_mm512_fmadd_round_ps(x, high, rest, down), down);
}

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
