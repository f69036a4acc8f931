// SPDX-License-Identifier: Apache-2.0
/// @file quant/activation.cpp
/// Reals as quantized numbers, and the clamps of fused activations.
#include <doctest/doctest.h>

#include <cmath>
#include <kinglet/quant/activation.hpp>
#include <random>

using namespace kinglet;

TEST_CASE("reals: ties round away from zero") {
  const PerTensor q{2.0F, 0};
  CHECK(quantize_real(1.0F, q) == 1);
  CHECK(quantize_real(3.0F, q) == 2);
  CHECK(quantize_real(5.0F, q) == 3);
  CHECK(quantize_real(-1.0F, q) == -1);
  CHECK(quantize_real(-3.0F, q) == -2);
  CHECK(quantize_real(-5.0F, q) == -3);
  CHECK(quantize_real(0.0F, q) == 0);
}

TEST_CASE("reals beside a tie stay on their side") {
  const PerTensor unit{1.0F, 0};
  CHECK(quantize_real(0x1.fffffep-2F, unit) == 0);  // the float below one half: adding 0.5 in float gives 1
  CHECK(quantize_real(-0x1.fffffep-2F, unit) == 0);
  CHECK(quantize_real(0x1.000002p-1F, unit) == 1);
  CHECK(quantize_real(8388607.5F, unit) == 8388608);
  CHECK(quantize_real(8388609.0F, unit) == 8388609);  // adding 0.5 in float gives 8388610
}

TEST_CASE("reals: the quotient is rounded to single precision before it is rounded to an integer") {
  std::mt19937_64 random(1);
  long bad = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto real = std::ldexp(static_cast<float>(static_cast<std::int32_t>(random())), -28);
    const auto scale =
        std::ldexp(1.0F + static_cast<float>(random() >> 41) * 0x1p-23F, -4 - static_cast<int>(random() % 6));
    const auto zero_point = static_cast<std::int32_t>(random() % 256) - 128;
    const volatile float quotient = real / scale;
    bad += quantize_real(real, {scale, zero_point}) ==
                   static_cast<std::int32_t>(std::round(quotient)) + zero_point
               ? 0
               : 1;
  }
  CHECK(bad == 0);
}

TEST_CASE("reals out of range saturate and stay defined") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const PerTensor q{1.0F, 5};
  CHECK(quantize_real(infinity, q) >= 0x3fffffff);
  CHECK(quantize_real(3e38F, q) >= 0x3fffffff);
  CHECK(quantize_real(-infinity, q) <= -0x3fffffff);
  CHECK(quantize_real(nan, q) <= -0x3fffffff);
  CHECK(quantize_real(1.0F, {0.0F, 0}) >= 0x3fffffff);
  CHECK(quantize_real(-1.0F, {1e-45F, 0}) <= -0x3fffffff);
  CHECK(quantize_real(1073741760.0F, {1.0F, 0}) == 1073741760);  // the greatest float that does not saturate
}

TEST_CASE_TEMPLATE("no activation: the type's own range", T, std::int8_t, std::uint8_t, std::int16_t) {
  const ActivationRange range = activation_range<T>(Activation::none, {0.5F, 3});
  CHECK(range.min == std::numeric_limits<T>::min());
  CHECK(range.max == std::numeric_limits<T>::max());
}

TEST_CASE("activations clamp between the quantized ends") {
  const PerTensor q{0.05F, -20};
  CHECK(activation_range<std::int8_t>(Activation::relu, q) == ActivationRange{-20, 127});
  CHECK(activation_range<std::int8_t>(Activation::relu6, q) == ActivationRange{-20, 100});
  CHECK(activation_range<std::int8_t>(Activation::relu_n1_to_1, q) == ActivationRange{-40, 0});
  CHECK(activation_range<std::uint8_t>(Activation::relu6, {6.0F / 255, 0}) == ActivationRange{0, 255});
  CHECK(activation_range<std::int16_t>(Activation::relu6, {6.0F / 32767, 0}) == ActivationRange{0, 32767});
}

TEST_CASE("ends outside the type are cut to it") {
  CHECK(activation_range<std::int8_t>(Activation::relu6, {0.001F, -128}) == ActivationRange{-128, 127});
  CHECK(activation_range<std::int8_t>(Activation::relu_n1_to_1, {0.001F, 100}) == ActivationRange{-128, 127});
  CHECK(activation_range<std::uint8_t>(Activation::relu, {1.0F, -7}) == ActivationRange{0, 255});
  CHECK(activation_range<std::uint8_t>(Activation::relu6, {1e-45F, 3}) == ActivationRange{3, 255});
}

static_assert(activation_range<std::int8_t>(Activation::relu6, {6.0F / 255, -128}) ==
              ActivationRange{-128, 127});
