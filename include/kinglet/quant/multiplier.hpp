// SPDX-License-Identifier: Apache-2.0
/// @file quant/multiplier.hpp
/// A real scale as integers: real ~ value / 2^31 * 2^shift. All constexpr, no floating-point library.
#pragma once

#include <bit>
#include <kinglet/core/config.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// value in [2^30, 2^31) or 0; shift in [-31, 30], positive is left.
struct Multiplier {
  std::int32_t value = 0;
  std::int32_t shift = 0;
  friend constexpr bool operator==(const Multiplier&, const Multiplier&) = default;
};

/// Splits a finite positive real: value = round(fraction * 2^31), fraction in [0.5, 1). 0 and anything that
/// is not a finite positive number give {0, 0}; so does a scale that rounds to less than 2^-32. A scale that
/// rounds to 2^30 or more saturates.
constexpr Multiplier make_multiplier(double real) noexcept {
  constexpr int bias = 1022;
  const auto bits = std::bit_cast<std::uint64_t>(real);
  const int field = static_cast<int>((bits >> 52) & 0x7ff);
  if ((bits >> 63) != 0 || field == 0 || field == 0x7ff) {
    return {};  // negative, zero, subnormal, infinite or not a number
  }
  // fraction * 2^53 is the 53-bit significand; keep 31 bits, ties away from zero (there are no negatives).
  const std::uint64_t significand = (bits & ((std::uint64_t{1} << 52) - 1)) | (std::uint64_t{1} << 52);
  std::uint64_t q = (significand + (std::uint64_t{1} << 21)) >> 22;
  int shift = field - bias;
  if (q == std::uint64_t{1} << 31) {
    q >>= 1;
    ++shift;
  }
  if (shift < -31) {
    return {};
  }
  if (shift > 30) {
    return {0x7fffffff, 30};
  }
  return {static_cast<std::int32_t>(q), shift};
}

/// Where the two published definitions of a convolution's scale differ: one multiplies in double, the other
/// in single precision first, and the last bit of the multiplier can depend on it.
enum class ScaleProduct : std::uint8_t {
  in_double,        ///< int8 CONV_2D and DEPTHWISE_CONV_2D
  in_single_first,  ///< uint8 CONV_2D and DEPTHWISE_CONV_2D; FULLY_CONNECTED with one scale for its weights
};

/// input_scale * weight_scale / output_scale.
constexpr Multiplier make_multiplier(ScaleProduct product, float input_scale, float weight_scale,
                                     float output_scale) noexcept {
  if (product == ScaleProduct::in_single_first) {
    return make_multiplier(static_cast<double>(input_scale * weight_scale) /
                           static_cast<double>(output_scale));
  }
  return make_multiplier(static_cast<double>(input_scale) * static_cast<double>(weight_scale) /
                         static_cast<double>(output_scale));
}

}  // namespace kinglet::inline KINGLET_TARGET
