// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pool.cpp
/// Pools: the references against hand-computed results, the generic kernels against the references.
#include <doctest/doctest.h>

#include <kinglet/kernels/pool/generic.hpp>

#include "support/buffer.hpp"

using namespace kinglet;

namespace {

/// One window over a row of pixels with one channel.
template <class Kernel, QuantizedElement T>
int pool_row(const std::vector<T>& pixels, ActivationRange range = {-32768, 32767}) {
  const auto width = static_cast<index_t>(pixels.size());
  using Row = Extents<1, 1, dynamic_extent, 1>;
  T output = 0;
  Kernel::run({.window = {}, .filter_h = 1, .filter_w = width},
              pool::PoolTensors<T, Row, Extents<1, 1, 1, 1>>{{pixels.data(), Row(width)}, {&output}}, range);
  return output;
}

using Bytes = std::vector<std::int8_t>;

}  // namespace

TEST_CASE_TEMPLATE("AVERAGE_POOL_2D rounds halves away from zero", Kernel, pool::ReferenceAverage,
                   pool::GenericAverage) {
  CHECK(pool_row<Kernel>(Bytes{1, 2, 3, 4}) == 3);
  CHECK(pool_row<Kernel>(Bytes{-1, -2, -3, -4}) == -3);
  CHECK(pool_row<Kernel>(Bytes{-1, -1, -1, -2}) == -1);
  CHECK(pool_row<Kernel>(Bytes{1, 1, 1, 2}) == 1);
  CHECK(pool_row<Kernel>(Bytes{1, 1, 3}) == 2);
  CHECK(pool_row<Kernel>(Bytes{-1, -1, -3}) == -2);
  CHECK(pool_row<Kernel>(Bytes{-1, 1, 0, 0, 0}) == 0);
  CHECK(pool_row<Kernel>(Bytes{127, 127, 127}) == 127);
  CHECK(pool_row<Kernel>(Bytes{-128, -128}) == -128);
  CHECK(pool_row<Kernel>(std::vector<std::uint8_t>{255, 254}) == 255);
  CHECK(pool_row<Kernel>(std::vector<std::int16_t>(20000, -32768)) == -32768);
  CHECK(pool_row<Kernel>(Bytes{100, 100}, {-10, 10}) == 10);
  CHECK(pool_row<Kernel>(Bytes{-100, -100}, {-10, 10}) == -10);
}

TEST_CASE_TEMPLATE("MAX_POOL_2D takes the largest and clamps it", Kernel, pool::ReferenceMax,
                   pool::GenericMax) {
  constexpr ActivationRange bytes{-128, 127};
  CHECK(pool_row<Kernel>(Bytes{1, 7, 3, 4}, bytes) == 7);
  CHECK(pool_row<Kernel>(Bytes{-5, -128, -7}, bytes) == -5);
  CHECK(pool_row<Kernel>(Bytes{-128, -128}, bytes) == -128);
  CHECK(pool_row<Kernel>(Bytes{100, 3}, {-10, 10}) == 10);
  CHECK(pool_row<Kernel>(Bytes{-100, -30}, {-10, 10}) == -10);
  CHECK(pool_row<Kernel>(std::vector<std::uint8_t>{200, 3}, {0, 255}) == 200);
  CHECK(pool_row<Kernel>(std::vector<std::int16_t>{-30000, -20000}, {-32768, 32767}) == -20000);
}

TEST_CASE_TEMPLATE("pools leave out what lies outside the image", Kernels,
                   std::pair<pool::ReferenceAverage, pool::ReferenceMax>,
                   std::pair<pool::GenericAverage, pool::GenericMax>) {
  // A 3x3 window, padded by 1, on a 2x2 image sees all four pixels each time; with stride 2 on 3x3 it sees 4.
  const std::int8_t image[9] = {-10, -20, -30, -40, -50, -60, -70, -80, -91};
  std::int8_t output[4] = {};
  const pool::Pooling pooling{{.stride_h = 2, .stride_w = 2, .pad_top = 1, .pad_left = 1}, 3, 3};
  const pool::PoolTensors<std::int8_t, Extents<1, 3, 3, 1>, Extents<1, 2, 2, 1>> tensors{{image}, {output}};
  Kernels::first_type::run(pooling, tensors, {-128, 127});
  CHECK(output[0] == -30);  // 10 20 40 50
  CHECK(output[1] == -40);  // 20 30 50 60
  CHECK(output[2] == -60);  // 40 50 70 80
  CHECK(output[3] == -70);  // 50 60 80 91, -70.25
  Kernels::second_type::run(pooling, tensors, {-128, 127});
  CHECK(output[0] == -10);
  CHECK(output[3] == -50);
}

TEST_CASE("division by multiplication is exact up to 2^30") {
  test::Random random(29);
  for (std::int32_t n = 1; n <= (1 << 22); n += n < 3000 ? 1 : random.in(1, 100000)) {
    const pool::detail::Reciprocal reciprocal(n);
    for (int round = 0; round < 100; ++round) {
      const std::int32_t largest = (1 << 30) / n;
      const std::int32_t quotient = round < 3 ? largest - round : random.in(0, largest);
      for (const std::int32_t v : {quotient * n - 1, quotient * n, quotient * n + n / 2}) {
        if (v >= 0 && v <= 1 << 30) {
          REQUIRE(reciprocal.divide(v) == v / n);
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("pools generic equal references", T, std::int8_t, std::uint8_t, std::int16_t) {
  test::Random random(31);
  for (int round = 0; round < 400; ++round) {
    const pool::Pooling pooling{
        {.stride_h = random.in(1, 3), .stride_w = random.in(1, 3)}, random.in(1, 5), random.in(1, 5)};
    const Padding padding = random.one_in(2) ? Padding::same : Padding::valid;
    const Nhwc input(random.in(1, 2), random.in(pooling.filter_h, 9), random.in(pooling.filter_w, 9),
                     random.one_in(3) ? random.in(60, 200) : random.in(1, 20));
    pool::Pooling placed = pooling;
    const WindowExtent h =
        window_extent(padding, input.extent(1), pooling.filter_h, pooling.window.stride_h, 1);
    const WindowExtent w =
        window_extent(padding, input.extent(2), pooling.filter_w, pooling.window.stride_w, 1);
    placed.window.pad_top = h.pad_before;
    placed.window.pad_left = w.pad_before;
    const Nhwc output(input.extent(0), h.output, w.output, input.extent(3));
    const test::Buffer<T> from(input.size(), random);
    test::Buffer<T> expected(output.size());
    test::Buffer<T> found(output.size());
    const ActivationRange full{std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    const ActivationRange range = random.one_in(2) ? full : ActivationRange{full.min / 2 + 10, full.max / 2};
    const auto compare = [&]<class Reference, class Generic>(Reference, Generic) {
      using P = pool::PoolTensors<T, Nhwc, Nhwc>;
      Reference::run(placed, P{{from.data(), input}, {expected.data(), output}}, range);
      Generic::run(placed, P{{from.data(), input}, {found.data(), output}}, range);
      REQUIRE(found == expected);
    };
    compare(pool::ReferenceAverage{}, pool::GenericAverage{});
    compare(pool::ReferenceMax{}, pool::GenericMax{});
  }
}
