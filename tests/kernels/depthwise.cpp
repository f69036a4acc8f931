// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise.cpp
/// DEPTHWISE_CONV_2D: the reference on cases computed by hand, and the other kernels equal to it everywhere.
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
  index_t width = 4;
  index_t channels = 3;
  index_t depth_multiplier = 1;
  index_t filter_h = 3;
  index_t filter_w = 3;
};

using Kernels = test::Kernels<depthwise::Reference, depthwise::Generic, select::native::depthwise>;

/// Nothing as well where VALID padding leaves no output.
template <class K, template <class> class Memory = test::Misaligned>
std::string differing(const Shape& s, const Steps& steps, test::Random& random) {
  const test::Movement moved = steps.over({s.height, s.width, s.filter_h, s.filter_w});
  if (moved.height <= 0 || moved.width <= 0) {
    return "";
  }
  Window window = moved.window;
  if (s.batch == 1 && random.one_in(3)) {  // rows go round in their memory
    window.ring = s.height;
    window.ring_first = random.in(0, s.height - 1);
  }
  const index_t outputs = s.channels * s.depth_multiplier;
  const Nhwc input{s.batch, s.height, s.width, s.channels};
  const Nhwc filter{1, s.filter_h, s.filter_w, outputs};
  const Nhwc output{s.batch, moved.height, moved.width, outputs};
  const std::size_t terms = filter.size() / static_cast<std::size_t>(outputs);
  test::RandomConvolution<K, Memory> c({input.size(), filter.size(), output.size(), outputs, terms}, random);
  return c.template differing<Kernels>(input, filter, output, window);
}

}  // namespace

TEST_CASE("reference: output channel o reads input channel o / multiplier") {
  // Two channels, multiplier 2: 1 * (1, 2) and 3 * (3, 4); scaled by 1, 2, 1, 1/2.
  const std::int8_t input[] = {1, 3};
  const std::int8_t filter[] = {1, 2, 3, 4};
  const std::int32_t bias[] = {0, 10, 0, 0};
  const Multiplier multipliers[] = {{1 << 30, 1}, {1 << 30, 2}, {1 << 30, 1}, {1 << 30, 0}};
  std::int8_t output[4] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 1, 2}}, {filter, {1, 1, 1, 4}}, bias, {output, {1, 1, 1, 4}}};
  depthwise::Reference::run<double_rounding>({}, tensors, {0, 0, {multipliers, 0, -128, 127}});
  CHECK(output[0] == 1);
  CHECK(output[1] == 24);
  CHECK(output[2] == 9);
  CHECK(output[3] == 6);
}

TEST_CASE("reference: padding is real 0, stride and dilation step over pixels") {
  // Column 1..5 of zero point 1, filter (1, 10, 100) of dilation 2, stride 2, 2 rows of padding:
  // taps at -2, 0, 2; 0, 2, 4; 2, 4, 6.
  const std::uint8_t input[] = {1, 2, 3, 4, 5};
  const std::uint8_t filter[] = {3, 12, 102};
  const Multiplier one[] = {{1 << 30, 1}};
  std::uint8_t output[3] = {};
  const Convolution<std::uint8_t, std::uint8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 5, 1, 1}}, {filter, {1, 3, 1, 1}}, nullptr, {output, {1, 3, 1, 1}}};
  depthwise::Reference::run<double_rounding>({2, 1, 2, 1, 2, 0}, tensors, {1, 2, {one, 0, 0, 255}});
  CHECK(output[0] == 200);
  CHECK(output[1] == 255);  // 20 + 400
  CHECK(output[2] == 42);
}

TEST_CASE("reference: rows of the image may go round in their memory") {
  // A column 1, 2, 3 that begins in the second of its three places; sums of two rows.
  const std::int8_t input[] = {3, 1, 2};
  const std::int8_t filter[] = {1, 1};
  const Multiplier multiplier[] = {{1 << 30, 1}};
  std::int8_t output[2] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 3, 1, 1}}, {filter, {1, 2, 1, 1}}, nullptr, {output, {1, 2, 1, 1}}};
  depthwise::Reference::run<double_rounding>({.ring = 3, .ring_first = 1}, tensors,
                                             {0, 0, {multiplier, 0, -128, 127}});
  CHECK(output[0] == 1 + 2);
  CHECK(output[1] == 2 + 3);
}

TEST_CASE_TEMPLATE("kernels equal reference: filters, strides, dilations, padding", K,
                   KINGLET_CONVOLUTION_KINDS) {
  test::Random random(21);
  constexpr std::array<std::array<index_t, 2>, 12> filters{
      {{1, 1}, {1, 3}, {2, 3}, {3, 3}, {4, 3}, {3, 1}, {2, 2}, {4, 4}, {5, 5}, {10, 4}, {16, 2}, {17, 3}}};
  for (const auto& filter : filters) {
    for (const Padding padding : {Padding::same, Padding::valid}) {
      for (index_t strides = 0; strides < 9; ++strides) {
        for (index_t dilations = 0; dilations < 4; ++dilations) {
          const Shape s{.height = random.in(1, 12),
                        .width = random.one_in(4) ? random.in(15, 35) : random.in(1, 9),
                        .channels = random.one_in(4) ? random.in(60, 70) : random.in(1, 20),
                        .filter_h = filter[0],
                        .filter_w = filter[1]};
          const Steps steps = Steps::draw(padding, strides, dilations, random);
          CAPTURE(s.height);
          CAPTURE(s.width);
          CAPTURE(s.channels);
          CAPTURE(s.filter_h);
          CAPTURE(s.filter_w);
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

TEST_CASE_TEMPLATE("kernels equal reference: channels and depth multipliers", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(22);
  for (const index_t channels : test::channel_counts) {
    for (const index_t depth_multiplier : {1, 2, 3, 8}) {
      CAPTURE(channels);
      CAPTURE(depth_multiplier);
      const Shape s{.batch = random.in(1, 2), .channels = channels, .depth_multiplier = depth_multiplier};
      CHECK(differing<K>(s, {}, random) == "");
    }
  }
  for (const index_t filter : {1, 2, 3, 5}) {
    CHECK(differing<K>({.height = 1, .width = 1, .channels = 19, .filter_h = filter, .filter_w = filter}, {},
                       random) == "");
  }
}

TEST_CASE("kernels equal reference: signed weights of unsigned activations") {
  test::Random random(26);
  for (const index_t channels : test::channel_counts) {
    for (const index_t filter : {3, 5}) {
      CAPTURE(channels);
      const Shape s{.channels = channels, .filter_h = filter, .filter_w = filter};
      CHECK(differing<Kind<std::uint8_t, std::int8_t, double_rounding>>(s, {}, random) == "");
    }
  }
}

TEST_CASE_TEMPLATE("kernels stay inside their memory", K, Kind<std::int8_t, std::int8_t, double_rounding>,
                   Kind<std::uint8_t, std::uint8_t, double_rounding>,
                   Kind<std::int16_t, std::int8_t, double_rounding>) {
  test::Random random(24);
  for (const index_t channels : test::channel_counts) {
    CAPTURE(channels);
    for (const index_t filter : {1, 3, 5}) {
      const Shape s{.channels = channels, .filter_h = filter, .filter_w = filter};
      CHECK(differing<K, test::Guarded>(s, {}, random) == "");
      CHECK(differing<K, test::Guarded>(s, {Padding::valid, 1, 2}, random) == "");
    }
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: scaled sums that wrap when the zero point is added", K,
                   Kind<std::int8_t, std::int8_t, double_rounding>,
                   Kind<std::uint8_t, std::uint8_t, double_rounding>) {
  using T = typename K::T;
  test::Random random(25);
  test::RandomConvolution<K> c({5 * 64, 9 * 64, 5 * 64, 64, 9}, random);
  c.has_bias = true;
  std::fill(c.filter.begin(), c.filter.end(), static_cast<typename K::W>(0));
  for (const T zero_point : {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()}) {
    for (std::size_t o = 0; o < 64; ++o) {
      const std::int32_t below = random.in(0, 400);
      c.bias.data()[o] = o % 2 != 0 ? INT32_MAX - below : INT32_MIN + below;
      c.multipliers[o] = {INT32_MAX, 0};  // one, nearly
    }
    c.q = {3,
           0,
           {c.multipliers.data(), zero_point, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()}};
    CHECK(c.template differing<Kernels>(Nhwc{1, 1, 5, 64}, Nhwc{1, 3, 3, 64}, Nhwc{1, 1, 5, 64},
                                        Window{1, 1, 1, 1, 1, 1}) == "");
  }
}

TEST_CASE("kernels equal reference: shapes known to the compiler") {
  using K = Kind<std::uint8_t, std::uint8_t, double_rounding>;
  using Input = Extents<1, 6, 5, 16>;
  using Filter = Extents<1, 3, 3, 16>;
  using Output = Extents<1, 3, 3, 16>;
  test::Random random(23);
  test::RandomConvolution<K> c({Input{}.size(), Filter{}.size(), Output{}.size(), 16, 9}, random);
  CHECK(c.differing<Kernels>(Input{}, Filter{}, Output{}, Window{2, 2, 1, 1, 0, 1}) == "");
}
