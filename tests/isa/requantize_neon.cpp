// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_neon.cpp
/// The output stage for 4 channels equals the scalar one bit for bit.
#include <doctest/doctest.h>

#include <kinglet/isa/requantize_neon.hpp>

#if !KINGLET_HAS_NEON

TEST_CASE("NEON output stage") {
  MESSAGE("skipped: built for a target without 64-bit Advanced SIMD");
}

#else

#include "support/near_ties.hpp"

using namespace kinglet;

namespace {

/// Which way a block is computed: its longer one is good for every multiplier, its short one below one half.
template <class Policy, bool IsShort>
struct Way {
  using R = Policy;
  static constexpr bool is_short = IsShort;
  static constexpr int most_shift = IsShort ? -1 : 30;
};

#define KINGLET_REQUANTIZE_WAYS                                                               \
  Way<double_rounding, true>, Way<double_rounding, false>, Way<double_rounding_upward, true>, \
      Way<double_rounding_upward, false>, Way<single_rounding, true>, Way<single_rounding, false>

/// 4 channels' multipliers, and one accumulator for each at a time.
template <class W>
class Block {
 public:
  explicit Block(const Multiplier* multipliers)
      : block_(isa::RequantizeBlock4::make<typename W::R>(multipliers, W::is_short)) {
    std::copy_n(multipliers, 4, multipliers_);
  }

  /// Counts differences, and keeps one of them.
  void compare(const std::int32_t* x) {
    constexpr auto exact = isa::neon_rounding<typename W::R>(true);
    constexpr auto above_zero = isa::neon_rounding<typename W::R>(false);
    const int32x4_t sums = vld1q_s32(x);
    std::int32_t y[4];
    std::int32_t clamped[4];
    vst1q_s32(y, isa::Requantize4<exact, W::is_short>(block_)(sums));
    vst1q_s32(clamped, isa::Requantize4<above_zero, W::is_short>(block_)(sums));
    for (std::size_t lane = 0; lane < 4; ++lane) {
      const std::int32_t expected = requantize<typename W::R>(x[lane], multipliers_[lane]);
      // Where outputs below the zero point are clamped, ties may go up.
      if (y[lane] != expected || std::max(clamped[lane], 0) != std::max(expected, 0)) {
        ++differences;
        example = {x[lane], multipliers_[lane]};
      }
    }
  }

  static inline long differences = 0;
  static inline test::Scaling example{};

 private:
  isa::RequantizeBlock4 block_;
  Multiplier multipliers_[4];
};

template <class W>
void check_no_differences() {
  CAPTURE(Block<W>::example.x);
  CAPTURE(Block<W>::example.m.value);
  CAPTURE(Block<W>::example.m.shift);
  CHECK(Block<W>::differences == 0);
  Block<W>::differences = 0;
}

}  // namespace

TEST_CASE_TEMPLATE("NEON output stage: limits and ties", W, KINGLET_REQUANTIZE_WAYS) {
  std::vector<test::Scaling> edges = test::scaling_edges(W::most_shift);
  edges.resize((edges.size() + 3) / 4 * 4, edges.front());
  test::Random random(51);
  for (std::size_t i = edges.size() - 1; i > 0; --i) {  // so that lanes differ
    std::swap(edges[i], edges[random.in<std::size_t>(0, i)]);
  }
  for (std::size_t i = 0; i < edges.size(); i += 4) {
    Multiplier multipliers[4];
    std::int32_t x[4];
    for (std::size_t lane = 0; lane < 4; ++lane) {
      multipliers[lane] = edges[i + lane].m;
      x[lane] = edges[i + lane].x;
    }
    Block<W>(multipliers).compare(x);
  }
  check_no_differences<W>();
}

TEST_CASE_TEMPLATE("NEON output stage: beside ties everywhere", W, KINGLET_REQUANTIZE_WAYS) {
  test::Random random(52);
  for (int blocks = 0; blocks < 8000; ++blocks) {
    Multiplier multipliers[4];
    for (Multiplier& m : multipliers) {
      m = test::random_multiplier(random, W::most_shift);
    }
    Block<W> block(multipliers);
    for (int i = 0; i < 32; ++i) {
      std::int32_t x[4];
      for (std::size_t lane = 0; lane < 4; ++lane) {
        x[lane] = test::near_tie(random, multipliers[lane]);
      }
      block.compare(x);
    }
  }
  check_no_differences<W>();
}

#endif
