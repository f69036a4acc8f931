// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize.cpp
/// The output stages in vectors of 4, 8 and 16 channels equal the scalar one bit for bit.
#include <doctest/doctest.h>

#include <kinglet/isa/lanes_avx2.hpp>
#include <kinglet/isa/lanes_avx512bw.hpp>
#include <kinglet/isa/lanes_sse4_1.hpp>

#if !defined(__SSE4_1__)

TEST_CASE("output stages in vectors") {
  MESSAGE("skipped: built for a target without vectors of our own");
}

#else

#include "support/near_ties.hpp"

using namespace kinglet;

namespace {

/// Which way a block is computed: its longer one is good for every multiplier, its shorter one below one half.
template <class Vectors, class Policy, bool IsShort>
struct Way {
  using Lanes = Vectors;
  using R = Policy;
  static constexpr bool is_short = IsShort;
  static constexpr int most_shift = IsShort ? -1 : 30;
};

#define KINGLET_WAYS_OF(L)                                                                             \
  Way<L, double_rounding, true>, Way<L, double_rounding, false>, Way<L, double_rounding_upward, true>, \
      Way<L, double_rounding_upward, false>, Way<L, single_rounding, true>, Way<L, single_rounding, false>
#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define KINGLET_REQUANTIZE_WAYS \
  KINGLET_WAYS_OF(isa::Lanes4), KINGLET_WAYS_OF(isa::Lanes8), KINGLET_WAYS_OF(isa::Lanes16)
#elif defined(__AVX2__)
#define KINGLET_REQUANTIZE_WAYS KINGLET_WAYS_OF(isa::Lanes4), KINGLET_WAYS_OF(isa::Lanes8)
#else
#define KINGLET_REQUANTIZE_WAYS KINGLET_WAYS_OF(isa::Lanes4)
#endif

/// A vector's multipliers, and one accumulator for each at a time.
template <class W>
class Block {
 public:
  using Lanes = typename W::Lanes;
  static constexpr auto lanes = static_cast<std::size_t>(Lanes::count);

  explicit Block(const Multiplier* multipliers)
      : block_(Lanes::Constants::template make<typename W::R>(multipliers, W::is_short)) {
    std::copy_n(multipliers, lanes, multipliers_);
  }

  /// Counts differences, and keeps one of them.
  void compare(const std::int32_t* x) {
    constexpr bool away = std::same_as<typename W::R, double_rounding>;
    alignas(64) std::int32_t sums[lanes];
    alignas(64) std::int32_t y[lanes];
    alignas(64) std::int32_t clamped[lanes];
    std::copy_n(x, lanes, sums);
    using Stage = typename Lanes::template Requantize<away, W::is_short>;
    using Upward = typename Lanes::template Requantize<false, W::is_short>;
    Lanes::store(y, Stage(block_)(Lanes::load(sums)));
    Lanes::store(clamped, Upward(block_)(Lanes::load(sums)));
    for (std::size_t lane = 0; lane < lanes; ++lane) {
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
  typename Lanes::Constants block_;
  Multiplier multipliers_[lanes];
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

TEST_CASE_TEMPLATE("output stage: limits and ties", W, KINGLET_REQUANTIZE_WAYS) {
  std::vector<test::Scaling> edges = test::scaling_edges(W::most_shift);
  constexpr std::size_t lanes = Block<W>::lanes;
  edges.resize((edges.size() + lanes - 1) / lanes * lanes, edges.front());
  test::Random random(51);
  for (std::size_t i = edges.size() - 1; i > 0; --i) {  // so that lanes differ
    std::swap(edges[i], edges[random.in<std::size_t>(0, i)]);
  }
  for (std::size_t i = 0; i < edges.size(); i += lanes) {
    Multiplier multipliers[lanes];
    std::int32_t x[lanes];
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      multipliers[lane] = edges[i + lane].m;
      x[lane] = edges[i + lane].x;
    }
    Block<W>(multipliers).compare(x);
  }
  check_no_differences<W>();
}

TEST_CASE_TEMPLATE("output stage: beside ties everywhere", W, KINGLET_REQUANTIZE_WAYS) {
  constexpr std::size_t lanes = Block<W>::lanes;
  test::Random random(52);
  for (int blocks = 0; blocks < 4000; ++blocks) {
    Multiplier multipliers[lanes];
    for (Multiplier& m : multipliers) {
      m = test::random_multiplier(random, W::most_shift);
    }
    Block<W> block(multipliers);
    for (int i = 0; i < 64; ++i) {
      std::int32_t x[lanes];
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        x[lane] = test::near_tie(random, multipliers[lane]);
      }
      block.compare(x);
    }
  }
  check_no_differences<W>();
}

TEST_CASE("near ties are: roundings differ on many of them") {
  test::Random random(53);
  int upward = 0;
  int once = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Multiplier m = test::random_multiplier(random, -1);
    const std::int32_t x = test::near_tie(random, m);
    upward += requantize<double_rounding>(x, m) != requantize<double_rounding_upward>(x, m) ? 1 : 0;
    once += requantize<double_rounding_upward>(x, m) != requantize<single_rounding>(x, m) ? 1 : 0;
  }
  CHECK(upward > 500);
  CHECK(once > 100);
}

#endif
