// SPDX-License-Identifier: Apache-2.0
/// @file quant/multiplier.cpp
/// Multipliers against the definition by std::frexp and std::round.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <kinglet/quant/multiplier.hpp>
#include <limits>
#include <random>

namespace {

using namespace kinglet;

// fraction in [0.5, 1) times 2^31, ties away; a fraction that rounds up to 1 moves to the next power of two.
Multiplier by_frexp(double real) {
  if (!(real > 0) || std::isinf(real)) {
    return {};
  }
  int shift = 0;
  const double fraction = std::frexp(real, &shift);
  auto value = static_cast<std::int64_t>(std::round(fraction * 2147483648.0));
  if (value == std::int64_t{1} << 31) {
    value /= 2;
    ++shift;
  }
  if (shift < -31) {
    return {};
  }
  return shift > 30 ? Multiplier{INT32_MAX, 30} : Multiplier{static_cast<std::int32_t>(value), shift};
}

void check_equal(double real) {
  const Multiplier found = make_multiplier(real);
  const Multiplier expected = by_frexp(real);
  INFO("real = ", real);
  CHECK(found.value == expected.value);
  CHECK(found.shift == expected.shift);
}

}  // namespace

TEST_CASE("multipliers equal the definition at random bit patterns") {
  std::mt19937_64 random(1);
  long bad = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const double real = std::bit_cast<double>(random());
    bad += make_multiplier(real) == by_frexp(real) ? 0 : 1;
  }
  CHECK(bad == 0);
}

TEST_CASE("multipliers equal the definition over the range that networks use") {
  std::mt19937_64 random(2);
  long bad = 0;
  long zeros = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const double fraction = static_cast<double>(random() >> 11) * 0x1p-53;
    const double real = std::ldexp(fraction, static_cast<int>(random() % 70) - 36);
    bad += make_multiplier(real) == by_frexp(real) ? 0 : 1;
    zeros += make_multiplier(real).value == 0 ? 1 : 0;
  }
  CHECK(bad == 0);
  CHECK(zeros < 200'000);
}

TEST_CASE("multipliers at and beside every power of two") {
  for (int exponent = -1074; exponent <= 1023; ++exponent) {
    const double power = std::ldexp(1.0, exponent);
    check_equal(power);
    check_equal(std::nextafter(power, 0.0));
    check_equal(std::nextafter(power, 2 * power));
  }
}

TEST_CASE("a fraction on a tie of its 31st bit rounds up") {
  const double tie = 0.5 + 0x1p-32;  // 2^30 + 1/2
  CHECK(make_multiplier(tie) == Multiplier{(1 << 30) + 1, 0});
  CHECK(make_multiplier(std::nextafter(tie, 0.0)) == Multiplier{1 << 30, 0});
}

TEST_CASE("what is not a finite positive number gives zero") {
  using limits = std::numeric_limits<double>;
  for (const double real :
       {0.0, -0.0, -1.0, -limits::min(), limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
        -limits::quiet_NaN(), limits::signaling_NaN(), limits::denorm_min(), limits::min() / 2}) {
    CHECK(make_multiplier(real) == Multiplier{});
  }
}

TEST_CASE("the ends of the range") {
  CHECK(make_multiplier(0x1p-32) == Multiplier{1 << 30, -31});
  CHECK(make_multiplier(std::nextafter(0x1p-32, 0.0)) ==
        Multiplier{1 << 30, -31});  // rounds up into the range
  CHECK(make_multiplier(0x1p-32 * (1 - 0x1p-31)) == Multiplier{});
  CHECK(make_multiplier(std::nextafter(0x1p30, 0.0)) == Multiplier{INT32_MAX, 30});
  CHECK(make_multiplier(0x1p30) == Multiplier{INT32_MAX, 30});
  CHECK(make_multiplier(0x1p30 * (1 - 0x1p-30)) == Multiplier{INT32_MAX - 1, 30});
  CHECK(make_multiplier(1e300) == Multiplier{INT32_MAX, 30});
  CHECK(make_multiplier(1.0) == Multiplier{1 << 30, 1});
}

TEST_CASE("products of scales: in double, or in single precision first") {
  std::mt19937_64 random(3);
  const auto scale = [&] { return std::ldexp(1.0F + static_cast<float>(random() >> 41) * 0x1p-23F, -5); };
  long bad = 0;
  long differences = 0;
  for (int i = 0; i < 100'000; ++i) {
    const float input = scale();
    const float weight = scale();
    const float output = scale();
    const volatile float single = input * weight;
    const Multiplier in_double = make_multiplier(ScaleProduct::in_double, input, weight, output);
    const Multiplier in_single = make_multiplier(ScaleProduct::in_single_first, input, weight, output);
    bad += in_double == by_frexp(double{input} * double{weight} / double{output}) ? 0 : 1;
    bad += in_single == by_frexp(double{single} / double{output}) ? 0 : 1;
    differences += in_double == in_single ? 0 : 1;
  }
  CHECK(bad == 0);
  CHECK(differences > 1000);  // else the two are the same computation
}

TEST_CASE("degenerate scales give zero") {
  CHECK(make_multiplier(ScaleProduct::in_double, 0.0F, 1.0F, 1.0F) == Multiplier{});
  CHECK(make_multiplier(ScaleProduct::in_double, 1.0F, 1.0F, 0.0F) == Multiplier{});
  CHECK(make_multiplier(ScaleProduct::in_single_first, 0.0F, 1.0F, 0.0F) == Multiplier{});
  CHECK(make_multiplier(ScaleProduct::in_double, -1.0F, 1.0F, 1.0F) == Multiplier{});
}

static_assert(make_multiplier(0.75) == Multiplier{0x60000000, 0});
static_assert(make_multiplier(3.0) == Multiplier{0x60000000, 2});
