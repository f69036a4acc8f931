// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/neon.hpp
/// ADD of 8-bit tensors of one shape on Advanced SIMD, 8 elements at a time: the linear function of
/// kernels/add/linear.hpp, or the formula of kernels/add/quantization.hpp.
#pragma once

#include <kinglet/isa/requantize_neon.hpp>

#if KINGLET_HAS_NEON

#include <cstring>
#include <kinglet/kernels/add/generic.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

namespace detail {

template <class T>
KINGLET_ALWAYS_INLINE int16x8_t widened(const T* from) noexcept {
  const uint8x8_t x = vld1_u8(reinterpret_cast<const std::uint8_t*>(from));
  return std::is_signed_v<T> ? vmovl_s8(vreinterpret_s8_u8(x)) : vreinterpretq_s16_u16(vmovl_u8(x));
}

/// The constants of a whole tensor, in registers.
template <Rounding R, class T>
class NeonAdd {
 public:
  static constexpr index_t step = 8;

  explicit NeonAdd(const AddQuantization& q) noexcept
      : lhs_(q.lhs),
        rhs_(q.rhs),
        left_shift_(vdupq_n_s32(q.left_shift)),
        output_(constants(q.output.multiplier)),
        zero_point_(vdupq_n_s32(q.output.zero_point)),
        min_(vdupq_n_s16(static_cast<std::int16_t>(q.output.min))),
        max_(vdupq_n_s16(static_cast<std::int16_t>(q.output.max))) {}

  /// Both inputs are read before the output is written: it may be one of them.
  KINGLET_ALWAYS_INLINE void operator()(const T* lhs, const T* rhs, T* output) const noexcept {
    const int16x8_t a = vsubq_s16(widened(lhs), lhs_.zero_point);
    const int16x8_t b = vsubq_s16(widened(rhs), rhs_.zero_point);
    const int32x4_t low = sum(vmovl_s16(vget_low_s16(a)), vmovl_s16(vget_low_s16(b)));
    const int32x4_t high = sum(vmovl_high_s16(a), vmovl_high_s16(b));
    const int16x8_t y = vminq_s16(vmaxq_s16(vqmovn_high_s32(vqmovn_s32(low), high), min_), max_);
    vst1_u8(reinterpret_cast<std::uint8_t*>(output), vreinterpret_u8_s8(vmovn_s16(y)));
  }

 private:
  using Stage = isa::Requantize4<isa::neon_rounding<R>(true), false>;
  struct Input {
    int16x8_t zero_point;
    Stage scale;
    explicit Input(const AddQuantization::Input& q) noexcept
        : zero_point(vdupq_n_s16(static_cast<std::int16_t>(q.zero_point))), scale(constants(q.multiplier)) {}
  };

  static isa::RequantizeBlock4 constants(Multiplier m) noexcept {
    const Multiplier all[] = {m, m, m, m};
    return isa::RequantizeBlock4::make<R>(all, false);
  }
  /// Scaled, added, scaled again, with the output's zero point.
  KINGLET_ALWAYS_INLINE int32x4_t sum(int32x4_t a, int32x4_t b) const noexcept {
    const int32x4_t both =
        vaddq_s32(lhs_.scale(vshlq_s32(a, left_shift_)), rhs_.scale(vshlq_s32(b, left_shift_)));
    return vaddq_s32(output_(both), zero_point_);
  }

  Input lhs_;
  Input rhs_;
  int32x4_t left_shift_;
  Stage output_;
  int32x4_t zero_point_;
  int16x8_t min_;
  int16x8_t max_;
};

/// The linear function of kernels/add/linear.hpp, 8 elements at a time.
template <class T>
class NeonLinearAdd {
 public:
  static constexpr index_t step = 8;

  explicit NeonLinearAdd(const AddQuantization& q) noexcept
      : linear_(q.linear),
        high_(vdupq_n_s32(q.linear.high)),
        low_(vdupq_n_s32(q.linear.low)),
        shift_(vdupq_n_s32(-q.linear.shift)),
        min_(vdupq_n_s16(static_cast<std::int16_t>(q.output.min))),
        max_(vdupq_n_s16(static_cast<std::int16_t>(q.output.max))) {}

  /// Both inputs are read before the output is written: it may be one of them.
  KINGLET_ALWAYS_INLINE void operator()(const T* lhs, const T* rhs, T* output) const noexcept {
    const int16x8_t a = widened(lhs);
    const int16x8_t b = widened(rhs);
    const int32x4_t low = sum(vget_low_s16(a), vget_low_s16(b));
    const int32x4_t high = sum(vget_high_s16(a), vget_high_s16(b));
    const int16x8_t y = vminq_s16(vmaxq_s16(vqmovn_high_s32(vqmovn_s32(low), high), min_), max_);
    vst1_u8(reinterpret_cast<std::uint8_t*>(output), vreinterpret_u8_s8(vmovn_s16(y)));
  }

 private:
  KINGLET_ALWAYS_INLINE int32x4_t sum(int16x4_t a, int16x4_t b) const noexcept {
    const int32x4_t high = vmlal_n_s16(vmlal_n_s16(high_, a, linear_.lhs_high), b, linear_.rhs_high);
    const int32x4_t low = vmlal_n_s16(vmlal_n_s16(low_, a, linear_.lhs_low), b, linear_.rhs_low);
    return vshlq_s32(vsraq_n_s32(high, low, AddQuantization::Linear::low_bits), shift_);
  }

  AddQuantization::Linear linear_;
  int32x4_t high_;
  int32x4_t low_;
  int32x4_t shift_;
  int16x8_t min_;
  int16x8_t max_;
};

}  // namespace detail

/// Broadcasting, 16-bit elements and constant evaluation take the generic kernel.
struct Neon {
  static constexpr std::string_view name = "neon";

  template <Rounding R, class A>
  static constexpr void run(const A& tensors, const AddQuantization& q) noexcept {
    using T = typename A::element_type;
    const auto& [lhs, rhs, output] = tensors;
    if constexpr (sizeof(T) == 1) {
      if (!std::is_constant_evaluated() && lhs.extents() == output.extents() &&
          rhs.extents() == output.extents()) {
        const auto size = static_cast<std::ptrdiff_t>(output.size());
        if (q.linear.shift != 0) {
          row(detail::NeonLinearAdd<T>(q), lhs.data(), rhs.data(), output.data(), size);
        } else {
          row(detail::NeonAdd<R, T>(q), lhs.data(), rhs.data(), output.data(), size);
        }
        return;
      }
    }
    Generic::run<R>(tensors, q);
  }

 private:
  template <class Add, class T>
  static void row(const Add& add, const T* lhs, const T* rhs, T* output, std::ptrdiff_t size) noexcept {
    std::ptrdiff_t i = 0;
    for (; i + add.step <= size; i += add.step) {
      add(lhs + i, rhs + i, output + i);
    }
    if (i < size) {
      const auto rest = static_cast<std::size_t>(size - i);
      T a[add.step] = {};
      T b[add.step] = {};
      T sums[add.step];
      std::memcpy(a, lhs + i, rest);
      std::memcpy(b, rhs + i, rest);
      add(a, b, sums);
      std::memcpy(output + i, sums, rest);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::add

#endif
