// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_float.cpp
/// The output stage in single precision equals the scalar one bit for bit wherever it says that it does.
#include <doctest/doctest.h>

#include <kinglet/isa/lanes_avx512bw.hpp>

#if !(defined(__AVX2__) && defined(__FMA__))

TEST_CASE("output stage in single precision") {
  MESSAGE("skipped: built for a target without AVX2 and FMA");
}
#else

#include <cfenv>
#include <cmath>
#include <limits>
#include <map>

#include "support/near_ties.hpp"

using namespace kinglet;

namespace {

struct Stage {
  std::int32_t zero_point;
  std::int32_t min;
  std::int32_t max;
};

/// A vector and a policy.
template <class Vectors, class Policy>
struct Way {
  using Lanes = Vectors;
  using R = Policy;
};

template <class Lanes, isa::FloatWay Way>
KINGLET_NOINLINE void requantize_floats(const typename Lanes::Floats& constants, const std::int32_t* sums,
                                        std::int32_t* y) {
  Lanes::store(y, typename Lanes::template RequantizeFloat<Way>(constants)(Lanes::load(sums)));
}

/// A vector of channels with one stage.
template <class W>
struct Block {
  using Lanes = typename W::Lanes;
  using R = typename W::R;
  using Floats = typename Lanes::Floats;
  static constexpr auto count = static_cast<std::size_t>(Lanes::count);
  Multiplier multipliers[count];
  Stage stage;
  std::int32_t zero_offsets[count] = {};
  SumReach reach[count] = {};
  Floats constants{};
  isa::FloatWay way = isa::FloatWay::none;

  bool make() {
    way = Floats::template make<R>(constants, multipliers, reach,
                                   {multipliers, stage.zero_point, stage.min, stage.max}, zero_offsets);
    return way != isa::FloatWay::none;
  }
  /// Whether `count` sums have the outputs that they should; sums that x0 would take out of 32 bits do not count.
  bool equals(const std::int32_t* x) const {
    alignas(64) std::int32_t sums[count];
    alignas(64) std::int32_t y[count];
    for (std::size_t c = 0; c < count; ++c) {
      sums[c] = test::clip_to_int32(std::int64_t{x[c]} + zero_offsets[c]);
    }
    {
      using isa::FloatWay;
      [[maybe_unused]] const typename Lanes::Rounding rounding(true);
      way == FloatWay::one_product ? requantize_floats<Lanes, FloatWay::one_product>(constants, sums, y)
      : way == FloatWay::one_product_away
          ? requantize_floats<Lanes, FloatWay::one_product_away>(constants, sums, y)
          : requantize_floats<Lanes, FloatWay::two_products>(constants, sums, y);
    }
    for (std::size_t c = 0; c < count; ++c) {
      const OutputStage scalar{multipliers + c, stage.zero_point, stage.min, stage.max};
      if (std::int64_t{x[c]} + zero_offsets[c] == sums[c] &&
          std::clamp(y[c], stage.min, stage.max) != scalar.template apply<R>(x[c], 0)) {
        return false;
      }
    }
    return true;
  }
  /// The smallest sum of a channel whose output is at least k.
  std::int32_t threshold(std::size_t c, std::int32_t k) const {
    const OutputStage scalar{multipliers + c, stage.zero_point, INT32_MIN, INT32_MAX};
    std::int64_t low = INT32_MIN;
    std::int64_t high = INT32_MAX;
    while (low < high) {
      const std::int64_t middle = (low + high) >> 1;
      scalar.template apply<R>(static_cast<std::int32_t>(middle), 0) >= k ? high = middle : low = middle + 1;
    }
    return static_cast<std::int32_t>(low);
  }
  /// Both sides of every step of every channel, which is everywhere, as outputs only ever rise; and the ends.
  bool equals_everywhere() const {
    std::int32_t ends[2][count];
    std::fill_n(ends[0], count, INT32_MIN);
    std::fill_n(ends[1], count, INT32_MAX);
    bool all = equals(ends[0]) && equals(ends[1]);
    for (std::int32_t k = stage.min + 1; k <= stage.max; ++k) {
      std::int32_t before[count];
      std::int32_t at[count];
      for (std::size_t c = 0; c < count; ++c) {
        at[c] = threshold(c, k);
        before[c] = at[c] == INT32_MIN ? at[c] : at[c] - 1;
      }
      all = all && equals(at) && equals(before);
    }
    return all;
  }
};

Stage random_stage(test::Random& random) {
  const bool clamps_at_zero = random.one_in(2);
  const std::int32_t lowest = random.one_in(3) ? 0 : -128;  // uint8 or int8
  const std::int32_t zero_point = lowest + random.in(0, 255);
  return {zero_point, clamps_at_zero ? zero_point : lowest,
          random.one_in(3) ? random.in(zero_point, lowest + 255) : lowest + 255};
}

#define KINGLET_WAYS_OF(L) Way<L, double_rounding>, Way<L, double_rounding_upward>, Way<L, single_rounding>
#if defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define KINGLET_FLOAT_LANES isa::Lanes8, isa::Lanes16
#define KINGLET_FLOAT_WAYS KINGLET_WAYS_OF(isa::Lanes8), KINGLET_WAYS_OF(isa::Lanes16)
#else
#define KINGLET_FLOAT_LANES isa::Lanes8
#define KINGLET_FLOAT_WAYS KINGLET_WAYS_OF(isa::Lanes8)
#endif

}  // namespace

TEST_CASE_TEMPLATE("float output stage: accepted blocks are exact at every step", W, KINGLET_FLOAT_WAYS) {
  test::Random random(61);
  int accepted = 0;
  int two_products = 0;
  for (int blocks = 0; blocks < 150; ++blocks) {
    Block<W> block{};
    block.stage = random_stage(random);
    const int kind = random.in(0, 5);  // ties, multipliers next to 2^31, or any
    for (Multiplier& m : block.multipliers) {
      m.value = kind == 0   ? 1 << 30
                : kind == 1 ? INT32_MAX - random.in(0, 3)
                            : random.in<std::int32_t>(1 << 30, INT32_MAX);
      m = random.one_in(20) ? Multiplier{} : Multiplier{m.value, random.in(-15, 0)};
    }
    if (block.make()) {
      ++accepted;
      two_products += block.way == isa::FloatWay::two_products ? 1 : 0;
      CAPTURE(blocks);
      CHECK(block.equals_everywhere());
    }
  }
  MESSAGE(accepted, " of 150 blocks are accepted, ", two_products, " of them by two products");
  CHECK(accepted > 110);
  CHECK(two_products > 20);
}

TEST_CASE_TEMPLATE("float output stage: one product is exact at every step of whom it is enough for", W,
                   KINGLET_FLOAT_WAYS) {
  test::Random random(67);
  int accepted[2] = {};  // with all slopes next to what they should be, and not
  for (int blocks = 0; blocks < 300; ++blocks) {
    Block<W> block{};
    block.stage = random_stage(random);
    const int right = random.in(6, 11);
    for (Multiplier& m : block.multipliers) {
      m = {random.in<std::int32_t>(1 << 30, INT32_MAX), -right + random.in(0, 2)};
      m = random.one_in(20) ? Multiplier{m.value, 0} : m;  // in one step, beside others with two
    }
    if (!block.make() || block.way == isa::FloatWay::two_products) {
      continue;
    }
    bool all_closest = true;
    for (std::size_t c = 0; c < block.count; ++c) {
      const auto exact = static_cast<double>(block.multipliers[c].value);
      const double error = std::abs(
          std::ldexp(static_cast<double>(block.constants.high[c]), 31 - block.multipliers[c].shift) - exact);
      REQUIRE(error <= 128);
      all_closest = all_closest && error <= 64;
    }
    ++accepted[all_closest ? 0 : 1];
    CAPTURE(blocks);
    CHECK(block.equals_everywhere());
    block.way = isa::FloatWay::two_products;  // as with another block of the layer that needs them
    CHECK(block.equals_everywhere());
  }
  MESSAGE(accepted[0], " blocks with all slopes next to what they should be, ", accepted[1], " others");
  CHECK(accepted[0] > 100);
  CHECK(accepted[1] > 10);
}

TEST_CASE_TEMPLATE("float output stage: multipliers of nearly 1 leave all sums within 32 bits", W,
                   KINGLET_FLOAT_WAYS) {
  test::Random random(69);
  int one_product = 0;
  for (int blocks = 0; blocks < 200; ++blocks) {
    Block<W> block{};
    block.stage = {random.in(-128, 127), -128, 127};
    for (Multiplier& m : block.multipliers) {
      m = {INT32_MAX - random.in(0, 300), 0};
    }
    if (!block.make()) {
      continue;
    }
    one_product += block.way == isa::FloatWay::two_products ? 0 : 1;
    CAPTURE(blocks);
    CHECK(block.equals_everywhere());
    std::int32_t sums[Block<W>::count];
    for (std::int32_t below = 0; below < 300; ++below) {
      std::fill_n(sums, Block<W>::count, INT32_MAX - below);
      CHECK(block.equals(sums));
      std::fill_n(sums, Block<W>::count, INT32_MIN + below);
      CHECK(block.equals(sums));
    }
  }
  CHECK(one_product > 100);
}

TEST_CASE_TEMPLATE("float output stage: nearly every layer as networks have them is accepted", W,
                   KINGLET_FLOAT_WAYS) {
  test::Random random(64);
  int accepted = 0;
  int one_product = 0;
  for (int blocks = 0; blocks < 4000; ++blocks) {
    Block<W> block{};
    block.stage = random_stage(random);
    block.stage.zero_point = block.stage.min == 0 ? 128 : 0;  // in the middle, or ReLU's
    for (Multiplier& m : block.multipliers) {
      m = {random.in<std::int32_t>(1 << 30, INT32_MAX), random.in(-10, -5)};
    }
    accepted += block.make() ? 1 : 0;
    one_product += block.way == isa::FloatWay::two_products ? 0 : 1;
  }
  MESSAGE(one_product, " of 4000 blocks take one product");
  CHECK(accepted >= 3998);
  CHECK(one_product > 3500);
}

TEST_CASE_TEMPLATE("float output stage: offsets on either side of what they should be are exact", W,
                   KINGLET_FLOAT_WAYS) {
  test::Random random(65);
  int found[2] = {};
  for (int blocks = 0; blocks < 40'000 && std::min(found[0], found[1]) < 20; ++blocks) {
    Block<W> block{};
    block.stage = {random.in(-128, 20), -128, 127};
    block.stage.min = random.one_in(2) ? -128 : block.stage.zero_point;
    for (Multiplier& m : block.multipliers) {
      m = {random.in<std::int32_t>(1 << 30, INT32_MAX), -8};
    }
    if (!block.make()) {
      continue;
    }
    bool any[2] = {};
    for (std::size_t c = 0; c < Block<W>::count; ++c) {
      const std::int64_t unit = std::int64_t{1} << 39;
      const auto offset = static_cast<std::int64_t>(static_cast<double>(block.constants.offset[c]) *
                                                    static_cast<double>(unit));
      const bool two_steps = !std::same_as<typename W::R, single_rounding>;
      const std::int64_t exact = (unit >> 1) + (two_steps ? std::int64_t{1} << 30 : 0) +
                                 block.stage.zero_point * unit -
                                 std::int64_t{block.zero_offsets[c]} * block.multipliers[c].value;
      any[0] = any[0] || offset < exact;
      any[1] = any[1] || offset > exact + 255;  // not the first multiple above
    }
    if ((any[0] && found[0] < 20) || (any[1] && found[1] < 20)) {
      found[0] += any[0] ? 1 : 0;
      found[1] += any[1] ? 1 : 0;
      CHECK(block.equals_everywhere());
    }
  }
  CHECK(found[0] >= 20);
  CHECK(found[1] >= 20);
}

TEST_CASE_TEMPLATE("float output stage: sums that come too close are refused, and would be wrong", L,
                   KINGLET_FLOAT_LANES) {
  test::Random random(62);
  using Way = isa::FloatWay;
  int wrong_by_one_product = 0;
  int wrong_by_two = 0;
  for (int blocks = 0; blocks < 20'000 && std::min(wrong_by_one_product, wrong_by_two) < 5; ++blocks) {
    Block<::Way<L, single_rounding>> block{};
    block.stage = {0, -128, 127};
    // A small one: its steps are so long that some sum comes close to the end of one. Next to a power of two, sums are
    // next to both ends of many.
    const bool next_to_power = random.one_in(2);
    std::fill_n(block.multipliers, block.count,
                next_to_power ? Multiplier{INT32_MAX - random.in(0, 3), random.in(-3, -1)}
                              : Multiplier{random.in<std::int32_t>(1 << 30, INT32_MAX), -11});
    if (!block.make()) {
      block.way = Way::two_products;
      wrong_by_two += block.equals_everywhere() ? 0 : 1;
    } else if (block.way == Way::two_products) {
      for (std::size_t c = 0; c < block.count; ++c) {
        block.constants.high[c] += block.constants.low[c];
      }
      block.way = Way::one_product;
      wrong_by_one_product += block.equals_everywhere() ? 0 : 1;
    }
  }
  CHECK(wrong_by_one_product >= 5);
  CHECK(wrong_by_two >= 5);
}

TEST_CASE_TEMPLATE("float output stage: the same constants while compiling", L, KINGLET_FLOAT_LANES) {
  struct Made {
    Multiplier multipliers[L::count]{};
    typename L::Floats block{};
    std::int32_t zero_offsets[L::count]{};
    SumReach reach[L::count]{};
    isa::FloatWay way = isa::FloatWay::none;

    constexpr void make() {
      for (std::int32_t c = 0; c < L::count; ++c) {
        multipliers[c] = {(1 << 30) + 12'345'678 * c, -5 - c % 4};
      }
      way = L::Floats::template make<double_rounding>(block, multipliers, reach, {multipliers, 3, -128, 127},
                                                      zero_offsets);
    }
  };
  constexpr Made compiled = [] {
    Made made;
    made.make();
    return made;
  }();
  Made made;
  made.make();
  CHECK(compiled.way == isa::FloatWay::one_product_away);
  CHECK(made.way == compiled.way);
  CHECK(std::ranges::equal(made.block.high, compiled.block.high));
  CHECK(std::ranges::equal(made.block.low, compiled.block.low));
  CHECK(std::ranges::equal(made.block.limit, compiled.block.limit));
  CHECK(std::ranges::equal(made.zero_offsets, compiled.zero_offsets));
  CHECK(std::ranges::equal(made.block.offset, compiled.block.offset));
  CHECK(std::ranges::equal(made.block.offset_below, compiled.block.offset_below));
}

/// Makes blocks whose sums have a reach, and looks at both sides of every step in it. @return blocks by their way
template <class W>
std::map<isa::FloatWay, int> check_in_reach(test::Random random, std::int32_t least_shift,
                                            std::int32_t most_shift) {
  std::map<isa::FloatWay, int> ways;
  for (int blocks = 0; blocks < 3000; ++blocks) {
    Block<W> block{};
    block.stage = random_stage(random);
    const std::int32_t most = 1 << random.in(1, 30);
    for (std::size_t c = 0; c < block.count; ++c) {
      block.multipliers[c] = {random.in<std::int32_t>(1 << 30, INT32_MAX),
                              random.in(least_shift, most_shift)};
      block.reach[c].least = random.in(-most, most);
      block.reach[c].most = random.in(block.reach[c].least, most);
      if (random.one_in(3)) {  // a tie, or next to it, so that both outputs are often in reach
        const std::int64_t half = std::int64_t{1} << (15 - block.multipliers[c].shift);
        block.multipliers[c].value = 1 << 30;
        block.reach[c].least = test::clip_to_int32((random.one_in(2) ? half : -half) * 2 + random.in(-2, 0));
        block.reach[c].most = test::clip_to_int32(std::int64_t{block.reach[c].least} + random.in(0, 5));
      }
    }
    const bool made = block.make();
    ++ways[block.way];
    if (!made) {
      continue;
    }
    CAPTURE(blocks);
    std::int32_t sums[block.count];
    const auto check = [&](auto sum) {
      for (std::size_t c = 0; c < block.count; ++c) {
        sums[c] = std::clamp(sum(c), block.reach[c].least, block.reach[c].most);
      }
      CHECK(block.equals(sums));
    };
    check([&](std::size_t c) { return block.reach[c].least; });
    check([&](std::size_t c) { return block.reach[c].most; });
    const std::int32_t zero = block.stage.zero_point;
    for (std::int32_t k = std::max(zero - 17, block.stage.min + 1); k <= zero + 17; ++k) {
      check([&](std::size_t c) { return block.threshold(c, k); });
      check([&](std::size_t c) { return std::max(block.threshold(c, k), -INT32_MAX) - 1; });
    }
  }
  return ways;
}

TEST_CASE_TEMPLATE("float output stage: multipliers of almost nothing are exact for the sums in reach", W,
                   KINGLET_FLOAT_WAYS) {
  auto ways = check_in_reach<W>(test::Random(66), -31, -16);
  MESSAGE(ways[isa::FloatWay::none], " of 3000 blocks are refused");
  CHECK(ways[isa::FloatWay::none] < 2000);
}

TEST_CASE_TEMPLATE("float output stage: small multipliers take one product if sums reach few outputs", W,
                   KINGLET_FLOAT_WAYS) {
  auto ways = check_in_reach<W>(test::Random(68), -15, -12);
  MESSAGE(ways[isa::FloatWay::two_products], " of 3000 blocks take two products");
  CHECK(ways[isa::FloatWay::none] == 0);
  CHECK(ways[isa::FloatWay::one_product] > 300);
  CHECK(ways[isa::FloatWay::two_products] > 300);
  CHECK((std::same_as<typename W::R, double_rounding> ? ways[isa::FloatWay::one_product_away] > 300
                                                      : ways[isa::FloatWay::one_product_away] == 0));
}

TEST_CASE_TEMPLATE("float output stage: refuses what it cannot do", L, KINGLET_FLOAT_LANES) {
  Block<Way<L, double_rounding>> block{};
  std::fill_n(block.multipliers, block.count, Multiplier{3 << 29, -7});
  block.stage = {0, 0, 127};
  CHECK(block.make());
  block.multipliers[block.count - 1].shift = -16;
  CHECK(!block.make());
  block.reach[block.count - 1] = {0, 1 << 22};  // 0 to 48
  CHECK(!block.make());
  block.reach[block.count - 1] = {0, 150'000};  // 0, 1, 2
  CHECK(block.make());
  block.multipliers[block.count - 1].shift = 1;
  CHECK(!block.make());
}

TEST_CASE_TEMPLATE("float output stage: exact whatever the processor's rounding mode", L,
                   KINGLET_FLOAT_LANES) {
  test::Random random(63);
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST}) {
    for (int blocks = 0; blocks < 20; ++blocks) {
      Block<Way<L, double_rounding_upward>> block{};
      block.stage = random_stage(random);
      for (Multiplier& m : block.multipliers) {
        m = {random.in<std::int32_t>(1 << 30, INT32_MAX), random.in(-15, 0)};
      }
      std::fesetround(mode);
      const bool made = block.make();
      const bool equals = !made || block.equals_everywhere();
      const bool kept = std::fegetround() == mode;
      std::fesetround(FE_TONEAREST);
      CHECK(equals);
      CHECK(kept);
    }
  }
}

TEST_CASE("float output stage: no trace of rounding down is left") {
  Block<Way<isa::Lanes8, double_rounding>> block{};
  std::fill_n(block.multipliers, block.count, Multiplier{3 << 29, -7});
  block.stage = {0, 0, 127};
  REQUIRE(block.make());
  std::feclearexcept(FE_ALL_EXCEPT);
  const unsigned before = _mm_getcsr();
  std::int32_t inexact[block.count];
  std::fill_n(inexact, block.count, INT32_MAX);
  CHECK(block.equals(inexact));
  CHECK(_mm_getcsr() == before);
  {
    const isa::RoundingDown rounding(false);
    CHECK(_mm_getcsr() == before);
  }
}

#endif
