// SPDX-License-Identifier: Apache-2.0
/// @file core/checked.cpp
/// Arithmetic on untrusted sizes, and alignment.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/core/align.hpp>
#include <kinglet/core/checked.hpp>
#include <random>

#include "support/wide.hpp"

namespace {

using namespace kinglet;

constexpr std::size_t greatest = SIZE_MAX;

std::optional<std::size_t> product(std::initializer_list<std::int32_t> shape) {
  return checked_product(std::span(shape.begin(), shape.size()));
}

}  // namespace

TEST_CASE("sums and products are there unless they overflow") {
  CHECK(checked_add(0, 0) == 0);
  CHECK(checked_add(greatest, 0) == greatest);
  CHECK(checked_add(0, greatest) == greatest);
  CHECK(checked_add(greatest - 5, 5) == greatest);
  CHECK(!checked_add(greatest - 5, 6));
  CHECK(!checked_add(1, greatest));
  CHECK(!checked_add(greatest, greatest));

  CHECK(checked_mul(0, greatest) == 0);
  CHECK(checked_mul(greatest, 0) == 0);
  CHECK(checked_mul(greatest, 1) == greatest);
  CHECK(checked_mul(1, greatest) == greatest);
  CHECK(checked_mul(greatest / 3, 3) == greatest / 3 * 3);
  CHECK(!checked_mul(greatest / 3 + 1, 3));
  CHECK(!checked_mul(greatest / 2 + 1, 2));
  CHECK(!checked_mul(greatest, greatest));
}

TEST_CASE("sums and products equal exact arithmetic at random") {
  std::mt19937_64 random(1);
  __extension__ using exact = unsigned __int128;
  long bad = 0;
  long overflows = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto a = static_cast<std::size_t>(random() >> (random() % 64));
    const auto b = static_cast<std::size_t>(random() >> (random() % 64));
    const auto agrees = [](std::optional<std::size_t> found, exact expected) {
      return expected > greatest ? !found : found == static_cast<std::size_t>(expected);
    };
    bad += agrees(checked_add(a, b), exact{a} + b) && agrees(checked_mul(a, b), exact{a} * b) ? 0 : 1;
    overflows += checked_mul(a, b) ? 0 : 1;
  }
  CHECK(bad == 0);
  CHECK(overflows > 1000);
}

TEST_CASE("products of shapes") {
  CHECK(product({}) == 1);
  CHECK(product({1, 224, 224, 3}) == 150528);
  CHECK(product({7, 0, 9}) == 0);
  CHECK(!product({-1}));
  CHECK(!product({0, -1}));
  CHECK(!product({INT32_MIN, 2}));
  CHECK(product({INT32_MAX, INT32_MAX}) == std::size_t{INT32_MAX} * INT32_MAX);
  CHECK(!product({INT32_MAX, INT32_MAX, INT32_MAX}));
  CHECK(!product({1 << 16, 1 << 16, 1 << 16, 1 << 16}));  // 2^64, 0 when it wraps
  CHECK(!product({INT32_MAX, INT32_MAX, INT32_MAX, 0}));  // overflow comes first: no order hides it
}

TEST_CASE("align_up gives the next multiple") {
  CHECK(align_up(0) == 0);
  CHECK(align_up(1) == 16);
  CHECK(align_up(16) == 16);
  CHECK(align_up(17) == 32);
  CHECK(align_up(greatest - 15) == greatest - 15);
  for (std::size_t alignment = 1; alignment <= 128; alignment *= 2) {
    for (std::size_t value = 0; value < 300; ++value) {
      const std::size_t up = align_up(value, alignment);
      REQUIRE(up % alignment == 0);
      REQUIRE(up >= value);
      REQUIRE(up - value < alignment);
    }
  }
}

TEST_CASE("is_aligned looks at the address") {
  alignas(64) std::array<std::byte, 65> bytes{};
  for (std::size_t i = 0; i <= 64; ++i) {
    CHECK(is_aligned(&bytes[i]) == (i % 16 == 0));
    CHECK(is_aligned(&bytes[i], 64) == (i % 64 == 0));
    CHECK(is_aligned(&bytes[i], 1));
  }
  CHECK(is_aligned(nullptr));
}

static_assert(checked_mul(3, 4) == 12 && align_up(5, 4) == 8);
