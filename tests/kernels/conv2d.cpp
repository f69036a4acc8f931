// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d.cpp
/// CONV_2D: the reference on cases computed by hand, and the other kernels equal to it everywhere.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/kernels/select.hpp>

#include "support/convolution.hpp"
#include "support/steps.hpp"

using namespace kinglet;
using test::Kind;
using test::Steps;

namespace {

struct Shape {
  index_t batch = 1;
  index_t height = 5;
  index_t width = 6;
  index_t channels = 3;
  index_t outputs = 4;
  index_t filter_h = 3;
  index_t filter_w = 3;
  index_t groups = 1;
};

using Kernels = test::Kernels<conv2d::Reference, conv2d::Generic, select::native::conv2d>;

/// Nothing as well where VALID padding leaves no output.
template <class K, template <class> class Memory = test::Misaligned>
std::string differing(const Shape& s, const Steps& steps, test::Random& random) {
  const test::Movement moved = steps.over({s.height, s.width, s.filter_h, s.filter_w});
  if (moved.height <= 0 || moved.width <= 0) {
    return "";
  }
  const Nhwc input{s.batch, s.height, s.width, s.channels};
  const Ohwi filter{s.outputs, s.filter_h, s.filter_w, s.channels / s.groups};
  const Nhwc output{s.batch, moved.height, moved.width, s.outputs};
  const std::size_t terms = filter.size() / static_cast<std::size_t>(s.outputs);
  test::RandomConvolution<K, Memory> c({input.size(), filter.size(), output.size(), s.outputs, terms},
                                       random);
  return c.template differing<Kernels>(input, filter, output, moved.window);
}

constexpr std::array<Multiplier, 4> ones{{{1 << 30, 1}, {1 << 30, 1}, {1 << 30, 1}, {1 << 30, 1}}};
constexpr OutputStage unscaled{ones.data(), 0, -128, 127};

}  // namespace

TEST_CASE("reference: taps outside the image count as real 0, not as element 0") {
  // 2x2 image, 3x3 filter of ones, SAME: every output sums the whole image.
  const std::int8_t input[] = {11, 12, 13, 14};
  const std::int8_t filter[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  std::int8_t output[4] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 2, 2, 1}}, {filter, {1, 3, 3, 1}}, nullptr, {output, {1, 2, 2, 1}}};
  conv2d::Reference::run<double_rounding>({1, 1, 1, 1, 1, 1}, tensors, {10, 0, unscaled});
  for (const std::int8_t element : output) {
    CHECK(element == 1 + 2 + 3 + 4);
  }
}

TEST_CASE("reference: stride and dilation pick the taps they should") {
  // Row 1 2 3 4 5 6 7; filter (1, 10) with dilation 2 and stride 3, VALID: 1 + 30, 4 + 60.
  const std::int8_t input[] = {1, 2, 3, 4, 5, 6, 7};
  const std::int8_t filter[] = {1, 10};
  std::int8_t output[2] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 7, 1}}, {filter, {1, 1, 2, 1}}, nullptr, {output, {1, 1, 2, 1}}};
  conv2d::Reference::run<double_rounding>({1, 3, 1, 2, 0, 0}, tensors, {0, 0, unscaled});
  CHECK(output[0] == 31);
  CHECK(output[1] == 64);
}

TEST_CASE("reference: zero points of both sides, bias, and the output's") {
  // (130 - 128) * (3 - 2) + (125 - 128) * (0 - 2) = 8; 8 + 5 = 13; 13 + 100 = 113.
  const std::uint8_t input[] = {130, 125};
  const std::uint8_t filter[] = {3, 0};
  const std::int32_t bias[] = {5};
  std::uint8_t output[1] = {};
  const Convolution<std::uint8_t, std::uint8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 1, 2}}, {filter, {1, 1, 1, 2}}, bias, {output, {1, 1, 1, 1}}};
  conv2d::Reference::run<double_rounding>({}, tensors, {128, 2, {ones.data(), 100, 0, 255}});
  CHECK(output[0] == 113);
}

TEST_CASE("reference: each group of outputs reads its own channels, each output has its multiplier") {
  // Channels (1, 2 | 3, 4), filters (1, 1), (1, -1) | (10, 1), (-1, 0): 3, -1 | 34, -3; scaled by 1, 2, 1/2, 4.
  const std::int8_t input[] = {1, 2, 3, 4};
  const std::int8_t filter[] = {1, 1, 1, -1, 10, 1, -1, 0};
  const Multiplier multipliers[] = {{1 << 30, 1}, {1 << 30, 2}, {1 << 30, 0}, {1 << 30, 3}};
  std::int8_t output[4] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 1, 4}}, {filter, {4, 1, 1, 2}}, nullptr, {output, {1, 1, 1, 4}}};
  conv2d::Reference::run<double_rounding>({}, tensors, {0, 0, {multipliers, 0, -128, 127}});
  CHECK(output[0] == 3);
  CHECK(output[1] == -2);
  CHECK(output[2] == 17);
  CHECK(output[3] == -12);
}

TEST_CASE("reference: the policy decides a tie below zero, the clamp comes last") {
  // -6 / 4 = -1.5 and 1000 / 4.
  const std::int8_t input[] = {1};
  const std::int8_t filter[] = {-6, 100};
  const std::int32_t bias[] = {0, 900};
  const Multiplier quarter[] = {{1 << 30, -1}, {1 << 30, -1}};
  std::int8_t output[2] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 1, 1}}, {filter, {2, 1, 1, 1}}, bias, {output, {1, 1, 1, 2}}};
  const ConvolutionQuantization q{0, 0, {quarter, 7, -128, 90}};
  conv2d::Reference::run<double_rounding>({}, tensors, q);
  CHECK(output[0] == -2 + 7);
  CHECK(output[1] == 90);
  conv2d::Reference::run<double_rounding_upward>({}, tensors, q);
  CHECK(output[0] == -1 + 7);
}

TEST_CASE("reference: sums wrap") {
  // (2^31 - 1) + 1 = -2^31, which a multiplier of 2^-31 makes -1.
  const std::int8_t input[] = {1};
  const std::int8_t filter[] = {1};
  const std::int32_t bias[] = {INT32_MAX};
  const Multiplier tiny[] = {{1 << 30, -30}};
  std::int8_t output[1] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 1, 1}}, {filter, {1, 1, 1, 1}}, bias, {output, {1, 1, 1, 1}}};
  conv2d::Reference::run<double_rounding>({}, tensors, {0, 0, {tiny, 0, -128, 127}});
  CHECK(output[0] == -1);
}

TEST_CASE_TEMPLATE("kernels equal reference: filters, strides, dilations, padding", K,
                   KINGLET_CONVOLUTION_KINDS) {
  test::Random random(11);
  constexpr std::array<std::array<index_t, 2>, 7> filters{
      {{1, 1}, {1, 3}, {2, 2}, {3, 3}, {5, 5}, {10, 4}, {4, 1}}};
  for (const auto& filter : filters) {
    for (const Padding padding : {Padding::same, Padding::valid}) {
      for (index_t strides = 0; strides < 9; ++strides) {
        for (index_t dilations = 0; dilations < 4; ++dilations) {
          const Shape s{.height = random.in(1, 12),
                        .width = random.in(1, 9),
                        .channels = random.in(1, 4),
                        .outputs = random.in(1, 5),
                        .filter_h = filter[0],
                        .filter_w = filter[1]};
          const Steps steps = Steps::draw(padding, strides, dilations, random);
          CAPTURE(s.height);
          CAPTURE(s.width);
          CAPTURE(s.filter_h);
          CAPTURE(strides);
          CAPTURE(dilations);
          CAPTURE(steps.top);
          CAPTURE(steps.left);
          CHECK(differing<K>(s, steps, random) == "");
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: channels and outputs", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(12);
  for (const index_t channels : test::channel_counts) {
    CAPTURE(channels);
    const Shape deep{.height = 3, .width = 5, .channels = channels, .outputs = random.in(1, 70)};
    const Shape wide{.height = 5, .width = 7, .channels = random.in(1, 4), .outputs = channels};
    CHECK(differing<K>(deep, {}, random) == "");
    CHECK(differing<K>(wide, {}, random) == "");
    CHECK(differing<K>(wide, {Padding::same, 1, 1, 1, 2}, random) == "");
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: groups, batches, single pixels", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(13);
  for (const index_t groups : {2, 3, 5}) {
    for (const index_t outputs_per_group : {1, 2, 17}) {
      for (const index_t batch : {1, 2}) {
        const Shape s{.batch = batch,
                      .height = 4,
                      .width = 3,
                      .channels = 3 * groups,
                      .outputs = outputs_per_group * groups,
                      .filter_w = 2,
                      .groups = groups};
        CAPTURE(groups);
        CAPTURE(outputs_per_group);
        CHECK(differing<K>(s, {}, random) == "");
        CHECK(differing<K>(s, {Padding::valid, 1, 1, 2, 2}, random) == "");
      }
    }
  }
  for (const index_t filter : {1, 2, 3, 5}) {
    const Shape s{.batch = 2,
                  .height = 1,
                  .width = 1,
                  .channels = 5,
                  .outputs = 18,
                  .filter_h = filter,
                  .filter_w = filter};
    CHECK(differing<K>(s, {}, random) == "");
  }
}

TEST_CASE_TEMPLATE("kernels stay inside their memory", K, Kind<std::int8_t, std::int8_t, double_rounding>,
                   Kind<std::uint8_t, std::uint8_t, double_rounding>,
                   Kind<std::int16_t, std::int8_t, double_rounding>) {
  test::Random random(15);
  for (const index_t channels : test::channel_counts) {
    CAPTURE(channels);
    const Shape s{.height = random.in(2, 5),
                  .width = random.in(2, 7),
                  .channels = channels,
                  .outputs = random.in(1, 65),
                  .filter_h = random.in(1, 3),
                  .filter_w = random.in(1, 3)};
    CHECK(differing<K, test::Guarded>(s, {}, random) == "");
    CHECK(differing<K, test::Guarded>(s, {Padding::valid, 2, 1}, random) == "");
  }
}

TEST_CASE("kernels equal reference: shapes known to the compiler") {
  using K = Kind<std::int8_t, std::int8_t, double_rounding>;
  using Input = Extents<1, 5, 7, 3>;
  using Filter = Extents<6, 3, 3, 3>;
  using Output = Extents<1, 3, 4, 6>;
  test::Random random(14);
  test::RandomConvolution<K> c({Input{}.size(), Filter{}.size(), Output{}.size(), 6, 27}, random);
  CHECK(c.differing<Kernels>(Input{}, Filter{}, Output{}, Window{2, 2, 1, 1, 1, 1}) == "");
}
