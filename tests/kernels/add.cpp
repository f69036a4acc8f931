// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add.cpp
/// ADD: the reference against hand-computed and exact results, the other kernels against the reference.
#include <doctest/doctest.h>

#include <kinglet/kernels/add/linear.hpp>
#include <kinglet/kernels/select.hpp>

#include "support/buffer.hpp"
#include "support/wide.hpp"

using namespace kinglet;

namespace {

/// One element through the reference.
template <Rounding R, QuantizedElement T>
constexpr T add_one(T lhs, T rhs, const add::AddQuantization& q) {
  using One = Extents<1, 1, 1, 1>;
  T output = 0;
  add::Reference::run<R>(add::Addition<T, One, One, One>{{&lhs}, {&rhs}, {&output}}, q);
  return output;
}

template <QuantizedElement T>
constexpr add::AddQuantization halves(Activation activation = Activation::none) {
  return add::make_add_quantization<T>({0.5F, 0}, {0.5F, 0}, {1.0F, 0}, activation);
}

/// The definition in exact integers: two roundings per scaling, the second with ties away from zero.
std::int32_t scale_exactly(test::wide x, Multiplier m) {
  const test::wide high = test::nearest_ties_up(x * test::power_of_two(m.shift > 0 ? m.shift : 0) * m.value,
                                                test::power_of_two(31));
  return static_cast<std::int32_t>(
      test::nearest_ties_away(high, test::power_of_two(m.shift > 0 ? 0 : -m.shift)));
}

template <QuantizedElement T>
add::AddQuantization some_quantization(test::Random& random) {
  const auto zero_point = [&] {
    return sizeof(T) == 2 ? 0 : random.in(std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  };
  return add::make_add_quantization<T>({test::real_in(random, 0.001F, 0.1F), zero_point()},
                                       {test::real_in(random, 0.001F, 0.1F), zero_point()},
                                       {test::real_in(random, 0.01F, 0.1F), zero_point()},
                                       random.one_in(2) ? Activation::none : Activation::relu6);
}

}  // namespace

TEST_CASE("ADD's scales as integers") {
  const auto q = add::make_add_quantization<std::int8_t>({0.5F, 3}, {0.25F, -4}, {1.0F, 5}, Activation::relu);
  CHECK(q.left_shift == 20);
  CHECK(q.lhs == add::AddQuantization::Input{3, {1 << 30, 0}});    // 0.5 / 1
  CHECK(q.rhs == add::AddQuantization::Input{-4, {1 << 30, -1}});  // 0.25 / 1
  CHECK(q.output == add::AddQuantization::Output{{1 << 30, -19}, 5, 5, 127});
  CHECK(add::make_add_quantization<std::int16_t>({0.5F, 0}, {0.25F, 0}, {1.0F, 0}, Activation::none)
            .left_shift == 15);
  CHECK(halves<std::uint8_t>(Activation::relu6).output.max == 6);
}

TEST_CASE("ADD rounds halves as its policy says") {
  // (x + 0) / 2: the last scaling's remainder is exactly one half.
  constexpr auto q = halves<std::int8_t>();
  struct {
    std::int8_t x, away, up;
  } const cases[] = {{1, 1, 1}, {-1, -1, 0},  {3, 2, 2}, {-3, -2, -1},
                     {5, 3, 3}, {-5, -3, -2}, {4, 2, 2}, {-4, -2, -2}};
  for (const auto& c : cases) {
    INFO("x = ", int{c.x});
    CHECK(add_one<double_rounding, std::int8_t>(c.x, 0, q) == c.away);
    CHECK(add_one<double_rounding_upward, std::int8_t>(c.x, 0, q) == c.up);
    CHECK(add_one<single_rounding, std::int8_t>(c.x, 0, q) == c.up);
    CHECK(add_one<double_rounding, std::int16_t>(c.x, 0, halves<std::int16_t>()) == c.away);
    CHECK(add_one<single_rounding, std::int16_t>(0, c.x, halves<std::int16_t>()) == c.up);
  }
}

TEST_CASE("ADD saturates and clamps") {
  const auto q = add::make_add_quantization<std::int8_t>({1.0F, 0}, {1.0F, 0}, {1.0F, 0}, Activation::none);
  CHECK(add_one<double_rounding, std::int8_t>(127, 127, q) == 127);
  CHECK(add_one<double_rounding, std::int8_t>(-128, -128, q) == -128);
  CHECK(add_one<double_rounding, std::int8_t>(-128, 127, q) == -1);
  const auto relu =
      add::make_add_quantization<std::uint8_t>({1.0F, 100}, {1.0F, 50}, {1.0F, 20}, Activation::relu6);
  CHECK(add_one<double_rounding, std::uint8_t>(103, 52, relu) == 25);
  CHECK(add_one<double_rounding, std::uint8_t>(0, 0, relu) == 20);
  CHECK(add_one<double_rounding, std::uint8_t>(255, 255, relu) == 26);
  const auto wide =
      add::make_add_quantization<std::int16_t>({1.0F, 0}, {1.0F, 0}, {1.0F, 0}, Activation::none);
  CHECK(add_one<double_rounding, std::int16_t>(32767, 32767, wide) == 32767);
  CHECK(add_one<double_rounding, std::int16_t>(-32768, -32768, wide) == -32768);
  CHECK(add_one<double_rounding, std::int16_t>(-32768, 32767, wide) == -1);
}

TEST_CASE_TEMPLATE("ADD equals its definition for every pair of 8-bit inputs", T, std::int8_t, std::uint8_t) {
  test::Random random(7);
  for (int round = 0; round < 3; ++round) {
    const auto q = some_quantization<T>(random);
    for (int a = std::numeric_limits<T>::min(); a <= std::numeric_limits<T>::max(); ++a) {
      for (int b = std::numeric_limits<T>::min(); b <= std::numeric_limits<T>::max(); ++b) {
        const test::wide unit = test::power_of_two(20);
        const std::int32_t sum = scale_exactly((a - q.lhs.zero_point) * unit, q.lhs.multiplier) +
                                 scale_exactly((b - q.rhs.zero_point) * unit, q.rhs.multiplier);
        const std::int32_t expected = std::clamp(
            scale_exactly(sum, q.output.multiplier) + q.output.zero_point, q.output.min, q.output.max);
        REQUIRE(add_one<double_rounding, T>(static_cast<T>(a), static_cast<T>(b), q) == expected);
      }
    }
  }
}

TEST_CASE_TEMPLATE("ADD kernels equal reference, every way to broadcast", T, std::int8_t, std::uint8_t,
                   std::int16_t) {
  test::Random random(11);
  const Nhwc shapes[] = {Nhwc(1, 1, 1, 1),  Nhwc(2, 3, 2, 5),   Nhwc(1, 2, 3, 67), Nhwc(3, 1, 2, 64),
                         Nhwc(1, 5, 5, 24), Nhwc(1, 1, 1, 129), Nhwc(2, 0, 3, 4)};
  for (const Nhwc& shape : shapes) {
    for (int pattern = 0; pattern < 81; ++pattern) {  // per dimension: neither, lhs or rhs has extent 1
      index_t lhs[4];
      index_t rhs[4];
      for (int d = 0, rest = pattern; d < 4; ++d, rest /= 3) {
        const index_t extent = shape.extent(static_cast<std::size_t>(d));
        lhs[d] = rest % 3 == 1 ? 1 : extent;
        rhs[d] = rest % 3 == 2 ? 1 : extent;
      }
      const Nhwc lhs_shape(lhs[0], lhs[1], lhs[2], lhs[3]);
      const Nhwc rhs_shape(rhs[0], rhs[1], rhs[2], rhs[3]);
      const test::Buffer<T> a(lhs_shape.size(), random);
      const test::Buffer<T> b(rhs_shape.size(), random);
      test::Buffer<T> expected(shape.size());
      test::Buffer<T> found(shape.size());
      const auto q = some_quantization<T>(random);
      const auto compare = [&]<class R>(R) {
        using A = add::Addition<T, Nhwc, Nhwc, Nhwc>;
        add::Reference::run<R>(A{{a.data(), lhs_shape}, {b.data(), rhs_shape}, {expected.data(), shape}}, q);
        add::Generic::run<R>(A{{a.data(), lhs_shape}, {b.data(), rhs_shape}, {found.data(), shape}}, q);
        CAPTURE(pattern);
        REQUIRE(found == expected);
        std::ranges::fill(found.span(), T{});
        select::native::add::run<R>(A{{a.data(), lhs_shape}, {b.data(), rhs_shape}, {found.data(), shape}},
                                    q);
        REQUIRE(found == expected);
      };
      compare(double_rounding{});
      compare(double_rounding_upward{});
      compare(single_rounding{});
    }
  }
}

TEST_CASE_TEMPLATE("ADD of one shape: every pair of inputs, whatever the scales", T, std::int8_t,
                   std::uint8_t) {
  test::Random random(17);
  const Nhwc shape(1, 256, 1, 256);
  test::Buffer<T> a(shape.size());
  test::Buffer<T> b(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    a.data()[i] = static_cast<T>(i / 256);
    b.data()[i] = static_cast<T>(i % 256);
  }
  test::Buffer<T> expected(shape.size());
  test::Buffer<T> found(shape.size());
  int linear = 0;
  for (int round = 0; round < 24; ++round) {
    auto q = some_quantization<T>(random);
    // Neither input's scale is the larger one; ties; scales far apart.
    if (round % 4 == 1) {
      q.lhs.multiplier = {random.in<std::int32_t>(1 << 30, INT32_MAX), -random.in(0, 31)};
    } else if (round % 4 == 2) {
      q.rhs.multiplier = {1 << 30, -random.in(0, 31)};
      q.output.multiplier.value = 1 << 30;
    }
    const auto compare = [&]<class R>(R) {
      using A = add::Addition<T, Nhwc, Nhwc, Nhwc>;
      add::Reference::run<R>(A{{a.data(), shape}, {b.data(), shape}, {expected.data(), shape}}, q);
      select::native::add::run<R>(A{{a.data(), shape}, {b.data(), shape}, {found.data(), shape}}, q);
      CAPTURE(round);
      CHECK(found == expected);
      auto with_linear = q;
      with_linear.linear = add::find_linear<R, T>(q);
      if (with_linear.linear.shift != 0) {
        linear += round % 4 == 0 || round % 4 == 3 ? 1 : 0;
        const auto again = [&]<class Kernel>(Kernel) {
          std::ranges::fill(found.span(), T{});
          Kernel::template run<R>(A{{a.data(), shape}, {b.data(), shape}, {found.data(), shape}},
                                  with_linear);
          CHECK(found == expected);
        };
        again(select::native::add{});
        again(add::Generic{});
      }
    };
    compare(double_rounding{});
    compare(double_rounding_upward{});
    compare(single_rounding{});
  }
  MESSAGE(linear, " of 36 ordinary layers are one linear function");
  CHECK(linear >= 32);
}

TEST_CASE("ADD as one linear function: where there is none") {
  // Sums of odd numbers are ties. Upward, one half more decides them all; away from zero no constant does.
  const auto q = halves<std::int8_t>();
  CHECK(add::find_linear<double_rounding, std::int8_t>(q).shift == 0);
  CHECK(add::find_linear<single_rounding, std::int8_t>(q).shift != 0);
  // From the zero point on there is nothing below zero to round away.
  CHECK(add::find_linear<double_rounding, std::int8_t>(halves<std::int8_t>(Activation::relu)).shift != 0);
  // A scale of 1 - 2^-31 has no room for its rounding. Two floats are never so near to each other.
  auto nearly = halves<std::int8_t>();
  nearly.lhs.multiplier = {1 << 30, 0};
  nearly.rhs.multiplier = {0, 0};
  nearly.output.multiplier = {0x7fffffff, -19};
  CHECK(add::find_linear<single_rounding, std::int8_t>(nearly).shift == 0);
  // 16-bit elements have too many pairs, and an output 1000 times as fine as its inputs too many steps.
  CHECK(add::find_linear<double_rounding, std::int16_t>(halves<std::int16_t>()).shift == 0);
  CHECK(add::find_linear<double_rounding, std::int8_t>(
            add::make_add_quantization<std::int8_t>({1.0F, 0}, {1.0F, 0}, {0.001F, 0}, Activation::none))
            .shift == 0);
}

TEST_CASE_TEMPLATE("ADD in place and with static shapes", T, std::int8_t, std::uint8_t, std::int16_t) {
  test::Random random(13);
  using Shape = Extents<1, 3, 5, 13>;  // 195 elements: three blocks and a rest
  auto q = some_quantization<T>(random);
  const test::Buffer<T> a(Shape().size(), random);
  const test::Buffer<T> b(Shape().size(), random);
  test::Buffer<T> expected(Shape().size());
  const auto run = [&]<class Kernel>(Kernel, const test::Buffer<T>& lhs, const test::Buffer<T>& rhs,
                                     test::Buffer<T>& out) {
    Kernel::template run<double_rounding>(
        add::Addition<T, Shape, Nhwc, Shape>{{lhs.data()}, {rhs.data(), Nhwc(Shape())}, {out.data()}}, q);
  };
  SUBCASE("by its scales") {}
  SUBCASE("as one linear function") {
    q.linear = add::find_linear<double_rounding, T>(q);
    CHECK((q.linear.shift != 0) == (sizeof(T) == 1));
  }
  run(add::Reference{}, a, b, expected);
  test::Buffer<T> left = a;
  run(add::Generic{}, left, b, left);
  CHECK(left == expected);
  left = a;
  run(select::native::add{}, left, b, left);
  CHECK(left == expected);
  test::Buffer<T> right = b;
  run(add::Generic{}, a, right, right);
  CHECK(right == expected);
  right = b;
  run(select::native::add{}, a, right, right);
  CHECK(right == expected);
  run(add::Reference{}, a, a, expected);
  test::Buffer<T> both = a;
  run(add::Generic{}, both, both, both);
  CHECK(both == expected);
}

TEST_CASE("ADD works at compile time") {
  constexpr auto sums = [] {
    using Shape = Extents<1, 1, 1, 70>;
    std::array<std::int8_t, 70> values{};
    values[69] = 9;
    add::Generic::run<double_rounding>(
        add::Addition<std::int8_t, Shape, Shape, Shape>{{values.data()}, {values.data()}, {values.data()}},
        halves<std::int8_t>());
    return values;
  }();
  static_assert(sums[0] == 0 && sums[69] == 9);
}
