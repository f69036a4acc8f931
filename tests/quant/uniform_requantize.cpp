// SPDX-License-Identifier: Apache-2.0
/// @file quant/uniform_requantize.cpp
/// The form for vectors against the normative one.
#include <doctest/doctest.h>

#include <kinglet/quant/uniform_requantize.hpp>

#include "support/random.hpp"

using namespace kinglet;

namespace {

constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t highest = std::numeric_limits<std::int32_t>::max();

}  // namespace

TEST_CASE_TEMPLATE("UniformRequantize equals requantize", R, double_rounding, double_rounding_upward,
                   single_rounding) {
  test::Random random(5);
  for (int shift = -31; shift <= 30; ++shift) {
    for (int round = 0; round < 60; ++round) {
      const std::int32_t edges[] = {0, 1, 1 << 29, 1 << 30, (1 << 30) + 1, highest};
      const std::int32_t value = round < 6 ? edges[round] : random.in(1 << 29, highest);
      const Multiplier multiplier{value, shift};
      const UniformRequantize<R> uniform(multiplier);
      const auto check = [&](std::int32_t x) {
        CAPTURE(x);
        CAPTURE(value);
        CAPTURE(shift);
        REQUIRE(uniform(x) == requantize<R>(x, multiplier));
      };
      for (const std::int32_t x : {lowest, lowest + 1, -3, -2, -1, 0, 1, 2, 3, highest - 1, highest}) {
        check(x);
      }
      for (int bits = 2; bits < 31; ++bits) {  // powers of two and their neighbours: the ties
        for (const std::int32_t near : {-1, 0, 1}) {
          check((1 << bits) + near);
          check(-(1 << bits) + near);
          check(3 * (1 << (bits - 2)) + near);
        }
        check(random.in(-(1 << bits), 1 << bits));
      }
    }
  }
}
