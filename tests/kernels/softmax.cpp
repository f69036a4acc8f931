// SPDX-License-Identifier: Apache-2.0
/// @file kernels/softmax.cpp
/// SOFTMAX: its table against the C library's exponential, its outputs by hand and against the formula.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <kinglet/kernels/softmax/generic.hpp>

#include "support/buffer.hpp"

using namespace kinglet;

namespace {

using Table = std::array<float, 256>;
using Rows = Extents<dynamic_extent, dynamic_extent>;

template <class Kernel, QuantizedElement T, QuantizedElement U = T>
std::vector<U> softmax_row(const std::vector<T>& input, const Table& table) {
  const Rows shape(1, static_cast<index_t>(input.size()));
  std::vector<U> output(input.size());
  const softmax::SoftmaxQuantization q{table.data(), sizeof(U) == 2 ? 1.0F / 65536 : 1.0F / 256,
                                       std::numeric_limits<U>::min()};
  Kernel::run(softmax::SoftmaxTensors<T, U, Rows, Rows>{{input.data(), shape}, {output.data(), shape}}, q);
  return output;
}

template <class T>
using Values = std::vector<T>;
using Signed = Values<std::int8_t>;
using Unsigned = Values<std::uint8_t>;

}  // namespace

TEST_CASE("SOFTMAX's table is the correctly rounded exponential") {
  test::Random random(41);
  int above_library = 0;
  int entries = 0;
  for (int round = 0; round < 2000; ++round) {
    const float scale = round == 0 ? 1.0F : std::exp2(test::real_in(random, -12.0F, 1.5F));
    const float beta = random.one_in(3) ? test::real_in(random, 0.1F, 4.0F) : 1.0F;
    Table table;
    softmax::make_softmax_table(scale, beta, table);
    const volatile float step = -scale * beta;
    for (int k = 0; k < 256; ++k) {
      const volatile float x = step * static_cast<float>(k);
      REQUIRE(table[static_cast<std::size_t>(k)] ==
              static_cast<float>(std::exp(static_cast<long double>(x))));
      ++entries;
      // The library's own single-precision function is not correctly rounded, but never far off.
      const float library = std::exp(static_cast<float>(x));
      const float found = table[static_cast<std::size_t>(k)];
      above_library += library != found ? 1 : 0;
      REQUIRE((library == found || std::nextafter(library, found) == found));
    }
  }
  MESSAGE(entries, " entries, ", above_library, " differ from this C library's expf in the last bit");
  constexpr auto at_compile_time = [] {
    Table table{};
    softmax::make_softmax_table(0.1F, 1.0F, table);
    return table;
  }();
  Table table;
  softmax::make_softmax_table(0.1F, 1.0F, table);
  CHECK(table == at_compile_time);
}

TEST_CASE_TEMPLATE("SOFTMAX by hand", Kernel, softmax::Reference, softmax::Generic) {
  Table halves;  // e^-k in base 2: all sums are exact
  for (std::size_t k = 0; k < 256; ++k) {
    halves[k] = std::ldexp(1.0F, -static_cast<int>(k));
  }
  CHECK(softmax_row<Kernel>(Signed{1, 0, 0}, halves) == Signed{0, -64, -64});
  CHECK(softmax_row<Kernel>(Unsigned{0, 1, 0}, halves) == Unsigned{64, 128, 64});
  CHECK(softmax_row<Kernel>(Signed{-128, -127, -128}, halves) == Signed{-64, 0, -64});
  CHECK(softmax_row<Kernel>(Signed{127, -128}, halves) == Signed{127, -128});  // 256 and nearly 0
  CHECK(softmax_row<Kernel>(Unsigned{255, 0}, halves) == Unsigned{255, 0});
  CHECK(softmax_row<Kernel>(Signed{-77}, halves) == Signed{127});
  CHECK(softmax_row<Kernel>(Signed{5, 5, 5, 5}, halves) == Signed{-64, -64, -64, -64});
  using Words = Values<std::int16_t>;
  CHECK(softmax_row<Kernel, std::int8_t, std::int16_t>(Signed{1, 0, 0}, halves) == Words{0, -16384, -16384});
  CHECK(softmax_row<Kernel, std::int8_t, std::int16_t>(Signed{9}, halves) == Words{32767});
}

TEST_CASE("SOFTMAX at and just below one half") {
  // The entries sum up to 1, so that p = 256 * entry.
  Table table{};
  table[0] = 1.0F - 0x1p-9F;
  table[1] = 0x1p-9F;  // p = 0.5
  CHECK(softmax_row<softmax::Reference>(Signed{1, 0}, table) == Signed{127, -127});
  CHECK(softmax_row<softmax::Reference>(Unsigned{1, 0}, table) == Unsigned{255, 1});
  table[1] = (0.5F - 0x1p-25F) / 256;  // p + 0.5 in single precision is 1
  CHECK(softmax_row<softmax::Reference>(Signed{1, 0}, table) == Signed{127, -128});
  CHECK(softmax_row<softmax::Reference>(Unsigned{1, 0}, table) == Unsigned{255, 1});
  table[1] = (0.5F - 0x1p-24F) / 256;
  CHECK(softmax_row<softmax::Reference>(Unsigned{1, 0}, table) == Unsigned{255, 0});
}

TEST_CASE("SOFTMAX sums in single precision and in order") {
  // 2^24 + 1 rounds back to 2^24, however often; from the other end the ones add up first.
  Table table{};
  table[0] = 0x1p24F;
  table[1] = 1.0F;
  Signed input(1 << 20, 4);
  input.front() = 5;
  CHECK(softmax_row<softmax::Generic, std::int8_t, std::int16_t>(input, table).front() == 32767);
  std::swap(input.front(), input.back());
  // 65536 * 2^24 / (2^24 + 2^20 - 1) = 61680.9: 61681 - 32768
  CHECK(softmax_row<softmax::Generic, std::int8_t, std::int16_t>(input, table).back() == 28913);
}

TEST_CASE_TEMPLATE("SOFTMAX equals its formula, in place too", T, std::int8_t, std::uint8_t) {
  test::Random random(43);
  for (int round = 0; round < 300; ++round) {
    const Rows shape(random.in(1, 4), random.in(1, 200));
    test::Buffer<T> buffer(shape.size(), random);
    Table table;
    softmax::make_softmax_table(std::exp2(test::real_in(random, -8.0F, 0.0F)), 1.0F, table);
    test::Buffer<T> expected = buffer;
    for (index_t row = 0; row < shape.extent(0); ++row) {
      const auto depth = static_cast<std::size_t>(shape.extent(1));
      const auto values = expected.span().subspan(static_cast<std::size_t>(row) * depth, depth);
      const T largest = *std::max_element(values.begin(), values.end());
      volatile float sum = 0;
      for (const T value : values) {
        sum = sum + table[static_cast<std::size_t>(largest - value)];
      }
      const volatile float inverse = 1.0F / (sum * (1.0F / 256));
      for (T& value : values) {
        const volatile float p = table[static_cast<std::size_t>(largest - value)] * inverse;
        value = static_cast<T>(
            std::min<long>(std::lround(p) + std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
      }
    }
    const softmax::SoftmaxQuantization q{table.data(), 1.0F / 256, std::numeric_limits<T>::min()};
    softmax::Generic::run(
        softmax::SoftmaxTensors<T, T, Rows, Rows>{{buffer.data(), shape}, {buffer.data(), shape}}, q);
    REQUIRE(buffer == expected);
  }
}
