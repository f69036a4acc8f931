// SPDX-License-Identifier: Apache-2.0
/// @file quant/params.cpp
/// Quantization parameters, and which arithmetic each conformance profile names.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/quant/params.hpp>
#include <kinglet/quant/profile.hpp>

using namespace kinglet;

TEST_CASE("per channel: one scale each, or one for all") {
  const std::array<float, 3> scales = {0.5F, 0.25F, 2.0F};
  const PerChannel each{scales, 0};
  CHECK(each.at(0) == 0.5F);
  CHECK(each.at(2) == 2.0F);
  const PerChannel one{std::span(scales).first(1), 0};
  CHECK(one.at(0) == 0.5F);
  CHECK(one.at(99) == 0.5F);
}

static_assert(Profile<profile::tflm> && Profile<profile::tflite> && Profile<profile::single>);
static_assert(!Profile<int> && !Profile<PerTensor>);

// What was measured: TFLite's matrix library rounds upward, its other kernels away from zero.
static_assert(std::same_as<profile::tflite::conv2d, double_rounding_upward>);
static_assert(std::same_as<profile::tflite::fully_connected, double_rounding_upward>);
static_assert(std::same_as<profile::tflite::depthwise, double_rounding>);
static_assert(std::same_as<profile::tflite::elementwise, double_rounding>);
static_assert(profile::tflite::mean == MeanArithmetic::floating_point);
static_assert(std::same_as<profile::tflm::conv2d, double_rounding> &&
              profile::tflm::mean == MeanArithmetic::fixed_point);
static_assert(std::same_as<profile::single::depthwise, single_rounding>);
