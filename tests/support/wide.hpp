// SPDX-License-Identifier: Apache-2.0
/// @file support/wide.hpp
/// Exact arithmetic for the definitions that tests compare with: 128-bit integers, division by its textbook
/// meaning. Slow and plain on purpose.
#pragma once

#include <cstdint>

namespace test {

__extension__ using wide = __int128;

constexpr wide power_of_two(int exponent) {
  return wide{1} << exponent;
}

/// The largest integer at most n / d, for d > 0.
constexpr wide floor_divide(wide n, wide d) {
  const wide quotient = n / d;  // towards zero
  return quotient * d > n ? quotient - 1 : quotient;
}

/// n / d to the nearest integer, halves towards plus infinity: floor(n / d + 1/2).
constexpr wide nearest_ties_up(wide n, wide d) {
  return floor_divide(2 * n + d, 2 * d);
}

/// n / d to the nearest integer, halves away from zero.
constexpr wide nearest_ties_away(wide n, wide d) {
  return n < 0 ? -floor_divide(2 * -n + d, 2 * d) : floor_divide(2 * n + d, 2 * d);
}

/// The 32-bit two's complement number that is congruent to n modulo 2^32.
constexpr std::int32_t wrap_to_int32(wide n) {
  const wide modulus = power_of_two(32);
  const wide residue = n - floor_divide(n, modulus) * modulus;
  return static_cast<std::int32_t>(residue >= power_of_two(31) ? residue - modulus : residue);
}

static_assert(floor_divide(-7, 2) == -4 && floor_divide(7, 2) == 3 && floor_divide(-8, 2) == -4);
static_assert(nearest_ties_up(-5, 2) == -2 && nearest_ties_up(5, 2) == 3 && nearest_ties_up(-7, 3) == -2);
static_assert(nearest_ties_away(-5, 2) == -3 && nearest_ties_away(5, 2) == 3);
static_assert(wrap_to_int32(power_of_two(31)) == INT32_MIN && wrap_to_int32(-power_of_two(32) - 1) == -1);

}  // namespace test
