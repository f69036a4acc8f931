// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pad.cpp
/// PAD: the reference by hand, the generic kernel against it.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/kernels/pad/generic.hpp>

#include "support/buffer.hpp"

using namespace kinglet;

TEST_CASE_TEMPLATE("PAD by hand", Kernel, pad::Reference, pad::Generic) {
  const std::int8_t input[] = {1, 2, 3, 4};
  using Tensors = pad::PadTensors<std::int8_t, Extents<1, 2, 2, 1>, Extents<1, 3, 4, 1>>;
  std::array<std::int8_t, 12> output{};
  Kernel::run({{0, 1, 1, 0}}, Tensors{{input}, {output.data()}}, -9);
  CHECK(output == std::array<std::int8_t, 12>{-9, -9, -9, -9, -9, 1, 2, -9, -9, 3, 4, -9});
  using Channels = pad::PadTensors<std::int8_t, Extents<1, 1, 2, 2>, Extents<2, 1, 2, 4>>;
  std::array<std::int8_t, 16> deeper{};
  Kernel::run({{1, 0, 0, 1}}, Channels{{input}, {deeper.data()}}, 7);
  CHECK(deeper == std::array<std::int8_t, 16>{7, 7, 7, 7, 7, 7, 7, 7, 7, 1, 2, 7, 7, 3, 4, 7});
}

TEST_CASE_TEMPLATE("PAD generic equals reference", T, std::int8_t, std::uint8_t, std::int16_t, std::int32_t) {
  test::Random random(37);
  for (int round = 0; round < 500; ++round) {
    index_t in[4];
    index_t out[4];
    pad::PadAmounts amounts;
    for (std::size_t d = 0; d < 4; ++d) {
      in[d] = random.in(1, d == 3 ? 40 : 5);
      amounts.before[d] = random.one_in(2) ? 0 : random.in(0, 3);
      out[d] = in[d] + amounts.before[d] + (random.one_in(2) ? 0 : random.in(0, 3));
    }
    const Nhwc input(in[0], in[1], in[2], in[3]);
    const Nhwc output(out[0], out[1], out[2], out[3]);
    const test::Buffer<T> from(input.size(), random);
    test::Buffer<T> expected(output.size());
    test::Buffer<T> found(output.size());
    const T value = random.element<T>();
    using P = pad::PadTensors<T, Nhwc, Nhwc>;
    pad::Reference::run(amounts, P{{from.data(), input}, {expected.data(), output}}, value);
    pad::Generic::run(amounts, P{{from.data(), input}, {found.data(), output}}, value);
    REQUIRE(found == expected);
  }
}
