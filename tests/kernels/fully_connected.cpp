// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected.cpp
/// FULLY_CONNECTED: the reference on a case computed by hand, and the other kernels equal to it everywhere.
#include <doctest/doctest.h>

#include <kinglet/kernels/select.hpp>

#include "support/convolution.hpp"

using namespace kinglet;
using test::Kind;

namespace {

using Matrix = Extents<dynamic_extent, dynamic_extent>;

using Kernels =
    test::Kernels<fully_connected::Reference, fully_connected::Generic, select::native::fully_connected>;

template <class K, template <class> class Memory = test::Misaligned>
std::string differing(const Matrix& input, index_t outputs, test::Random& random) {
  const Matrix filter{outputs, input.extent(1)};
  const Matrix output{input.extent(0), outputs};
  test::RandomConvolution<K, Memory> c(
      {input.size(), filter.size(), output.size(), outputs, static_cast<std::size_t>(input.extent(1))},
      random);
  return c.template differing<Kernels>(input, filter, output);
}

}  // namespace

TEST_CASE("reference: a vector of the batch times each filter") {
  // Inputs (1, 2), (3, -1) less 1; filters (10, 1), (-3, 7).
  const std::int8_t input[] = {1, 2, 3, -1};
  const std::int8_t filter[] = {10, 1, -3, 7};
  const std::int32_t bias[] = {100, -2};
  const Multiplier multipliers[] = {{1 << 30, 1}, {1 << 30, -1}};
  std::int8_t output[4] = {};
  const Convolution<std::int8_t, std::int8_t, Matrix, Matrix, Matrix> tensors{
      {input, {2, 2}}, {filter, {2, 2}}, bias, {output, {2, 2}}};
  fully_connected::Reference::run<double_rounding>(tensors, {1, 0, {multipliers, -3, -128, 127}});
  CHECK(output[0] == 98);   // 1 + 100 - 3
  CHECK(output[1] == -1);   // (7 - 2) / 4 rounded twice, 2.5 to 3 and 1.5 to 2; less 3
  CHECK(output[2] == 115);  // 20 - 2 + 100 - 3
  CHECK(output[3] == -9);   // (-6 - 14 - 2) / 4 = -5.5, away from zero
  fully_connected::Reference::run<double_rounding_upward>(tensors, {1, 0, {multipliers, -3, -128, 127}});
  CHECK(output[3] == -8);
  fully_connected::Reference::run<single_rounding>(tensors, {1, 0, {multipliers, -3, -128, 127}});
  CHECK(output[1] == -2);  // 1.25 rounded once
}

TEST_CASE("reference: 16-bit activations sum in 64 bits") {
  // 32767 * 127 * 1000 is more than 2^31; 2^-17 of it is 31749.
  const std::vector<std::int16_t> input(1000, 32767);
  const std::vector<std::int8_t> filter(1000, 127);
  const Multiplier multiplier[] = {{1 << 30, -16}};
  std::int16_t output[1] = {};
  const Convolution<std::int16_t, std::int8_t, Matrix, Matrix, Matrix> tensors{
      {input.data(), {1, 1000}}, {filter.data(), {1, 1000}}, nullptr, {output, {1, 1}}};
  fully_connected::Reference::run<double_rounding>(tensors, {0, 0, {multiplier, 0, -32768, 32767}});
  CHECK(output[0] == 31749);  // 4161409000 / 131072 = 31749.03
}

TEST_CASE_TEMPLATE("kernels equal reference", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(41);
  for (const index_t depth : test::channel_counts) {
    for (const index_t batch : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 25}) {
      const index_t outputs = test::channel_counts[random.in<std::size_t>(0, 31)];
      CAPTURE(depth);
      CAPTURE(batch);
      CAPTURE(outputs);
      CHECK(differing<K>({batch, depth}, outputs, random) == "");
    }
  }
}

TEST_CASE_TEMPLATE("kernels stay inside their memory", K, Kind<std::int8_t, std::int8_t, double_rounding>,
                   Kind<std::uint8_t, std::uint8_t, double_rounding>,
                   Kind<std::int16_t, std::int8_t, double_rounding>) {
  test::Random random(43);
  for (const index_t depth : test::channel_counts) {
    CAPTURE(depth);
    CHECK(differing<K, test::Guarded>({random.in(1, 14), depth}, random.in(1, 150), random) == "");
  }
}

TEST_CASE("kernels equal reference: shapes known to the compiler") {
  using K = Kind<std::int8_t, std::int8_t, double_rounding>;
  using Input = Extents<1, 21>;
  using Filter = Extents<5, 21>;
  using Output = Extents<1, 5>;
  test::Random random(42);
  test::RandomConvolution<K> c({Input{}.size(), Filter{}.size(), Output{}.size(), 5, 21}, random);
  CHECK(c.differing<Kernels>(Input{}, Filter{}, Output{}) == "");
}
