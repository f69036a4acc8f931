// SPDX-License-Identifier: Apache-2.0
/// @file kernels/quantize.cpp
/// QUANTIZE and DEQUANTIZE: the references by hand, the generic kernels against them.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <kinglet/kernels/quantize/generic.hpp>
#include <kinglet/kernels/quantize/linear.hpp>
#include <utility>

#include "support/buffer.hpp"

using namespace kinglet;

namespace {

template <Rounding R, class To>
std::int32_t requantize_one(std::int32_t x, PerTensor from, PerTensor to,
                            Activation activation = Activation::none) {
  return quantize::requantize_element<R, To>(
      x, quantize::make_requantize_quantization<To>(from, to, activation));
}

/// Calls body(From, To) for each pair of integer types.
template <class Body>
void for_each_pair(Body body) {
  const auto to_each = [&]<class From>(From from) {
    body(from, std::int8_t{});
    body(from, std::uint8_t{});
    body(from, std::int16_t{});
    body(from, std::int32_t{});
  };
  to_each(std::int8_t{});
  to_each(std::uint8_t{});
  to_each(std::int16_t{});
  to_each(std::int32_t{});
}

}  // namespace

TEST_CASE("QUANTIZE of integers by hand") {
  using T = std::int8_t;
  CHECK(requantize_one<double_rounding, T>(7, {0.5F, 1}, {0.25F, -2}) == 10);
  CHECK(requantize_one<double_rounding, T>(-6, {0.125F, 0}, {0.5F, 0}) == -2);  // -1.5
  CHECK(requantize_one<double_rounding_upward, T>(-6, {0.125F, 0}, {0.5F, 0}) == -1);
  CHECK(requantize_one<single_rounding, T>(-6, {0.125F, 0}, {0.5F, 0}) == -1);
  CHECK(requantize_one<double_rounding, T>(6, {0.125F, 0}, {0.5F, 0}) == 2);
  CHECK(requantize_one<double_rounding, T>(100, {1.0F, 0}, {0.5F, 0}) == 127);
  CHECK(requantize_one<double_rounding, T>(-100, {1.0F, 0}, {0.5F, 0}) == -128);
  CHECK(requantize_one<double_rounding, std::int16_t>(127, {1.0F, -128}, {1.0F / 256, 0}) == 32767);
  CHECK(requantize_one<double_rounding, std::int32_t>(-128, {1.0F, 127}, {1.0F, 0}) == -255);
  CHECK(requantize_one<double_rounding, T>(0x3fffffff, {1.0F, 0}, {1.0F, 0}) == 127);
  CHECK(requantize_one<double_rounding, T>(50, {1.0F, 0}, {1.0F, 3}, Activation::relu6) == 9);
  CHECK(requantize_one<double_rounding, T>(-50, {1.0F, 0}, {1.0F, 3}, Activation::relu) == 3);
}

TEST_CASE("QUANTIZE between int8 and uint8 of one scale flips the top bit") {
  for (int x = -128; x <= 127; ++x) {
    REQUIRE(requantize_one<double_rounding, std::uint8_t>(x, {0.37F, -5}, {0.37F, 123}) == x + 128);
    REQUIRE(requantize_one<double_rounding, std::int8_t>(x + 128, {0.37F, 123}, {0.37F, -5}) == x);
  }
}

TEST_CASE_TEMPLATE("QUANTIZE of one scale equals the reference for every 8-bit element", From, std::int8_t,
                   std::uint8_t) {
  From input[256];
  for (std::size_t i = 0; i < 256; ++i) {
    input[i] = static_cast<From>(i);
  }
  const auto compare = [&]<class To>(To) {
    int moved = 0;
    for (const std::int32_t zero_point : {-128, -3, 0, 5, 128, 130}) {
      for (const float scale : {0.5F, std::nextafter(0.5F, 1.0F)}) {
        for (const Activation activation : {Activation::none, Activation::relu}) {
          const auto q =
              quantize::make_requantize_quantization<To>({0.5F, zero_point}, {scale, 0}, activation);
          To expected[256];
          To found[256];
          quantize::Reference::run<double_rounding, From, To>(input, expected, q);
          quantize::Generic::run<double_rounding, From, To>(input, found, q);
          CHECK(std::equal(expected, expected + 256, found));
          moved += quantize::Generic::moves<From>(q) ? 1 : 0;
        }
      }
    }
    CHECK(moved > 0);
    CHECK(moved < 24);
  };
  compare(std::int8_t{});
  compare(std::uint8_t{});
  compare(std::int16_t{});
}

TEST_CASE("QUANTIZE of one scale with zero points as only a malformed file has them") {
  constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t highest = std::numeric_limits<std::int32_t>::max();
  const std::int8_t input[] = {-128, -1, 0, 1, 127};
  for (const std::int32_t from : {-1, 0, 127}) {
    for (const std::int32_t to : {lowest, lowest + 128, -65536, 65535, highest - 127, highest}) {
      const auto q = quantize::make_requantize_quantization<std::int32_t>({0.5F, from}, {0.5F, to});
      std::int32_t expected[5];
      std::int32_t found[5];
      quantize::Reference::run<double_rounding, std::int8_t, std::int32_t>(input, expected, q);
      quantize::Generic::run<double_rounding, std::int8_t, std::int32_t>(input, found, q);
      CHECK(std::equal(expected, expected + 5, found));
    }
  }
}

TEST_CASE("QUANTIZE generic equals reference for every pair of types and policy") {
  test::Random random(47);
  for_each_pair([&]<class From, class To>(From, To) {
    for (const std::size_t size : {0U, 1U, 7U, 64U, 65U, 200U}) {
      for (int round = 0; round < 10; ++round) {
        const test::Buffer<From> input(size, random);
        test::Buffer<To> expected(size);
        test::Buffer<To> found(size);
        const auto zero_point = [&](bool is_unsigned) {
          return random.in(-100, 100) + (is_unsigned ? 100 : 0);
        };
        const auto q = quantize::make_requantize_quantization<To>(
            {std::exp2(test::real_in(random, -12.0F, 0.0F)), zero_point(std::is_unsigned_v<From>)},
            {std::exp2(test::real_in(random, -12.0F, 0.0F)), zero_point(std::is_unsigned_v<To>)});
        const auto compare = [&]<class R>(R) {
          quantize::Reference::run<R>(input.span(), expected.data(), q);
          quantize::Generic::run<R>(input.span(), found.data(), q);
          REQUIRE(found == expected);
        };
        compare(double_rounding{});
        compare(double_rounding_upward{});
        compare(single_rounding{});
      }
    }
  });
}

TEST_CASE("QUANTIZE as one linear function equals the reference for every 8-bit element") {
  test::Random random(48);
  int linear = 0;
  int growing = 0;  // by one half or more: less, and rounding twice is no linear function
  for (int round = 0; round < 200; ++round) {
    const auto compare = [&]<class R, class From, class To>(R, From, To) {
      const auto zero_point = [&](bool is_unsigned) {
        return random.in(-128, 127) + (is_unsigned ? 128 : 0);
      };
      test::Buffer<From> input(256);
      for (std::size_t i = 0; i < 256; ++i) {
        input.data()[i] = static_cast<From>(i);
      }
      auto q = quantize::make_requantize_quantization<To>(
          {std::exp2(test::real_in(random, -4.0F, 4.0F)), zero_point(std::is_unsigned_v<From>)},
          {std::exp2(test::real_in(random, -4.0F, 4.0F)), zero_point(std::is_unsigned_v<To>)});
      test::Buffer<To> expected(256);
      test::Buffer<To> found(256);
      quantize::Reference::run<R>(std::as_const(input).span(), expected.data(), q);
      q.linear = quantize::find_linear<R, From, To>(q);
      growing += q.multiplier.shift >= 0 ? 1 : 0;
      linear += q.multiplier.shift >= 0 && q.linear.shift != 0 ? 1 : 0;
      quantize::Generic::run<R>(std::as_const(input).span(), found.data(), q);
      REQUIRE(found == expected);
    };
    compare(double_rounding{}, std::int8_t{}, std::int8_t{});
    compare(double_rounding_upward{}, std::uint8_t{}, std::int8_t{});
    compare(single_rounding{}, std::int8_t{}, std::uint8_t{});
    compare(double_rounding{}, std::uint8_t{}, std::uint8_t{});
  }
  MESSAGE(linear, " of ", growing, " are one linear function");
  CHECK(growing >= 300);
  CHECK(linear * 100 >= growing * 98);
}

TEST_CASE("QUANTIZE as one linear function: where there is none") {
  // 2 and -2 are ties, which go away from zero on both sides of it.
  const auto quarters = quantize::make_requantize_quantization<std::int8_t>({0.25F, 0}, {1.0F, 0});
  CHECK(quantize::find_linear<double_rounding, std::int8_t, std::int8_t>(quarters).shift == 0);
  CHECK(quantize::find_linear<single_rounding, std::int8_t, std::int8_t>(quarters).shift != 0);
  CHECK(quantize::find_linear<single_rounding, std::int16_t, std::int8_t>(quarters).shift == 0);
}

TEST_CASE("QUANTIZE in place") {
  test::Random random(53);
  const test::Buffer<std::int8_t> original(300, random);
  test::Buffer<std::uint8_t> expected(300);
  const auto q = quantize::make_requantize_quantization<std::uint8_t>({0.4F, 3}, {0.3F, 120});
  quantize::Reference::run<double_rounding>(original.span(), expected.data(), q);
  test::Buffer<std::int8_t> shared = original;
  auto* const bytes =
      reinterpret_cast<std::uint8_t*>(shared.data());  // the same memory, as one arena buffer is
  quantize::Generic::run<double_rounding>(std::as_const(shared).span(), bytes, q);
  CHECK(std::equal(bytes, bytes + 300, expected.data()));
}

TEST_CASE_TEMPLATE("QUANTIZE of reals by hand", Kernel, quantize::Reference, quantize::Generic) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> reals = {0.0F,
                                    0.25F,
                                    -0.25F,
                                    0.75F,
                                    -0.75F,
                                    1e30F,
                                    -1e30F,
                                    infinity,
                                    -infinity,
                                    NAN,
                                    std::nextafter(0.25F, 0.0F),
                                    std::nextafter(-0.25F, 0.0F),
                                    63.25F,
                                    -0.0F};
  std::vector<std::int8_t> output(reals.size());
  Kernel::template run<float>(std::span<const float>(reals), output.data(), PerTensor{0.5F, 1});
  CHECK(output == std::vector<std::int8_t>{1, 2, 0, 3, -1, 127, -128, 127, -128, 1, 1, 1, 127, 1});
  Kernel::template run<double>(std::span<const float>(reals), output.data(), PerTensor{0.5F, 1});
  CHECK(output == std::vector<std::int8_t>{1, 2, 0, 3, -1, 127, -128, 127, -128, 1, 1, 1, 127, 1});
}

TEST_CASE_TEMPLATE("QUANTIZE of reals: a quotient near one half", Kernel, quantize::Reference,
                   quantize::Generic) {
  // These floats lie below the middle of two elements by less than the precision of their quotient.
  const std::vector<float> reals = {2.5F * 0.1F, 6.5F * 0.1F, 7.5F * 0.1F};
  std::vector<std::int8_t> rounded(reals.size());
  std::vector<std::int8_t> exact(reals.size());
  Kernel::template run<float>(std::span<const float>(reals), rounded.data(), PerTensor{0.1F, 0});
  Kernel::template run<double>(std::span<const float>(reals), exact.data(), PerTensor{0.1F, 0});
  for (std::size_t i = 0; i < reals.size(); ++i) {
    const double scale = 0.1F;
    CHECK(rounded[i] == static_cast<std::int8_t>(std::round(reals[i] / 0.1F)));
    CHECK(exact[i] == static_cast<std::int8_t>(std::round(static_cast<double>(reals[i]) / scale)));
  }
  CHECK(rounded != exact);
}

TEST_CASE_TEMPLATE("QUANTIZE of reals, generic equals reference", T, std::int8_t, std::uint8_t,
                   std::int16_t) {
  test::Random random(59);
  for (int round = 0; round < 300; ++round) {
    const std::int32_t lowest = std::numeric_limits<T>::min();
    const std::int32_t highest = std::numeric_limits<T>::max();
    const PerTensor q{std::exp2(test::real_in(random, -10.0F, 2.0F)),
                      random.one_in(8) ? lowest : random.in(lowest, highest)};
    std::vector<float> input(static_cast<std::size_t>(random.in(1, 300)));
    for (float& x : input) {
      const float middle = (static_cast<float>(random.in(lowest, highest)) + 0.5F) * q.scale;  // near a tie
      x = random.one_in(4)   ? std::bit_cast<float>(static_cast<std::uint32_t>(random.bits() >> 32))
          : random.one_in(2) ? std::nextafter(middle, random.one_in(2) ? 1e9F : -1e9F)
                             : middle;
    }
    test::Buffer<T> expected(input.size());
    test::Buffer<T> found(input.size());
    quantize::Reference::run<float>(std::span<const float>(input), expected.data(), q);
    quantize::Generic::run<float>(std::span<const float>(input), found.data(), q);
    REQUIRE(found == expected);
    quantize::Reference::run<double>(std::span<const float>(input), expected.data(), q);
    quantize::Generic::run<double>(std::span<const float>(input), found.data(), q);
    REQUIRE(found == expected);
  }
}

TEST_CASE_TEMPLATE("DEQUANTIZE rounds once", T, std::int8_t, std::uint8_t, std::int16_t) {
  test::Random random(61);
  const PerTensor q{0.0123456789F, std::is_unsigned_v<T> ? 131 : -7};
  const test::Buffer<T> input(1000, random);
  test::Buffer<float> reference(1000);
  test::Buffer<float> generic(1000);
  quantize::ReferenceDequantize::run(input.span(), reference.data(), q);
  quantize::GenericDequantize::run(input.span(), generic.data(), q);
  for (std::size_t i = 0; i < 1000; ++i) {
    const double exact = static_cast<double>(q.scale) * (input.data()[i] - q.zero_point);
    REQUIRE(reference.data()[i] == static_cast<float>(exact));
  }
  CHECK(generic == reference);
}
