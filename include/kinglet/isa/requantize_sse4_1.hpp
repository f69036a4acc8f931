// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_sse4_1.hpp
/// The output stage for 4 channels at a time on SSE 4.1, equal to quant/requantize.hpp bit for bit.
///
/// y = (p + C - N) >> h, with p, C, N and h as in isa/requantize_avx2.hpp.
/// The short way, every h >= 32: y = v >> (h - 32), v = (p + C - N) / 2^32. SSE has no shifts that differ from lane to
/// lane, so v is multiplied by 2^(62-h) and its 64 bits are shifted by 30.
/// The longer way is computed lane by lane: layers with a multiplier of one half or more are few.
#pragma once

#include <kinglet/isa/intrinsics_x86.hpp>

#if defined(__SSE4_1__)

#include <kinglet/quant/requantize.hpp>

namespace kinglet::inline KINGLET_TARGET::isa {

/// The constants of 4 channels. Plain data: it is made once, when weights are packed.
struct alignas(16) RequantizeBlock4 {
  std::int32_t left[4];
  std::int32_t value[4];
  std::int32_t shift[4];        ///< h; on the short way 2^(62-h)
  std::int32_t two_steps[4];    ///< 1 where N may be needed
  std::int64_t rounding[2][2];  ///< C of even and of odd channels

  /// @param multipliers of the 4 lanes  @param is_short every h of the layer is at least 32
  template <Rounding R>
  static constexpr RequantizeBlock4 make(const Multiplier* multipliers, bool is_short) noexcept {
    RequantizeBlock4 block{};
    constexpr bool once = std::same_as<R, single_rounding>;
    for (std::ptrdiff_t c = 0; c < 4; ++c) {
      const Multiplier m = multipliers[c];
      const int right = once ? -m.shift : std::max(-m.shift, 0);
      const int h = 31 + right;
      const bool two_steps = !once && right > 0;
      block.left[c] = once ? 0 : std::max(m.shift, 0);
      block.value[c] = m.value;
      block.shift[c] = is_short ? std::int32_t{1} << (62 - h) : h;
      block.two_steps[c] = two_steps ? 1 : 0;
      block.rounding[c & 1][c >> 1] = (std::int64_t{1} << (h - 1)) + (two_steps ? std::int64_t{1} << 30 : 0);
    }
    return block;
  }
};

/// A block's constants. @tparam Away double_rounding where negative outputs are kept  @tparam Short every h >= 32
template <bool Away, bool Short>
class Requantize4 {
 public:
  explicit Requantize4(const RequantizeBlock4& b) noexcept : block_(&b) {}

  /// 4 sums to 4 outputs without zero point and clamp.
  KINGLET_ALWAYS_INLINE __m128i operator()(__m128i x) const noexcept {
    if constexpr (Short) {
      const __m128i value = load(block_->value);
      const __m128i power = load(block_->shift);
      const __m128i odd_x = _mm_srli_epi64(x, 32);
      __m128i even = _mm_add_epi64(_mm_mul_epi32(x, value), load(block_->rounding[0]));
      __m128i odd = _mm_add_epi64(_mm_mul_epi32(odd_x, _mm_srli_epi64(value, 32)), load(block_->rounding[1]));
      if constexpr (Away) {
        const __m128i sign = _mm_set1_epi64x(std::int64_t{1} << 31);
        even = _mm_sub_epi64(even, _mm_and_si128(x, sign));
        odd = _mm_sub_epi64(odd, _mm_and_si128(odd_x, sign));
      }
      even = _mm_srli_epi64(_mm_mul_epi32(_mm_srli_epi64(even, 32), power), 30);
      odd = _mm_slli_epi64(_mm_mul_epi32(_mm_srli_epi64(odd, 32), _mm_srli_epi64(power, 32)), 2);
      return _mm_blend_epi16(even, odd, 0b11001100);
    } else {
      alignas(16) std::int32_t lanes[4];
      _mm_store_si128(reinterpret_cast<__m128i*>(lanes), x);
      for (std::size_t c = 0; c < 4; ++c) {
        const std::int32_t shifted = wrapping_shift_left(lanes[c], block_->left[c]);
        std::int64_t sum = std::int64_t{shifted} * block_->value[c] + block_->rounding[c & 1][c >> 1];
        if constexpr (Away) {
          sum -= shifted < 0 && block_->two_steps[c] != 0 ? std::int64_t{1} << 31 : 0;
        }
        lanes[c] = static_cast<std::int32_t>(sum >> block_->shift[c]);
      }
      return load(lanes);
    }
  }

 private:
  static __m128i load(const void* from) noexcept { return _mm_load_si128(static_cast<const __m128i*>(from)); }
  const RequantizeBlock4* block_;
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
