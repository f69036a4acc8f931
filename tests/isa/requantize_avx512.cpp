// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_avx512.cpp
/// The output stage for 16 channels equals the scalar one bit for bit.
#include <doctest/doctest.h>

#include <kinglet/isa/requantize_avx512.hpp>

#if !(defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__))

TEST_CASE("AVX-512 output stage") {
  MESSAGE("skipped: built for a target without AVX-512");
}

#else

#include "support/near_ties.hpp"

using namespace kinglet;

namespace {

/// Which way a block is computed: its longer one is good for every multiplier, its shorter one below one half.
template <class Policy, bool IsShort>
struct Way {
  using R = Policy;
  static constexpr bool is_short = IsShort;
  static constexpr int most_shift = IsShort ? -1 : 30;
};

#define KINGLET_REQUANTIZE_WAYS                                                               \
  Way<double_rounding, true>, Way<double_rounding, false>, Way<double_rounding_upward, true>, \
      Way<double_rounding_upward, false>, Way<single_rounding, true>, Way<single_rounding, false>

/// 16 channels' multipliers, and one accumulator for each at a time.
template <class W>
class Block {
 public:
  explicit Block(const Multiplier* multipliers)
      : block_(isa::RequantizeBlock16::make<typename W::R>(multipliers, W::is_short)) {
    std::copy_n(multipliers, 16, multipliers_);
  }

  /// Counts differences, and keeps one of them.
  void compare(const std::int32_t* x) {
    constexpr bool away = std::same_as<typename W::R, double_rounding>;
    const __m512i sums = _mm512_loadu_si512(x);
    alignas(64) std::int32_t y[16];
    alignas(64) std::int32_t clamped[16];
    _mm512_store_si512(y, isa::Requantize16<away, W::is_short>(block_)(sums));
    _mm512_store_si512(clamped, isa::Requantize16<false, W::is_short>(block_)(sums));
    for (std::size_t lane = 0; lane < 16; ++lane) {
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
  isa::RequantizeBlock16 block_;
  Multiplier multipliers_[16];
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

TEST_CASE_TEMPLATE("AVX-512 output stage: limits and ties", W, KINGLET_REQUANTIZE_WAYS) {
  std::vector<test::Scaling> edges = test::scaling_edges(W::most_shift);
  edges.resize((edges.size() + 15) / 16 * 16, edges.front());
  test::Random random(51);
  for (std::size_t i = edges.size() - 1; i > 0; --i) {  // so that lanes differ
    std::swap(edges[i], edges[random.in<std::size_t>(0, i)]);
  }
  for (std::size_t i = 0; i < edges.size(); i += 16) {
    Multiplier multipliers[16];
    std::int32_t x[16];
    for (std::size_t lane = 0; lane < 16; ++lane) {
      multipliers[lane] = edges[i + lane].m;
      x[lane] = edges[i + lane].x;
    }
    Block<W>(multipliers).compare(x);
  }
  check_no_differences<W>();
}

TEST_CASE_TEMPLATE("AVX-512 output stage: beside ties everywhere", W, KINGLET_REQUANTIZE_WAYS) {
  test::Random random(52);
  for (int blocks = 0; blocks < 4000; ++blocks) {
    Multiplier multipliers[16];
    for (Multiplier& m : multipliers) {
      m = test::random_multiplier(random, W::most_shift);
    }
    Block<W> block(multipliers);
    for (int i = 0; i < 64; ++i) {
      std::int32_t x[16];
      for (std::size_t lane = 0; lane < 16; ++lane) {
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
