// SPDX-License-Identifier: Apache-2.0
/// @file core/exp.hpp
/// e^x without the C library, whose last bits differ from machine to machine.
#pragma once

#include <bit>
#include <kinglet/core/rounded.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET {

/// e^x within 1 ulp, the same bits everywhere and at compile time. 0 for x < -707.5, infinite for x >= 709.4:
/// 2^k stays a normal number in between.
///
/// x = k ln 2 + r, |r| <= ln 2 / 2;  e^x = 2^k e^r;  e^r = 1 + r + r^2 (1/2! + r/3! + ... + r^12/14!).
/// The first term left out is 0.347^15 / 15! < 2^-63.
constexpr double portable_exp(double x) noexcept {
  if (!(x < 709.4)) {
    return x != x ? x : std::numeric_limits<double>::infinity();
  }
  if (x < -707.5) {
    return 0.0;
  }
  constexpr double log2_e = 0x1.71547652b82fep+0;
  constexpr double ln2_high = 0x1.62e42fee00000p-1;  // 32 significant bits: k * ln2_high is exact
  constexpr double ln2_low = 0x1.a39ef35793c76p-33;
  constexpr double inverse_factorial[] = {1.0 / 2,          1.0 / 6,        1.0 / 24,        1.0 / 120,
                                          1.0 / 720,        1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                          1.0 / 3628800,    1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800,
                                          1.0 / 87178291200};
  const double turns = rounded(x * log2_e);
  const auto k = static_cast<std::int32_t>(turns < 0 ? turns - 0.5 : turns + 0.5);
  const double r = rounded(rounded(x - rounded(k * ln2_high)) - rounded(k * ln2_low));
  double series = 0.0;
  for (int i = 12; i >= 0; --i) {
    series = rounded(rounded(series * r) + inverse_factorial[i]);
  }
  const double fraction = rounded(1.0 + rounded(r + rounded(rounded(r * r) * series)));
  const double power =
      std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);  // 2^k, k in [-1021, 1024)
  return rounded(fraction * power);
}

}  // namespace kinglet::inline KINGLET_TARGET
