// SPDX-License-Identifier: Apache-2.0
/// @file quant/rounding.cpp
/// The rounding policies against their definitions in exact arithmetic.
#include <doctest/doctest.h>

#include <algorithm>
#include <kinglet/quant/rounding.hpp>
#include <random>
#include <vector>

#include "support/wide.hpp"

namespace {

using namespace kinglet;
using test::nearest_ties_away;
using test::nearest_ties_up;
using test::power_of_two;
using test::wide;
using test::wrap_to_int32;

constexpr std::int32_t lowest = INT32_MIN;
constexpr std::int32_t highest = INT32_MAX;

// The first step of the double roundings: the shifted accumulator wraps, the product over 2^31 rounds ties up.
std::int32_t high_product(std::int32_t x, std::int32_t q, int s) {
  const std::int32_t shifted = wrap_to_int32(wide{x} * power_of_two(std::max(s, 0)));
  return wrap_to_int32(nearest_ties_up(wide{shifted} * q, power_of_two(31)));
}

template <class R>
std::int32_t defined(std::int32_t x, std::int32_t q, int s) {
  const wide divisor = power_of_two(std::max(-s, 0));
  if constexpr (std::same_as<R, double_rounding>) {
    return wrap_to_int32(nearest_ties_away(high_product(x, q, s), divisor));
  } else if constexpr (std::same_as<R, double_rounding_upward>) {
    return wrap_to_int32(nearest_ties_up(high_product(x, q, s), divisor));
  } else {
    return wrap_to_int32(nearest_ties_up(wide{x} * q, power_of_two(31 - s)));
  }
}

// The closed forms for r = -s >= 1: one 64-bit addition and one shift.
template <class R>
std::int32_t closed_form(std::int32_t x, std::int32_t q, int s) {
  const int r = -s;
  const std::int64_t p = std::int64_t{x} * q;
  const std::int64_t half = std::int64_t{1} << (30 + r);
  const std::int64_t first_half = std::int64_t{1} << 30;
  if constexpr (std::same_as<R, double_rounding>) {
    const std::int64_t away = p < -first_half ? std::int64_t{1} << 31 : 0;
    return static_cast<std::int32_t>((p + first_half + half - away) >> (31 + r));
  } else if constexpr (std::same_as<R, double_rounding_upward>) {
    return static_cast<std::int32_t>((p + first_half + half) >> (31 + r));
  } else {
    return static_cast<std::int32_t>((p + half) >> (31 + r));
  }
}

// doctest's CHECK costs a microsecond, so millions of cases are counted and the first bad one is shown.
struct Mismatches {
  long count = 0;
  std::int32_t x = 0;
  std::int32_t q = 0;
  int s = 0;
  void add(std::int32_t bad_x, std::int32_t bad_q, int bad_s) {
    if (count++ == 0) {
      x = bad_x;
      q = bad_q;
      s = bad_s;
    }
  }
};
#define CHECK_NONE(mismatches)                                                         \
  do {                                                                                 \
    INFO("first: x = ", mismatches.x, ", q = ", mismatches.q, ", s = ", mismatches.s); \
    CHECK(mismatches.count == 0);                                                      \
  } while (false)

const std::vector<std::int32_t> multipliers = {0,          1,          1 << 30,     (1 << 30) + 1, 0x5a82799a,
                                               0x60000000, 0x7fff0000, highest - 1, highest};

std::vector<std::int32_t> edge_accumulators() {
  std::vector<std::int32_t> all = {0, lowest, lowest + 1, highest};
  for (int bit = 0; bit < 31; ++bit) {
    for (const int delta : {-1, 0, 1}) {
      all.push_back((1 << bit) + delta);
      all.push_back(-(1 << bit) - delta);
    }
  }
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("each policy's last step breaks ties as its table says", R, double_rounding,
                   double_rounding_upward, single_rounding) {
  // 2^30 halves twice with s = -1, so an accumulator of 4 * v scales to exactly v: no rounding in the first step.
  const auto scaled = [](double v) { return R::scale(static_cast<std::int32_t>(4 * v), 1 << 30, -1); };
  const bool away = std::same_as<R, double_rounding>;
  CHECK(scaled(-2.5) == (away ? -3 : -2));
  CHECK(scaled(-1.5) == (away ? -2 : -1));
  CHECK(scaled(-0.5) == (away ? -1 : 0));
  CHECK(scaled(0.5) == 1);
  CHECK(scaled(1.5) == 2);
  CHECK(scaled(2.5) == 3);
}

TEST_CASE_TEMPLATE("each policy's first step breaks ties up", R, double_rounding, double_rounding_upward,
                   single_rounding) {
  for (const std::int32_t x : {-5, -3, -1, 1, 3, 5}) {
    CHECK(R::scale(x, 1 << 30, 0) == (x + 1) / 2 - ((x + 1) % 2 < 0 ? 1 : 0));
  }
}

TEST_CASE_TEMPLATE("each policy equals its definition at every edge and shift", R, double_rounding,
                   double_rounding_upward, single_rounding) {
  Mismatches bad;
  for (const std::int32_t x : edge_accumulators()) {
    for (const std::int32_t q : multipliers) {
      for (int s = -31; s <= 30; ++s) {
        if (R::scale(x, q, s) != defined<R>(x, q, s)) {
          bad.add(x, q, s);
        }
      }
    }
  }
  CHECK_NONE(bad);
}

TEST_CASE_TEMPLATE("each policy equals its definition at random", R, double_rounding, double_rounding_upward,
                   single_rounding) {
  std::mt19937_64 random(1);
  Mismatches bad;
  for (int i = 0; i < 2'000'000; ++i) {
    const std::uint64_t bits = random();
    const auto x = static_cast<std::int32_t>(static_cast<std::int32_t>(bits) >> (random() % 32));
    const auto q = static_cast<std::int32_t>((1U << 30) | ((bits >> 32) & 0x3fffffff));
    const int s = static_cast<int>(random() % 62) - 31;
    if (R::scale(x, q, s) != defined<R>(x, q, s)) {
      bad.add(x, q, s);
    }
  }
  CHECK_NONE(bad);
}

TEST_CASE_TEMPLATE("each policy equals its definition and its closed form near ties", R, double_rounding,
                   double_rounding_upward, single_rounding) {
  std::mt19937_64 random(2);
  Mismatches bad;
  Mismatches bad_form;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto q = static_cast<std::int32_t>((1U << 30) | (random() & 0x3fffffff));
    const int r = 1 + static_cast<int>(random() % 31);
    // x * q / 2^(31 + r) lies in (-2^30, 2^30) / 2^(r - 1): take a half-integer in there and the nearest x.
    const std::int64_t span = std::max<std::int64_t>(std::int64_t{1} << (31 - r), 2);
    const std::int64_t k = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span)) - span / 2;
    const wide tie = nearest_ties_up((2 * wide{k} + 1) * power_of_two(30 + r), q);
    for (int near = -2; near <= 2; ++near) {
      const wide exact = tie + near;
      if (exact < lowest || exact > highest) {
        continue;
      }
      const auto x = static_cast<std::int32_t>(exact);
      if (R::scale(x, q, -r) != defined<R>(x, q, -r)) {
        bad.add(x, q, -r);
      }
      if (R::scale(x, q, -r) != closed_form<R>(x, q, -r)) {
        bad_form.add(x, q, -r);
      }
    }
  }
  CHECK_NONE(bad);
  CHECK_NONE(bad_form);
}

TEST_CASE_TEMPLATE("each closed form holds at every edge", R, double_rounding, double_rounding_upward,
                   single_rounding) {
  Mismatches bad;
  for (const std::int32_t x : edge_accumulators()) {
    for (const std::int32_t q : multipliers) {
      for (int s = -31; s <= -1; ++s) {
        if (R::scale(x, q, s) != closed_form<R>(x, q, s)) {
          bad.add(x, q, s);
        }
      }
    }
  }
  CHECK_NONE(bad);
}

TEST_CASE("the double roundings agree wherever the result is not negative") {
  std::mt19937_64 random(3);
  Mismatches bad;
  long differences = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto x = static_cast<std::int32_t>(random()) >> (random() % 24);
    const std::int32_t q = 1 << 30;  // powers of two: ties are common
    const int s = -1 - static_cast<int>(random() % 8);
    const std::int32_t away = double_rounding::scale(x, q, s);
    const std::int32_t upward = double_rounding_upward::scale(x, q, s);
    differences += away != upward ? 1 : 0;
    if (away != upward && (x >= 0 || away > 0 || upward > 0 || upward != away + 1)) {
      bad.add(x, q, s);
    }
  }
  CHECK_NONE(bad);
  CHECK(differences > 0);
}

TEST_CASE("rounding once differs from rounding twice near a tie") {
  // 0.4999...: the first step rounds it up to a tie, the second rounds the tie up.
  const std::int32_t x = 1;
  CHECK(single_rounding::scale(x, highest, -1) == 0);
  CHECK(double_rounding::scale(x, highest, -1) == 1);
}

TEST_CASE("high product: the only overflow saturates") {
  CHECK(saturating_rounding_doubling_high_mul(lowest, lowest) == highest);
  CHECK(saturating_rounding_doubling_high_mul(lowest, highest) == -highest);
  CHECK(saturating_rounding_doubling_high_mul(lowest, lowest + 1) == highest);
  CHECK(saturating_rounding_doubling_high_mul(highest, highest) == highest - 1);
  CHECK(saturating_rounding_doubling_high_mul(0, lowest) == 0);
}

TEST_CASE("division by a power of two equals its definition for every r") {
  Mismatches bad;
  for (const std::int32_t x : edge_accumulators()) {
    for (int r = 0; r <= 31; ++r) {
      if (rounding_divide_by_pot(x, r) != static_cast<std::int32_t>(nearest_ties_away(x, power_of_two(r)))) {
        bad.add(x, 0, r);
      }
    }
  }
  CHECK_NONE(bad);
}

TEST_CASE("wrapping arithmetic is modulo 2^32") {
  CHECK(wrapping_add(highest, 1) == lowest);
  CHECK(wrapping_add(lowest, -1) == highest);
  CHECK(wrapping_add(-7, 5) == -2);
  CHECK(wrapping_shift_left(1, 31) == lowest);
  CHECK(wrapping_shift_left(-1, 30) == -(1 << 30));
  CHECK(wrapping_shift_left(0x40000001, 2) == 4);
}

// The policies are usable by the compiler.
static_assert(double_rounding::scale(1000, 1 << 30, 1) == 1000);
static_assert(double_rounding::scale(-3 * 4 / 2, 1 << 30, -1) == -2);
static_assert(double_rounding_upward::scale(-3 * 4 / 2, 1 << 30, -1) == -1);
static_assert(single_rounding::scale(lowest, highest, 0) == -highest);
static_assert(!Rounding<int> && Rounding<single_rounding>);
