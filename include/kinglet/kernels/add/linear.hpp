// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/linear.hpp
/// ADD of 8-bit elements with one rounding instead of up to six.
///
/// Real scales are s1, s2 and s: output = floor(a c1 + b c2 + c) of elements a and b, where c1 = s1 / s, c2 = s2 / s and c
/// holds the zero points and one half. In integers, with K = c 2^n rounded, n up to 30,
///   L = a K1 + b K2 + C,   output = L >> n = ((a H1 + b H2 + H) + ((a L1 + b L2 + L0) >> 15)) >> (n - 15),
/// where H is a K without its lowest 15 bits, which are L0, L1, L2: products of 16 bits with sums of 32.
///
/// Why it is exact where `find_linear` says so. Let E bound the distance of L from 2^n times the number that
/// kernels/add/reference.hpp rounds last: scaled inputs are within 1 of real ones, each, and all that times the last
/// multiplier; rounding twice moves a tie by half a unit of the first rounding; K is within 1/2. Both have the same floor
/// where L is E or more away from a multiple of 2^n. `find_linear` looks at all 2^16 pairs for those within 2 E, which are
/// a few, and moves C by up to E so that these have the reference's output as well; if no C does that, there is no such
/// function.
#pragma once

#include <kinglet/kernels/add/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

namespace detail {

/// Looks for C.
template <Rounding R, QuantizedElement T>
class LinearSearch {
 public:
  constexpr explicit LinearSearch(const AddQuantization& q) noexcept : q_(q) {
    const double unit = static_cast<double>(std::int32_t{1} << q.left_shift) * real(q.output.multiplier);
    const double lhs = real(q.lhs.multiplier) * unit;
    const double rhs = real(q.rhs.multiplier) * unit;
    const Multiplier largest = make_multiplier(std::max(lhs, rhs));
    bits_ = std::min<std::int32_t>(30 - largest.shift, 30);
    exists_ = largest.value != 0 && bits_ >= 23 && q.output.multiplier.shift < 0;
    if (exists_) {
      const double one = static_cast<double>(std::int64_t{1} << bits_);
      lhs_ = static_cast<std::int64_t>(lhs * one + 0.5);
      rhs_ = static_cast<std::int64_t>(rhs * one + 0.5);
      constant_ = (std::int64_t{q.output.zero_point} << bits_) + (std::int64_t{1} << (bits_ - 1)) -
                  lhs_ * q.lhs.zero_point - rhs_ * q.rhs.zero_point;
      // The last multiplier is below 2^shift: 2 2^shift and 2^(shift - 1). Both K, 1/2 each, times 255, and room to spare.
      const int shift = bits_ + q.output.multiplier.shift;
      bound_ = (std::int64_t{5} << std::max(shift - 1, 0)) + 512;
      // Scales of two floats are never so near to each other, but K must have 15 bits above the lower 15.
      exists_ = bound_ < std::int64_t{1} << (bits_ - 3) && std::max(lhs_, rhs_) < std::int64_t{1} << 30;
    }
  }

  /// Moves C so that all pairs have the reference's output, or gives up.
  constexpr void settle() noexcept {
    least_ = -bound_;
    most_ = bound_;
    for (std::int32_t a = lowest; a <= highest && exists_; ++a) {
      if (has_near_tie(a)) {
        settle(a);
      }
    }
    constant_ += std::clamp(std::int64_t{0}, least_, std::max(least_, most_));
  }

  [[nodiscard]] constexpr AddQuantization::Linear result() const noexcept {
    if (!exists_) {
      return {};
    }
    constexpr std::int64_t low = (1 << AddQuantization::Linear::low_bits) - 1;
    const auto high_part = [](std::int64_t k) { return k >> AddQuantization::Linear::low_bits; };
    return {.lhs_high = static_cast<std::int16_t>(high_part(lhs_)),
            .rhs_high = static_cast<std::int16_t>(high_part(rhs_)),
            .lhs_low = static_cast<std::int16_t>(lhs_ & low),
            .rhs_low = static_cast<std::int16_t>(rhs_ & low),
            .high = static_cast<std::int32_t>(high_part(constant_)),
            .low = static_cast<std::int32_t>(constant_ & low),
            .shift = bits_ - AddQuantization::Linear::low_bits};
  }

 private:
  static constexpr std::int32_t lowest = std::numeric_limits<T>::min();
  static constexpr std::int32_t highest = std::numeric_limits<T>::max();

  static constexpr double real(Multiplier m) noexcept {
    return m.shift >= 0 ? static_cast<double>(m.value) / 2147483648.0 * static_cast<double>(1U << m.shift)
                        : static_cast<double>(m.value) / 2147483648.0 / static_cast<double>(1U << -m.shift);
  }
  [[nodiscard]] constexpr std::int64_t at(std::int32_t a, std::int32_t b) const noexcept {
    return a * lhs_ + b * rhs_ + constant_;
  }
  /// Whether some b has a multiple of 2^n within 2 E.
  [[nodiscard]] constexpr bool has_near_tie(std::int32_t a) const noexcept {
    const std::uint32_t mask = (1U << bits_) - 1;
    const auto margin = static_cast<std::uint32_t>(2 * bound_);
    const auto step = static_cast<std::uint32_t>(rhs_);
    const auto first = static_cast<std::uint32_t>(at(a, lowest)) + margin;
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < 256; ++i) {
      found |= ((first + i * step) & mask) <= 2 * margin ? 1U : 0U;
    }
    return found != 0;
  }
  constexpr void settle(std::int32_t a) noexcept {
    const std::int64_t one = std::int64_t{1} << bits_;
    const std::int32_t scaled = scale_input<R>(a, q_.lhs, q_.left_shift);
    for (std::int32_t b = lowest; b <= highest && exists_; ++b) {
      const std::int64_t sum = at(a, b);
      if (((sum + 2 * bound_) & (one - 1)) > 4 * bound_) {
        continue;
      }
      const std::int32_t y = scale_output<R>(scaled + scale_input<R>(b, q_.rhs, q_.left_shift), q_.output);
      if (y > q_.output.min) {
        least_ = std::max(least_, y * one - sum);
      }
      if (y < q_.output.max) {
        most_ = std::min(most_, (y + 1) * one - 1 - sum);
      }
      exists_ = least_ <= most_;
    }
  }

  const AddQuantization& q_;
  bool exists_ = false;
  int bits_ = 0;  ///< n
  std::int64_t lhs_ = 0;
  std::int64_t rhs_ = 0;
  std::int64_t constant_ = 0;
  std::int64_t bound_ = 0;  ///< E
  std::int64_t least_ = 0;  ///< by which C is to be moved
  std::int64_t most_ = 0;
};

}  // namespace detail

/// The linear function that equals the quantization in policy R for all elements T, if there is one and it is not too much
/// to look for: it is left out while compiling.
template <Rounding R, QuantizedElement T>
constexpr AddQuantization::Linear find_linear(const AddQuantization& q) noexcept {
  if (sizeof(T) != 1 || std::is_constant_evaluated()) {
    return {};
  }
  detail::LinearSearch<R, T> search(q);
  search.settle();
  return search.result();
}

}  // namespace kinglet::inline KINGLET_TARGET::add
