// SPDX-License-Identifier: Apache-2.0
/// @file kernels/mean.cpp
/// MEAN: all formulas against hand-computed and exact results, the generic kernel against the reference.
#include <doctest/doctest.h>

#include <cmath>
#include <kinglet/kernels/mean/generic.hpp>

#include "support/buffer.hpp"
#include "support/wide.hpp"

using namespace kinglet;

namespace {

constexpr auto fixed_point = MeanArithmetic::fixed_point;
constexpr auto floating_point = MeanArithmetic::floating_point;

/// The mean of a row of elements.
template <MeanArithmetic M, Rounding R, QuantizedElement T>
std::int32_t mean_of(const std::vector<T>& values, PerTensor input, PerTensor output,
                     mean::MeanForm form = mean::MeanForm::other) {
  using Row = Extents<1, 1, dynamic_extent, 1>;
  const auto count = static_cast<index_t>(values.size());
  const auto q = mean::make_mean_quantization<M, T>(input, output, count, form);
  T result = 0;
  mean::Reference::run<R, M>(
      mean::Reduction<T, Row, Extents<1, 1, 1, 1>>{{values.data(), Row(count)}, {&result}}, q);
  return result;
}

using Bytes = std::vector<std::int8_t>;

}  // namespace

TEST_CASE("MEAN in fixed point, by hand") {
  constexpr PerTensor one{1.0F, 0};
  // The count is part of the multiplier, so a tie is one of the first rounding, which goes up.
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{1, 2}, one, one) == 2);
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{-1, -2}, one, one) == -1);
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{-1, -2, -2, -2}, one, one) == -2);
  CHECK(mean_of<fixed_point, single_rounding>(Bytes{-1, -2, -2, -2}, one, one) == -2);
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{3}, {0.25F, 0}, {0.5F, 0}) == 2);
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{-3}, {0.25F, 0}, {0.5F, 0}) == -1);
  // A ratio below one half has a second rounding, whose ties are the policy's.
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{-6}, {0.125F, 0}, {0.5F, 0}) == -2);
  CHECK(mean_of<fixed_point, double_rounding_upward>(Bytes{-6}, {0.125F, 0}, {0.5F, 0}) == -1);
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{10, 20}, {1.0F, 5}, {1.0F, -7}) == 3);
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{127, 127}, {1.0F, -128}, {1.0F, 0}) == 127);
  CHECK(mean_of<fixed_point, double_rounding>(Bytes{-128, -128}, {1.0F, 127}, {1.0F, 0}) == -128);
}

TEST_CASE("MEAN's count inside the multiplier") {
  using mean::detail::divide_by_count;
  CHECK(divide_by_count({1 << 30, 1}, 1) == Multiplier{1 << 30, 1});
  CHECK(divide_by_count({1 << 30, 1}, 2) == Multiplier{1 << 30, 0});
  CHECK(divide_by_count({1 << 30, 1}, 49) == Multiplier{701219150, -4});    // floor(2^35 / 49)
  CHECK(divide_by_count({1 << 30, -31}, 49) == Multiplier{21913098, -31});  // no room to shift
  CHECK(divide_by_count({1 << 30, -28}, 49) == Multiplier{175304787, -31});
  CHECK(divide_by_count({0x7fffffff, 0}, 0x7fffffff) == Multiplier{1 << 30, -30});
}

TEST_CASE("MEAN in single precision, by hand") {
  constexpr PerTensor one{1.0F, 0};
  constexpr PerTensor half{0.5F, 0};
  CHECK(mean_of<floating_point, double_rounding>(Bytes{1}, half, one) == 1);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{-1}, half, one) == -1);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{-3}, half, one) == -2);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{1, 2}, half, one) == 1);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{11}, {0.5F, 10}, {1.0F, 3}) == 4);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{127}, {2.0F, -128}, one) == 127);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{-128}, {2.0F, 127}, one) == -128);
  // Input and output scaled alike: towards zero, no rounding at all.
  CHECK(mean_of<floating_point, double_rounding>(Bytes{1, 2, 2, 2}, one, one) == 1);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{-1, -2, -2, -2}, one, one) == -1);
  CHECK(mean_of<floating_point, double_rounding>(Bytes{-1, -2, -2, -2}, {1.0F, 9}, {1.0F, 9}) == -1);
  // A scale beyond everything saturates.
  CHECK(mean_of<floating_point, double_rounding>(Bytes{1}, {1e30F, 0}, {1e-8F, 0}) == 127);
}

TEST_CASE("MEAN of a kept image in TFLite, by hand") {
  constexpr auto kept = mean::MeanForm::image_kept;
  constexpr PerTensor one{1.0F, 0};
  constexpr PerTensor half{0.5F, 0};
  const auto of = [](const Bytes& values, PerTensor input, PerTensor output) {
    return mean_of<floating_point, double_rounding>(values, input, output, kept);
  };
  CHECK(of({1, 2}, one, one) == 2);
  CHECK(of({-1, -2}, one, one) == -2);  // the quotient's ties go away from zero
  CHECK(of({1, 2, 2, 2}, one, one) == 2);
  CHECK(of({-1, 0, 0, 0}, one, one) == 0);
  CHECK(of({1, 2}, half, one) == 1);  // 1.5 becomes 2, then 2 / 2
  CHECK(of({1, 1, 1}, half, one) == 1);
  CHECK(of({11}, {0.5F, 10}, {1.0F, 3}) == 4);
  CHECK(of({127, 127}, {1.0F, -128}, one) == 127);
  CHECK(of({-128}, {2.0F, 127}, one) == -128);
  const auto words = [](const std::vector<std::int16_t>& values, PerTensor input, PerTensor output) {
    return mean_of<floating_point, double_rounding>(values, input, output, kept);
  };
  CHECK(words({-1, -2}, one, one) == -2);
  const auto unsigned_of = [](const std::vector<std::uint8_t>& values, PerTensor input, PerTensor output) {
    return mean_of<floating_point, double_rounding>(values, input, output, kept);
  };
  CHECK(unsigned_of({1, 2}, one, one) == 2);
  CHECK(unsigned_of({7}, {0.5F, 10}, {1.0F, 3}) == 2);  // 3.5 becomes 4, then 4 + 3 - 5
  CHECK(unsigned_of({7}, {0.5F, 9}, {1.0F, 3}) == 2);   // 4.5 becomes 5
  CHECK(unsigned_of({0}, {0.5F, 255}, {1.0F, 100}) == 0);
}

TEST_CASE_TEMPLATE("MEAN in fixed point equals its definition", T, std::int8_t, std::uint8_t, std::int16_t) {
  test::Random random(17);
  for (int round = 0; round < 2000; ++round) {
    const index_t count = random.in(1, round % 50 == 0 ? 5000 : 60);
    test::Buffer<T> values(static_cast<std::size_t>(count), random);
    const PerTensor input{test::real_in(random, 0.001F, 1.0F),
                          random.in(-100, 27) + (std::is_unsigned_v<T> ? 100 : 0)};
    const PerTensor output{test::real_in(random, 0.001F, 1.0F),
                           random.in(-100, 27) + (std::is_unsigned_v<T> ? 100 : 0)};
    const Multiplier m = mean::detail::divide_by_count(
        make_multiplier(static_cast<double>(input.scale) / static_cast<double>(output.scale)), count);
    std::int32_t sum = 0;
    for (const T value : values.span()) {
      sum += value - input.zero_point;
    }
    const test::wide left = test::power_of_two(m.shift > 0 ? m.shift : 0);
    const test::wide high =
        test::nearest_ties_up(test::wide{test::wrap_to_int32(sum * left)} * m.value, test::power_of_two(31));
    const test::wide scaled = test::nearest_ties_away(high, test::power_of_two(m.shift > 0 ? 0 : -m.shift));
    const auto expected = static_cast<std::int32_t>(std::clamp<test::wide>(
        scaled + output.zero_point, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    const std::vector<T> row(values.span().begin(), values.span().end());
    REQUIRE(mean_of<fixed_point, double_rounding>(row, input, output) == expected);
  }
}

TEST_CASE("MEAN in single precision rounds the product before the sum") {
  test::Random random(19);
  int fused_differs = 0;
  for (int round = 0; round < 20000; ++round) {
    const index_t count = 49;
    const std::int32_t sum = random.in(-128 * count, 127 * count);
    // Scales and zero points that bring many results near a tie.
    const PerTensor input{0.125F + 0x1p-20F * static_cast<float>(random.in(-64, 64)), random.in(-128, 127)};
    const auto q =
        mean::make_mean_quantization<floating_point, std::int16_t>(input, {0.001953125F, 0}, count);
    const volatile float raw_mean = static_cast<float>(sum) / static_cast<float>(count);
    const volatile float product = raw_mean * q.scale;
    const volatile float total = product + q.bias;
    const float fused = std::fma(raw_mean, q.scale, q.bias);
    fused_differs += std::round(fused) != std::round(total) ? 1 : 0;
    REQUIRE(mean::finish<double_rounding, floating_point>(sum, q) ==
            std::clamp(static_cast<std::int32_t>(std::round(total)), -32768, 32767));
  }
  CHECK(fused_differs > 0);  // or this case would prove nothing
}

TEST_CASE_TEMPLATE("MEAN generic equals reference over any dimensions", T, std::int8_t, std::uint8_t,
                   std::int16_t) {
  test::Random random(23);
  const Nhwc shapes[] = {Nhwc(1, 1, 1, 1), Nhwc(2, 3, 2, 5), Nhwc(1, 7, 7, 67), Nhwc(3, 2, 1, 64),
                         Nhwc(1, 4, 4, 129)};
  for (const Nhwc& shape : shapes) {
    for (unsigned reduced = 0; reduced < 16; ++reduced) {
      const auto kept = [&](std::size_t d) { return ((reduced >> d) & 1U) != 0 ? 1 : shape.extent(d); };
      const Nhwc output(kept(0), kept(1), kept(2), kept(3));
      const auto count = static_cast<index_t>(shape.size() / output.size());
      const test::Buffer<T> input(shape.size(), random);
      test::Buffer<T> expected(output.size());
      test::Buffer<T> found(output.size());
      const auto compare = [&]<class R, MeanArithmetic M>(R, std::integral_constant<MeanArithmetic, M>,
                                                          PerTensor to,
                                                          mean::MeanForm form = mean::MeanForm::other) {
        const auto q = mean::make_mean_quantization<M, T>({0.02F, 3}, to, count, form);
        using A = mean::Reduction<T, Nhwc, Nhwc>;
        mean::Reference::run<R, M>(A{{input.data(), shape}, {expected.data(), output}}, q);
        mean::Generic::run<R, M>(A{{input.data(), shape}, {found.data(), output}}, q);
        CAPTURE(reduced);
        REQUIRE(found == expected);
      };
      const std::integral_constant<MeanArithmetic, fixed_point> fixed;
      const std::integral_constant<MeanArithmetic, floating_point> floating;
      for (const PerTensor to : {PerTensor{0.013F, 7}, PerTensor{0.02F, 3}}) {
        compare(double_rounding{}, fixed, to);
        compare(double_rounding_upward{}, fixed, to);
        compare(single_rounding{}, fixed, to);
        compare(double_rounding{}, floating, to);
        compare(double_rounding{}, floating, to, mean::MeanForm::image_kept);
      }
    }
  }
}
