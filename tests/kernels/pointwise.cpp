// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise.cpp
/// 1x1 CONV_2D: the reference equals CONV_2D's, and the generic kernel equals it everywhere.
#include <doctest/doctest.h>

#include <kinglet/kernels/conv2d/reference.hpp>
#include <kinglet/kernels/pointwise/generic.hpp>

#include "support/convolution.hpp"

using namespace kinglet;
using test::Kind;

namespace {

struct Shape {
  index_t batch = 1;
  index_t height = 1;
  index_t width = 1;
  index_t channels = 1;
  index_t outputs = 1;
};

template <class K>
bool agree(const Shape& s, test::Random& random) {
  const Nhwc input{s.batch, s.height, s.width, s.channels};
  const Ohwi filter{s.outputs, 1, 1, s.channels};
  const Nhwc output{s.batch, s.height, s.width, s.outputs};
  test::RandomConvolution<K> c(
      {input.size(), filter.size(), output.size(), s.outputs, static_cast<std::size_t>(s.channels)}, random);
  const auto tensors = c.tensors(c.actual, input, filter, output);
  pointwise::Reference::run<typename K::R>(c.tensors(c.expected, input, filter, output), c.q);
  pointwise::Generic::run<typename K::R>(tensors, c.q, c.scratch(pointwise::Generic::scratch_bytes(tensors)));
  return c.agree();
}

}  // namespace

TEST_CASE("reference: channels of a pixel times channels of a filter") {
  const std::int8_t input[] = {1, 2, 3, 4};
  const std::int8_t filter[] = {1, 10, -1, 0, 5, 5};
  const std::int32_t bias[] = {0, 1, -11};
  const Multiplier one[] = {{1 << 30, 1}, {1 << 30, 1}, {1 << 30, -1}};
  std::int8_t output[6] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 2, 2}}, {filter, {3, 1, 1, 2}}, bias, {output, {1, 1, 2, 3}}};
  pointwise::Reference::run<double_rounding>(tensors, {1, 0, {one, 0, -128, 127}});
  CHECK(output[0] == 10);
  CHECK(output[1] == 1);
  CHECK(output[2] == -2);  // (5 - 11) / 4 = -1.5, away from zero
  CHECK(output[3] == 32);
  CHECK(output[4] == -1);
  CHECK(output[5] == 4);  // (25 - 11) / 4 = 3.5
}

TEST_CASE_TEMPLATE("reference equals CONV_2D's", K, Kind<std::int8_t, std::int8_t, double_rounding_upward>,
                   Kind<std::int16_t, std::int8_t, double_rounding>) {
  using R = typename K::R;
  test::Random random(31);
  const Nhwc input{2, 3, 4, 7};
  const Ohwi filter{5, 1, 1, 7};
  const Nhwc output{2, 3, 4, 5};
  test::RandomConvolution<K> c({input.size(), filter.size(), output.size(), 5, 7}, random);
  static_cast<void>(c.scratch(0));
  conv2d::Reference::run<R>({}, c.tensors(c.expected, input, filter, output), c.q);
  pointwise::Reference::run<R>(c.tensors(c.actual, input, filter, output), c.q);
  CHECK(c.agree());
}

TEST_CASE_TEMPLATE("generic equals reference", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(32);
  for (const index_t channels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 32, 33, 96}) {
    for (const index_t outputs : {1, 2, 15, 16, 17, 33}) {
      const Shape s{random.in(1, 2), random.in(1, 4), random.in(1, 5), channels, outputs};
      CAPTURE(s.batch * s.height * s.width);
      CAPTURE(channels);
      CAPTURE(outputs);
      CHECK(agree<K>(s, random));
    }
  }
  for (index_t pixels = 1; pixels <= 9; ++pixels) {
    CAPTURE(pixels);
    CHECK(agree<K>({1, 1, pixels, 18, 3}, random));
  }
}

TEST_CASE("generic equals reference: sums that wrap without a bias' help") {
  // 255 * 255 * 70000 is more than 2^32. Both ways of the kernel: filters in place, and tiles.
  using K = Kind<std::uint8_t, std::uint8_t, double_rounding>;
  for (const index_t pixels : {1, 5}) {
    const Nhwc input{1, 1, pixels, 70000};
    const Ohwi filter{2, 1, 1, 70000};
    const Nhwc output{1, 1, pixels, 2};
    test::Random random(33);
    test::RandomConvolution<K> c({input.size(), filter.size(), output.size(), 2, 70000}, random);
    std::fill(c.input.begin(), c.input.end(), std::uint8_t{255});
    std::fill(c.filter.begin(), c.filter.end(), std::uint8_t{255});
    c.multipliers = {{1 << 30, -23}, {1 << 30, -24}};
    c.q = {0, 0, {c.multipliers.data(), 0, 0, 255}};
    const auto tensors = c.tensors(c.actual, input, filter, output);
    pointwise::Reference::run<double_rounding>(c.tensors(c.expected, input, filter, output), c.q);
    pointwise::Generic::run<double_rounding>(tensors, c.q,
                                             c.scratch(pointwise::Generic::scratch_bytes(tensors)));
    CHECK(c.agree());
  }
}

TEST_CASE("generic equals reference: shapes known to the compiler") {
  using K = Kind<std::int8_t, std::int8_t, double_rounding>;
  using Input = Extents<1, 3, 3, 10>;
  using Filter = Extents<6, 1, 1, 10>;
  using Output = Extents<1, 3, 3, 6>;
  test::Random random(34);
  test::RandomConvolution<K> c({Input{}.size(), Filter{}.size(), Output{}.size(), 6, 10}, random);
  const auto tensors = c.tensors(c.actual, Input{}, Filter{}, Output{});
  pointwise::Reference::run<double_rounding>(decay(c.tensors(c.expected, Input{}, Filter{}, Output{})), c.q);
  pointwise::Generic::run<double_rounding>(tensors, c.q,
                                           c.scratch(pointwise::Generic::scratch_bytes(tensors)));
  CHECK(c.agree());
}
