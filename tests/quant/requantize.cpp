// SPDX-License-Identifier: Apache-2.0
/// @file quant/requantize.cpp
/// The 16-bit path and the output stage.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/quant/requantize.hpp>
#include <random>

#include "support/wide.hpp"

namespace {

using namespace kinglet;
using test::wide;

// The multiplier's upper 16 bits, rounded ties up and kept below 2^15; then one rounding, ties up.
std::int32_t scaled_64(std::int64_t x, Multiplier m) {
  wide reduced = test::nearest_ties_up(m.value, 1 << 16);
  reduced = reduced > 0x7fff ? 0x7fff : reduced;
  return test::wrap_to_int32(test::nearest_ties_up(x * reduced, test::power_of_two(15 - m.shift)));
}

}  // namespace

TEST_CASE_TEMPLATE("64-bit accumulators equal the definition, whatever the policy", R, double_rounding,
                   double_rounding_upward, single_rounding) {
  std::mt19937_64 random(1);
  const std::int64_t limit = std::int64_t{1} << 47;
  const std::array edges = {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1},
                            limit - 1,       -limit + 1,      std::int64_t{INT32_MIN}};
  const std::array<std::int32_t, 7> values = {0,          1 << 30,    (1 << 30) + 0x8000, 0x7ffeffff,
                                              0x7fff0000, 0x7fff7fff, INT32_MAX};
  long bad = 0;
  for (int shift = -31; shift < 15; ++shift) {
    for (const std::int32_t value : values) {
      for (const std::int64_t x : edges) {
        bad += requantize<R>(x, Multiplier{value, shift}) == scaled_64(x, {value, shift}) ? 0 : 1;
      }
    }
    for (int i = 0; i < 5'000; ++i) {
      const std::int64_t x = static_cast<std::int64_t>(random()) >> (17 + random() % 40);
      const Multiplier m{static_cast<std::int32_t>((1U << 30) | (random() & 0x3fffffff)), shift};
      bad += requantize<R>(x, m) == scaled_64(x, m) ? 0 : 1;
    }
  }
  CHECK(bad == 0);
}

TEST_CASE("64-bit accumulators: ties go up") {
  const Multiplier quarter{1 << 30, -1};
  CHECK(requantize<double_rounding>(std::int64_t{2}, quarter) == 1);
  CHECK(requantize<double_rounding>(std::int64_t{-2}, quarter) == 0);
  CHECK(requantize<double_rounding>(std::int64_t{-6}, quarter) == -1);
}

TEST_CASE("32-bit accumulators use the policy that is named") {
  const Multiplier quarter{1 << 30, -1};
  CHECK(requantize<double_rounding>(-6, quarter) == -2);
  CHECK(requantize<double_rounding_upward>(-6, quarter) == -1);
  CHECK(requantize<single_rounding>(-6, quarter) == -1);
}

TEST_CASE("an output stage scales per channel, adds the zero point and clamps") {
  const std::array<Multiplier, 2> multipliers = {Multiplier{1 << 30, 1}, Multiplier{1 << 30, 0}};
  const OutputStage stage{multipliers.data(), 10, -20, 100};
  CHECK(stage.apply<double_rounding>(5, 0) == 15);
  CHECK(stage.apply<double_rounding>(8, 1) == 14);
  CHECK(stage.apply<double_rounding>(90, 0) == 100);
  CHECK(stage.apply<double_rounding>(91, 0) == 100);
  CHECK(stage.apply<double_rounding>(-30, 0) == -20);
  CHECK(stage.apply<double_rounding>(-31, 0) == -20);
  CHECK(stage.apply<double_rounding>(std::int64_t{5}, 0) == 15);
}

TEST_CASE("a scaled accumulator beside INT32_MAX wraps when the zero point is added") {
  const Multiplier one{1 << 30, 1};
  const OutputStage stage{&one, 127, -128, 127};
  // One times INT32_MAX: the shift by one wraps to -2, and -2 / 2 = -1.
  CHECK(stage.apply<double_rounding>(INT32_MAX, 0) == 126);
  const Multiplier nearly_one{INT32_MAX, 0};
  CHECK(stage.apply<double_rounding>(INT32_MAX, 0) == 126);
  const OutputStage wide_stage{&nearly_one, 127, -128, 127};
  CHECK(wide_stage.apply<double_rounding>(INT32_MAX, 0) == -128);
  const OutputStage low_stage{&nearly_one, -128, -128, 127};
  CHECK(low_stage.apply<double_rounding>(INT32_MIN, 0) == 127);
}

namespace {
template <class T, class W>
void check_reach() {
  std::mt19937 generator(5);
  for (int i = 0; i < 200; ++i) {
    const auto in = [&](std::int64_t low, std::int64_t high) {
      return std::uniform_int_distribution<std::int64_t>(low, high)(generator);
    };
    const auto number = [&]<class E>(E) {
      return static_cast<std::int32_t>(in(std::numeric_limits<E>::min(), std::numeric_limits<E>::max()));
    };
    const std::int32_t zero_point = number(T{});
    const std::int32_t weight_zero_point = std::is_signed_v<W> ? 0 : number(W{});
    std::array<std::int32_t, 9> weights{};
    for (std::int32_t& w : weights) {
      w = number(W{}) - weight_zero_point;
    }
    const auto bias = static_cast<std::int32_t>(in(-100'000, 100'000));
    // The activations that make the sum most, and least.
    std::int64_t least = bias;
    std::int64_t most = bias;
    for (const std::int32_t w : weights) {
      const std::int64_t up = std::numeric_limits<T>::max() - zero_point;
      const std::int64_t down = std::numeric_limits<T>::min() - zero_point;
      most += w * (w > 0 ? up : down);
      least += w * (w > 0 ? down : up);
    }
    const auto reach = SumReach::of<T>(9, bias, zero_point,
                                       [&](std::int64_t k) { return weights[static_cast<std::size_t>(k)]; });
    CHECK(reach.least == least);
    CHECK(reach.most == most);
  }
}
}  // namespace

TEST_CASE("a channel's sums reach from the least to the most that activations make of them") {
  check_reach<std::int8_t, std::int8_t>();
  check_reach<std::uint8_t, std::uint8_t>();
  check_reach<std::uint8_t, std::int8_t>();
  const auto all = SumReach::of<std::int8_t>(1 << 17, INT32_MAX, 0, [](std::int64_t) { return 127; });
  CHECK(all.least == INT32_MIN);  // more than 32 bits: any
  CHECK(all.most == INT32_MAX);
}

namespace {
constexpr Multiplier half{1 << 30, 0};
static_assert(OutputStage{&half, 3, -128, 127}.apply<single_rounding>(8, 0) == 7);
}  // namespace
