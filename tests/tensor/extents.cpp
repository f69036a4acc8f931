// SPDX-License-Identifier: Apache-2.0
/// @file tensor/extents.cpp
/// Shapes: what is constant, what converts, and that constants take no room.
#include <doctest/doctest.h>

#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/extents.hpp>
#include <limits>

using namespace kinglet;

namespace {

constexpr index_t dyn = dynamic_extent;
using Static = Extents<1, 8, 8, 3>;
using Mixed = Extents<1, dyn, 8, dyn>;

// Constants take no room, run-time extents an integer each.
static_assert(std::is_empty_v<Static> && std::is_empty_v<Extents<>>);
static_assert(sizeof(Mixed) == 2 * sizeof(index_t) && sizeof(Nhwc) == 4 * sizeof(index_t));
static_assert(std::is_trivially_copyable_v<Mixed> && std::is_trivially_copyable_v<Static>);

static_assert(Static::rank() == 4 && Static::rank_dynamic() == 0 && Static::is_static());
static_assert(Mixed::rank() == 4 && Mixed::rank_dynamic() == 2 && !Mixed::is_static());
static_assert(Mixed::static_extent(1) == dynamic_extent && Mixed::static_extent(2) == 8);
static_assert(Static{}.size() == 192 && Extents<>{}.size() == 1 && Extents<5, 0>{}.size() == 0);

// Constants become run-time extents by themselves, the other way only when asked for, a wrong constant never.
static_assert(std::is_convertible_v<Static, Nhwc> && std::is_convertible_v<Static, Mixed>);
static_assert(std::is_convertible_v<Mixed, Nhwc> && std::is_convertible_v<Nhwc, Nhwc>);
static_assert(!std::is_convertible_v<Nhwc, Static> && std::is_constructible_v<Static, Nhwc>);
static_assert(!std::is_convertible_v<Nhwc, Mixed> && std::is_constructible_v<Mixed, Nhwc>);
static_assert(!std::is_constructible_v<Static, Extents<1, 8, 8, 4>>);
static_assert(!std::is_constructible_v<Mixed, Extents<2, dyn, 8, dyn>>);
static_assert(!std::is_constructible_v<Nhwc, Extents<1, 2, 3>> &&
              !std::is_constructible_v<Extents<>, Extents<1>>);

// One value per run-time extent, no more and no less.
static_assert(std::is_constructible_v<Mixed, int, int> && !std::is_constructible_v<Mixed, int>);
static_assert(!std::is_constructible_v<Mixed, int, int, int> && !std::is_constructible_v<Static, int>);
static_assert(!std::is_convertible_v<int, Extents<dyn>> && std::is_constructible_v<Extents<dyn>, int>);

static_assert(std::is_same_v<decay_extents_t<Static>, Nhwc> && std::is_same_v<decay_extents_t<Mixed>, Nhwc>);
static_assert(std::is_same_v<decay_extents_t<Extents<>>, Extents<>>);

static_assert(element_bytes(ElementType::int16) == 2 && element_bytes(ElementType::int64) == 8);
static_assert(element_bytes(ElementType::boolean) == 1 && element_bytes(ElementType::other) == 0);
static_assert(element_type_of<std::int8_t> == ElementType::int8 &&
              element_type_of<char*> == ElementType::other);
static_assert(std::is_same_v<accumulator_t<std::uint8_t>, std::int32_t>);
static_assert(std::is_same_v<accumulator_t<std::int16_t>, std::int64_t>);
static_assert(!QuantizedElement<float> && !QuantizedElement<std::int32_t> && QuantizedElement<std::int16_t>);

// Extents may be template arguments of other templates' constants: everything is known to the compiler.
constexpr Nhwc from_static = Static{};
static_assert(from_static.extent(0) == 1 && from_static.extent(3) == 3 && from_static.size() == 192);

}  // namespace

TEST_CASE("run-time extents land in their places") {
  const Mixed m{5, 7};
  CHECK(m.extent(0) == 1);
  CHECK(m.extent(1) == 5);
  CHECK(m.extent(2) == 8);
  CHECK(m.extent(3) == 7);
  CHECK(m.size() == 1U * 5 * 8 * 7);
  CHECK(Mixed{}.extent(1) == 0);
  CHECK(Mixed{}.size() == 0);
}

TEST_CASE("conversions keep every extent") {
  const Mixed m{5, 7};
  const Nhwc all = m;
  const Extents<dyn, 5, dyn, 7> other(all);
  CHECK(all == m);
  CHECK(other == m);
  CHECK(Mixed(other) == m);
  CHECK(static_cast<Static>(Nhwc{1, 8, 8, 3}) == Static{});
}

TEST_CASE("shapes are equal when every extent is") {
  CHECK(Static{} == Nhwc{1, 8, 8, 3});
  CHECK(Nhwc{1, 8, 8, 3} == Static{});
  CHECK(Static{} != Nhwc{1, 8, 8, 4});
  CHECK(Static{} != Extents<1, 8, 8>{});
  CHECK(Nhwc{2, 8, 8, 3} != Nhwc{1, 8, 8, 3});
  CHECK(Extents<>{} == Extents<>{});
}

TEST_CASE("sizes past 32 bits are whole") {
  CHECK(Extents<dyn, dyn>{INT32_MAX, INT32_MAX}.size() == std::size_t{INT32_MAX} * INT32_MAX);
}
