// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/vectors.hpp
/// ADD of 8-bit tensors of one shape in vectors; `Lanes` is one of isa/lanes_*.hpp.
///
/// An input x = value - zero_point has 9 bits, its multiplier q / 2^31 * 2^-r is at most one half, and it is shifted left
/// by 20. With q = 2^11 h + l, the scaled input takes no more than 32 bits:
///   floor((x 2^20 q + 2^30) / 2^31) = x h + floor((x l + 2^10) / 2^11)       first rounding, r = 0: the result
///   y = (x h + floor((x l + c0) / 2^11) + c1 - n) >> r
/// | policy                 | c0, r > 0 (r = 0: 2^10) | c1, r > 0 (r = 0: 0) | n              |
/// |------------------------|-------------------------|----------------------|----------------|
/// | double_rounding        | 2^10                    | 2^(r-1)              | x < 0 and r > 0|
/// | double_rounding_upward | 2^10                    | 2^(r-1)              | 0              |
/// | single_rounding        | 0                       | 2^(r-1)              | 0              |
/// Both products are one instruction each, on lanes that hold (x, 64 x) in 16 bits: x h = x (h % 64) + 64 x (h / 64).
/// The sum of two scaled inputs is requantized as a convolution's is. Quantizations with a linear function
/// (kernels/add/linear.hpp) take that: its products are one instruction each on lanes that hold (a, b).
#pragma once

#include <cstring>
#include <kinglet/kernels/add/generic.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

namespace detail {

/// Two numbers of 16 bits in one of 32, the first one low.
constexpr std::int32_t pair16(std::int32_t low, std::int32_t high) noexcept {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(high) << 16) |
                                   (static_cast<std::uint32_t>(low) & 0xffff));
}

/// Scales lanes (x, 64 x).
template <class Lanes, Rounding R>
class ScaleLanes {
 public:
  using Register = typename Lanes::Register;

  static bool applies(Multiplier m) noexcept { return m.value != 0 && m.shift <= 0; }

  explicit ScaleLanes(const AddQuantization::Input& q) noexcept
      : right_(-q.multiplier.shift),
        negative_(Lanes::set32(std::same_as<R, double_rounding> && right_ > 0 ? -1 : 0)),
        high_(Lanes::set32(pair16(q.multiplier.value >> 11 & 63, q.multiplier.value >> 17))),
        low_(Lanes::set32(pair16(q.multiplier.value & 2047, 0))),
        low_rounding_(Lanes::set32(std::same_as<R, single_rounding> && right_ > 0 ? 0 : 1 << 10)),
        rounding_(Lanes::set32(right_ > 0 ? std::int32_t{1} << (right_ - 1) : 0)) {}

  KINGLET_ALWAYS_INLINE Register operator()(Register x) const noexcept {
    const Register rest = Lanes::shift_right32(Lanes::multiply_add(low_rounding_, x, low_), 11);
    Register y = Lanes::add32(Lanes::multiply_add(rounding_, x, high_), rest);
    if constexpr (std::same_as<R, double_rounding>) {
      y = Lanes::add32(y, Lanes::and32(Lanes::shift_right32(x, 31), negative_));
    }
    return Lanes::shift_right32(y, right_);
  }

 private:
  int right_;
  Register negative_;
  Register high_;
  Register low_;
  Register low_rounding_;
  Register rounding_;
};

/// Both inputs are read before the output is written: it may be one of them.
/// @param step writes `Step` elements
template <index_t Step, class T, class F>
void add_row(const T* lhs, const T* rhs, T* output, std::ptrdiff_t size, const F& step) noexcept {
  std::ptrdiff_t i = 0;
  for (; i + Step <= size; i += Step) {
    step(lhs + i, rhs + i, output + i);
  }
  if (i < size) {
    const auto rest = static_cast<std::size_t>(size - i);
    T a[Step] = {};
    T b[Step] = {};
    T sums[Step];
    std::memcpy(a, lhs + i, rest);
    std::memcpy(b, rhs + i, rest);
    step(a, b, sums);
    std::memcpy(output + i, sums, rest);
  }
}

/// A row by the linear function.
template <class Lanes, class T>
void add_linear_row(const T* lhs, const T* rhs, T* output, std::ptrdiff_t size,
                    const AddQuantization& q) noexcept {
  using Register = typename Lanes::Register;
  const Register high = Lanes::set32(pair16(q.linear.lhs_high, q.linear.rhs_high));
  const Register low = Lanes::set32(pair16(q.linear.lhs_low, q.linear.rhs_low));
  const Register high_constant = Lanes::set32(q.linear.high);
  const Register low_constant = Lanes::set32(q.linear.low);
  const int shift = q.linear.shift;
  const auto min = static_cast<T>(q.output.min);
  const auto max = static_cast<T>(q.output.max);
  constexpr index_t step = 4 * Lanes::count;
  const auto scaled = [&](Register ab) KINGLET_INLINE_LAMBDA {
    const Register rest =
        Lanes::shift_right32(Lanes::multiply_add(low_constant, ab, low), AddQuantization::Linear::low_bits);
    return Lanes::shift_right32(Lanes::add32(Lanes::multiply_add(high_constant, ab, high), rest), shift);
  };
  const auto half_step = [&](const T* a, const T* b) KINGLET_INLINE_LAMBDA {
    const Register x = Lanes::load_wide(a);
    const Register y = Lanes::load_wide(b);
    return Lanes::pack32(scaled(Lanes::interleave_low16(x, y)), scaled(Lanes::interleave_high16(x, y)));
  };
  add_row<step>(lhs, rhs, output, size, [&](const T* a, const T* b, T* to) KINGLET_INLINE_LAMBDA {
    const Register first = half_step(a, b);
    const Register second = half_step(a + step / 2, b + step / 2);
    Lanes::template store_parts<1>(reinterpret_cast<std::byte*>(to), 0,
                                   Lanes::template join8<T>(first, second, min, max));
  });
}

/// The whole operator for a row.
template <class Lanes, Rounding R, class T>
class AddLanes {
 public:
  using Register = typename Lanes::Register;
  static constexpr index_t step = 4 * Lanes::count;

  /// Left shift and multipliers as make_add_quantization gives them, but for scales that are out of all proportion.
  static bool applies(const AddQuantization& q) noexcept {
    return q.left_shift == 20 && ScaleLanes<Lanes, R>::applies(q.lhs.multiplier) &&
           ScaleLanes<Lanes, R>::applies(q.rhs.multiplier) && q.output.multiplier.shift < 0;
  }

  explicit AddLanes(const AddQuantization& q) noexcept
      : lhs_{Lanes::set16(q.lhs.zero_point), ScaleLanes<Lanes, R>(q.lhs)},
        rhs_{Lanes::set16(q.rhs.zero_point), ScaleLanes<Lanes, R>(q.rhs)},
        output_(constants(q.output.multiplier)),
        zero_point_(Lanes::set16(q.output.zero_point)),
        min_(static_cast<T>(q.output.min)),
        max_(static_cast<T>(q.output.max)) {}

  void row(const T* lhs, const T* rhs, T* output, std::ptrdiff_t size) const noexcept {
    add_row<step>(lhs, rhs, output, size,
                  [this](const T* a, const T* b, T* to) KINGLET_INLINE_LAMBDA { one_step(a, b, to); });
  }

 private:
  struct Input {
    Register zero_point;
    ScaleLanes<Lanes, R> scale;
  };
  using Stage = typename Lanes::template Requantize<std::same_as<R, double_rounding>, true>;

  static typename Lanes::Constants constants(Multiplier m) noexcept {
    Multiplier all[Lanes::count];
    std::fill_n(all, Lanes::count, m);
    return Lanes::Constants::template make<R>(all, true);
  }

  KINGLET_ALWAYS_INLINE void one_step(const T* lhs, const T* rhs, T* output) const noexcept {
    const Register first = half_step(lhs, rhs);
    const Register second = half_step(lhs + step / 2, rhs + step / 2);
    Lanes::template store_parts<1>(reinterpret_cast<std::byte*>(output), 0,
                                   Lanes::template join8<T>(first, second, min_, max_));
  }
  /// Sums of two vectors' lanes, 16 bits wide.
  KINGLET_ALWAYS_INLINE Register half_step(const T* lhs, const T* rhs) const noexcept {
    const Stage stage(output_);
    const Register a = Lanes::subtract16(Lanes::load_wide(lhs), lhs_.zero_point);
    const Register b = Lanes::subtract16(Lanes::load_wide(rhs), rhs_.zero_point);
    const Register a64 = Lanes::template shift_left16<6>(a);
    const Register b64 = Lanes::template shift_left16<6>(b);
    const Register low = Lanes::add32(lhs_.scale(Lanes::interleave_low16(a, a64)),
                                      rhs_.scale(Lanes::interleave_low16(b, b64)));
    const Register high = Lanes::add32(lhs_.scale(Lanes::interleave_high16(a, a64)),
                                       rhs_.scale(Lanes::interleave_high16(b, b64)));
    return Lanes::add_saturating16(Lanes::pack32(stage(low), stage(high)), zero_point_);
  }

  Input lhs_;
  Input rhs_;
  typename Lanes::Constants output_;
  Register zero_point_;
  T min_;
  T max_;
};

}  // namespace detail

/// Broadcasting, 16-bit elements and constant evaluation take the generic kernel.
template <class Lanes>
struct Vectors {
  static constexpr std::string_view name = Lanes::name;

  template <Rounding R, class A>
  static constexpr void run(const A& tensors, const AddQuantization& q) noexcept {
    using T = typename A::element_type;
    if constexpr (sizeof(T) == 1) {
      if (!std::is_constant_evaluated()) {
        using Row = detail::AddLanes<Lanes, R, T>;
        const auto& [lhs, rhs, output] = tensors;
        const bool one_shape = lhs.extents() == output.extents() && rhs.extents() == output.extents();
        const auto size = static_cast<std::ptrdiff_t>(output.size());
        if (one_shape && q.linear.shift != 0) {
          detail::add_linear_row<Lanes>(lhs.data(), rhs.data(), output.data(), size, q);
          return;
        }
        if (one_shape && Row::applies(q)) {
          Row(q).row(lhs.data(), rhs.data(), output.data(), size);
          return;
        }
      }
    }
    Generic::run<R>(tensors, q);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::add
