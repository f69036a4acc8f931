// SPDX-License-Identifier: Apache-2.0
/// @file kernels/convolution.cpp
/// What prepare makes of a convolution's scales.
#include <doctest/doctest.h>

#include <kinglet/kernels/convolution.hpp>

using namespace kinglet;

TEST_CASE("each element type and operator has its product of scales") {
  CHECK(convolution_scale_product<std::int8_t>() == ScaleProduct::in_double);
  CHECK(convolution_scale_product<std::int16_t>() == ScaleProduct::in_double);
  CHECK(convolution_scale_product<std::uint8_t>() == ScaleProduct::in_single_first);
  CHECK(fully_connected_scale_product(1) == ScaleProduct::in_single_first);
  CHECK(fully_connected_scale_product(2) == ScaleProduct::in_double);
}

TEST_CASE("one multiplier per channel; a single filter scale serves all") {
  constexpr float filter_scales[] = {0.5F, 0.25F, 3.0F};
  Multiplier found[3] = {};
  make_multipliers({{0.5F, 3}, {filter_scales, 0}, {2.0F, -7}, ScaleProduct::in_double}, found);
  CHECK(found[0] == Multiplier{1 << 30, -2});  // 1/8
  CHECK(found[1] == Multiplier{1 << 30, -3});  // 1/16
  CHECK(found[2] == Multiplier{3 << 29, 0});   // 3/4
  make_multipliers({{0.5F, 3}, {std::span(filter_scales, 1), 0}, {2.0F, -7}, ScaleProduct::in_double}, found);
  CHECK(found[2] == Multiplier{1 << 30, -2});
}

TEST_CASE("the product of scales is rounded to single precision, or is not") {
  Multiplier found[1] = {};
  constexpr float third[] = {0.3F};
  make_multipliers({{0.1F, 0}, {third, 0}, {1.0F, 0}, ScaleProduct::in_single_first}, found);
  CHECK(found[0] == make_multiplier(static_cast<double>(0.1F * 0.3F)));
  make_multipliers({{0.1F, 0}, {third, 0}, {1.0F, 0}, ScaleProduct::in_double}, found);
  CHECK(found[0] == make_multiplier(static_cast<double>(0.1F) * static_cast<double>(0.3F)));
  CHECK(found[0] != make_multiplier(static_cast<double>(0.1F * 0.3F)));
}
