// SPDX-License-Identifier: Apache-2.0
/// @file quant/rounding.hpp
/// The rounding policies. There is no default: a kernel names the one it uses.
///
/// Each policy divides p = x * q (x: int32 accumulator after its left shift; q: Q31 multiplier) by 2^(31+r).
/// The double roundings first round p / 2^31 to the nearest (ties up), then divide by 2^r with a second one.
///
/// Ties of the last step, as multiples of one half:
/// |                          | -2.5 | -1.5 | -0.5 | 0.5 | 1.5 | 2.5 | who                                     |
/// |--------------------------|------|------|------|-----|-----|-----|-----------------------------------------|
/// | `double_rounding`        |  -3  |  -2  |  -1  |  1  |  2  |  3  | TFLite Micro; TFLite depthwise, ADD     |
/// | `double_rounding_upward` |  -2  |  -1  |   0  |  1  |  2  |  3  | TFLite on x86, CONV_2D, FULLY_CONNECTED |
/// | `single_rounding`        |  -2  |  -1  |   0  |  1  |  2  |  3  | TFLite Micro, TFLITE_SINGLE_ROUNDING=1  |
/// `single_rounding` rounds once, so it differs from the double ones near a tie even where p is not on one.
///
/// Source: measured on TFLite 2.9 and TFLite Micro; the first step is the saturating rounding doubling high
/// multiply of ARM's SQRDMULH, as gemmlowp defines it.
#pragma once

#include <concepts>
#include <kinglet/core/config.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET {

/// x * q / 2^31 to the nearest, ties up; INT32_MIN * INT32_MIN saturates to INT32_MAX.
constexpr std::int32_t saturating_rounding_doubling_high_mul(std::int32_t x, std::int32_t q) noexcept {
  constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min();
  if (x == lowest && q == lowest) {
    return std::numeric_limits<std::int32_t>::max();
  }
  return static_cast<std::int32_t>((std::int64_t{x} * q + (std::int64_t{1} << 30)) >> 31);
}

/// x / 2^r to the nearest, ties away from zero. 0 <= r <= 31.
constexpr std::int32_t rounding_divide_by_pot(std::int32_t x, int r) noexcept {
  const auto mask = static_cast<std::int32_t>((std::int64_t{1} << r) - 1);
  const std::int32_t remainder = x & mask;
  const std::int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> r) + (remainder > threshold ? 1 : 0);
}

/// x << s as 32-bit hardware does it: bits that leave the word are lost.
constexpr std::int32_t wrapping_shift_left(std::int32_t x, int s) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << s);
}

/// x + y, wrapping as the hardware's add does.
constexpr std::int32_t wrapping_add(std::int32_t x, std::int32_t y) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) + static_cast<std::uint32_t>(y));
}

struct double_rounding {
  /// @param x accumulator  @param q Q31 multiplier, [0, 2^31)  @param s shift, [-31, 30], positive is left
  static constexpr std::int32_t scale(std::int32_t x, std::int32_t q, int s) noexcept {
    const std::int32_t y = saturating_rounding_doubling_high_mul(wrapping_shift_left(x, s > 0 ? s : 0), q);
    return rounding_divide_by_pot(y, s > 0 ? 0 : -s);
  }
};

struct double_rounding_upward {
  static constexpr std::int32_t scale(std::int32_t x, std::int32_t q, int s) noexcept {
    const std::int32_t y = saturating_rounding_doubling_high_mul(wrapping_shift_left(x, s > 0 ? s : 0), q);
    const int r = s > 0 ? 0 : -s;
    return r == 0 ? y : static_cast<std::int32_t>((std::int64_t{y} + (std::int64_t{1} << (r - 1))) >> r);
  }
};

struct single_rounding {
  static constexpr std::int32_t scale(std::int32_t x, std::int32_t q, int s) noexcept {
    return static_cast<std::int32_t>((std::int64_t{x} * q + (std::int64_t{1} << (30 - s))) >> (31 - s));
  }
};

template <class R>
concept Rounding = std::same_as<R, double_rounding> || std::same_as<R, double_rounding_upward> ||
    std::same_as<R, single_rounding>;

}  // namespace kinglet::inline KINGLET_TARGET
