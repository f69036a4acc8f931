// SPDX-License-Identifier: Apache-2.0
/// @file kernels/output_block.cpp
/// The block-wise output stage equals the scalar one, which is normative.
#include <doctest/doctest.h>

#include <cmath>
#include <kinglet/kernels/output_block.hpp>
#include <vector>

#include "support/random.hpp"

using namespace kinglet;

namespace {

constexpr auto lanes = static_cast<std::size_t>(output_block_channels);

/// Sums that make a policy's last steps tie, or nearly so: (2k+1) * 2^(30+r) / q, and neighbours.
std::int32_t near_tie(Multiplier m, test::Random& random) {
  const int right = std::max(-m.shift, 0);
  const double unit = static_cast<double>(std::uint64_t{1} << (30 + right)) / m.value;
  const double x = (2.0 * random.in(-200, 200) + 1) * unit + random.in(-2, 2);
  return std::abs(x) < 2147483647.0 ? static_cast<std::int32_t>(x) : random.in(INT32_MIN, INT32_MAX);
}

std::int32_t sum_for(std::size_t round, Multiplier m, test::Random& random) {
  constexpr std::int32_t edges[] = {0, 1, -1, INT32_MAX, INT32_MIN, INT32_MIN + 1, 1 << 30, -(1 << 30)};
  return round < std::size(edges) ? edges[round]
         : round % 2 == 0         ? near_tie(m, random)
                                  : random.in(INT32_MIN, INT32_MAX) >> random.in(0, 31);
}

}  // namespace

TEST_CASE_TEMPLATE("a block of 32-bit sums gets the scalar stage's elements", R, double_rounding,
                   double_rounding_upward, single_rounding) {
  test::Random random(7);
  std::vector<std::int32_t> found(lanes);
  std::int64_t differences = 0;
  for (std::int32_t shift = -31; shift <= 30; ++shift) {
    for (std::size_t round = 0; round < 200; ++round) {
      Multiplier multipliers[lanes];
      std::uint32_t sums[lanes];
      std::int32_t bias[lanes];
      for (std::size_t c = 0; c < lanes; ++c) {
        // Every other channel has a shift of its own.
        multipliers[c] = {c == 0   ? 0x7fffffff
                          : c == 1 ? 1 << 30
                          : c == 2 ? 0
                                   : random.in(1 << 30, 0x7fffffff),
                          c % 2 == 0 ? shift : random.in(-31, 30)};
        const std::int32_t sum = sum_for(round, multipliers[c], random);
        bias[c] = random.in(INT32_MIN, INT32_MAX);
        sums[c] = static_cast<std::uint32_t>(sum) - static_cast<std::uint32_t>(bias[c]);
      }
      const OutputStage stage{multipliers, random.in(-128, 127), INT32_MIN, INT32_MAX};
      const OutputBlock<R, std::uint32_t> block(stage, bias, 0, output_block_channels);
      block.apply(sums, found.data());
      for (std::size_t c = 0; c < lanes; ++c) {
        const auto x = static_cast<std::int32_t>(sums[c] + static_cast<std::uint32_t>(bias[c]));
        differences += found[c] != stage.template apply<R>(x, static_cast<std::ptrdiff_t>(c));
      }
    }
  }
  CHECK(differences == 0);
}

TEST_CASE("a block clamps, and leaves what lies beyond its channels alone") {
  const Multiplier half[] = {{1 << 30, 0}, {1 << 30, 0}, {1 << 30, 0}};
  const OutputStage stage{half, 5, -20, 30};
  const std::int32_t bias[] = {0, 2, -4};
  const OutputBlock<double_rounding, std::uint32_t> block(stage, bias + 1, 0, 2);
  const std::uint32_t sums[lanes] = {20, static_cast<std::uint32_t>(-100), 1000};
  std::int8_t to[] = {1, 2, 3};
  store_block(block, sums, 2, to);
  CHECK(to[0] == 16);   // (20 + 2) / 2 + 5
  CHECK(to[1] == -20);  // (-100 - 4) / 2 + 5 = -47
  CHECK(to[2] == 3);
}

TEST_CASE("a block of 64-bit sums starts at its first channel") {
  const Multiplier multipliers[] = {{1 << 30, 1}, {1 << 30, 0}, {1 << 30, -1}};
  const OutputStage stage{multipliers, 0, -32768, 32767};
  const std::int64_t bias[] = {0, 100, 200};
  const OutputBlock<double_rounding, std::uint64_t> block(stage, bias, 1, 2);
  const std::uint64_t sums[lanes] = {20, 40};
  std::int16_t to[] = {1, 2, 3};
  store_block(block, sums, 2, to);
  CHECK(to[0] == 60);
  CHECK(to[1] == 60);
  CHECK(to[2] == 3);
}
