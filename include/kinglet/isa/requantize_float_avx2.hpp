// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_float_avx2.hpp
/// The output stage of isa/requantize_float.hpp for 8 channels. Before AVX-512 no instruction names its rounding: the
/// processor is told to round down while a layer runs. Not with -ffast-math, which may change the order of sums: integers
/// serve there.
#pragma once

#include <kinglet/isa/intrinsics_x86.hpp>
#include <kinglet/isa/requantize_float.hpp>

#if defined(__AVX2__) && defined(__FMA__)

namespace kinglet::inline KINGLET_TARGET::isa {

struct Unsigned8 {
  static constexpr std::size_t count = 8;
  static __m256i load(const void* from) noexcept {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static void store(void* to, __m256i x) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(to), x); }
  static __m256i all(std::uint32_t x) noexcept { return _mm256_set1_epi32(static_cast<int>(x)); }
  static __m256i min(__m256i a, __m256i b) noexcept { return _mm256_min_epu32(a, b); }
  static __m256i max(__m256i a, __m256i b) noexcept { return _mm256_max_epu32(a, b); }
  static __m256i add(__m256i a, __m256i b) noexcept { return _mm256_add_epi32(a, b); }
  static __m256i subtract(__m256i a, __m256i b) noexcept { return _mm256_sub_epi32(a, b); }
};

using FloatBlock8 = FloatBlock<Unsigned8>;

/// While it lives, single precision is rounded down, with no exceptions and nothing flushed to zero; afterwards the
/// processor's state is what it was, flags included. Compilers know nothing of it: what is to be rounded down has to be in
/// functions that are not inlined.
class RoundingDown {
 public:
  /// @param needed or nothing is done
  explicit RoundingDown(bool needed) noexcept : needed_(needed), before_(needed ? _mm_getcsr() : 0) {
    if (needed_) {
      _mm_setcsr(_MM_MASK_MASK | _MM_ROUND_DOWN);
    }
  }
  RoundingDown(const RoundingDown&) = delete;
  RoundingDown& operator=(const RoundingDown&) = delete;
  ~RoundingDown() {
    if (needed_) {
      _mm_setcsr(before_);
    }
  }

 private:
  bool needed_;
  unsigned before_;
};

/// A block's constants in registers. To be used while `RoundingDown` lives, in a function that is not inlined.
template <FloatWay Way>
class RequantizeFloat8 {
 public:
  explicit RequantizeFloat8(const FloatBlock8& b) noexcept
      : high_(_mm256_load_ps(b.high)), offset_(_mm256_load_ps(b.offset)) {
    if constexpr (Way == FloatWay::two_products) {
      low_ = _mm256_load_ps(b.low);
    }
    if constexpr (Way != FloatWay::one_product) {
      limit_ = _mm256_load_si256(reinterpret_cast<const __m256i*>(b.limit));
      offset_below_ = _mm256_load_ps(b.offset_below);
    }
  }

  /// 8 sums plus x0 to 8 outputs with the zero point, without the clamp.
  KINGLET_ALWAYS_INLINE __m256i operator()(__m256i sums) const noexcept {
    const __m256 x = _mm256_cvtepi32_ps(sums);
    __m256 offset = offset_;
    if constexpr (Way != FloatWay::one_product) {
      const __m256i below = _mm256_cmpgt_epi32(limit_, sums);
      offset = _mm256_blendv_ps(offset, offset_below_, _mm256_castsi256_ps(below));
    }
    if constexpr (Way == FloatWay::two_products) {
      offset = _mm256_fmadd_ps(x, low_, offset);
    }
    return _mm256_cvtps_epi32(_mm256_fmadd_ps(x, high_, offset));
  }

 private:
  __m256 high_;
  __m256 offset_;
  __m256 low_{};
  __m256i limit_{};
  __m256 offset_below_{};
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
