// SPDX-License-Identifier: Apache-2.0
/// @file kernels/quantize/linear.hpp
/// QUANTIZE of 8-bit elements by products of 32 bits: output = (x K + C) >> n, with K = scale 2^n rounded and C such that
/// all 256 elements have the reference's output, if some C does that. Where scales are equal, or grow, one does; where they
/// shrink to less than half, rounding twice is seldom a linear function.
#pragma once

#include <kinglet/kernels/quantize/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::quantize {

/// The linear function that equals the quantization in policy R for all elements, if there is one.
template <Rounding R, Integer From, Integer To>
constexpr RequantizeQuantization::Linear find_linear(const RequantizeQuantization& q) noexcept {
  using Linear = RequantizeQuantization::Linear;
  // |x K| < 2^29 and |C| < 2^30.
  const int bits = std::min<std::int32_t>(21 - q.multiplier.shift, 21);
  if (sizeof(From) != 1 || sizeof(To) > 2 || q.multiplier.value == 0 || bits < 1) {
    return {};
  }
  const int drop = 31 - q.multiplier.shift - bits;  // K = value 2^(shift - 31 + n)
  const auto scale =
      static_cast<std::int32_t>((std::int64_t{q.multiplier.value} + (std::int64_t{1} << (drop - 1))) >> drop);
  const std::int64_t one = std::int64_t{1} << bits;
  std::int64_t least = -(std::int64_t{1} << 30);
  std::int64_t most = std::int64_t{1} << 30;
  for (std::int32_t x = std::numeric_limits<From>::min(); x <= std::numeric_limits<From>::max(); ++x) {
    const std::int32_t y = requantize_element<R, To>(x, q);
    const std::int64_t product = std::int64_t{x} * scale;
    if (y > q.min) {
      least = std::max(least, y * one - product);
    }
    if (y < q.max) {
      most = std::min(most, (y + 1) * one - 1 - product);
    }
  }
  return least > most ? Linear{} : Linear{scale, static_cast<std::int32_t>((least + most) / 2), bits};
}

}  // namespace kinglet::inline KINGLET_TARGET::quantize
