// SPDX-License-Identifier: Apache-2.0
/// @file tensor/tensor.cpp
/// Views and owning tensors: where an element is, what converts, and how little room they take.
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <kinglet/tensor/tensor.hpp>
#include <numeric>

using namespace kinglet;

namespace {

constexpr index_t dyn = dynamic_extent;
using Shape = Extents<2, 3, 4, 5>;
using Bytes = TensorView<std::int8_t, Shape>;

// A view is a pointer and the run-time extents; a tensor its elements and the run-time extents.
static_assert(sizeof(Bytes) == sizeof(void*));
static_assert(sizeof(TensorView<std::int8_t, Extents<1, dyn, 8, dyn>>) ==
              sizeof(void*) + 2 * sizeof(index_t));
static_assert(sizeof(Tensor<std::int8_t, Extents<1, 4, 4, 3>>) == 48);
static_assert(alignof(Tensor<std::int8_t, Extents<3>>) == buffer_alignment);
static_assert(sizeof(Tensor<std::int16_t, Extents<dyn, 4>, 16>) == 48);
static_assert(std::is_trivially_copyable_v<Bytes>);

// Mutable to const and static to dynamic by themselves; never the other way unasked.
template <class From, class To>
constexpr bool converts = std::is_convertible_v<From, To>;
static_assert(converts<Bytes, TensorView<const std::int8_t, Shape>>);
static_assert(converts<Bytes, TensorView<const std::int8_t, Nhwc>>);
static_assert(!converts<TensorView<const std::int8_t, Shape>, Bytes>);
static_assert(!std::is_constructible_v<Bytes, TensorView<const std::int8_t, Shape>>);
static_assert(!std::is_constructible_v<Bytes, TensorView<std::uint8_t, Shape>>);
static_assert(!converts<TensorView<std::int8_t, Nhwc>, Bytes>);
static_assert(std::is_constructible_v<Bytes, TensorView<std::int8_t, Nhwc>>);
static_assert(!std::is_constructible_v<Bytes, TensorView<std::int8_t, Extents<2, 3, 4, 6>>>);

template <class View, class... I>
concept Callable = requires(View v, I... i) {
  v(i...);
};
static_assert(Callable<Bytes, int, int, int, int> && !Callable<Bytes, int, int, int>);
static_assert(!Callable<Bytes, int, int, int, int, int>);

}  // namespace

TEST_CASE_TEMPLATE("offsets count elements in row-major order", E, Shape, Nhwc, Extents<dyn, 3, dyn, 5>) {
  const TensorView<const std::int8_t, E> view(nullptr, E(Nhwc{2, 3, 4, 5}));
  std::ptrdiff_t expected = 0;
  for (index_t n = 0; n < 2; ++n) {
    for (index_t y = 0; y < 3; ++y) {
      for (index_t x = 0; x < 4; ++x) {
        CHECK(view.offset(n, y, x) == expected);
        for (index_t c = 0; c < 5; ++c) {
          CHECK(view.offset(n, y, x, c) == expected++);
        }
      }
    }
  }
  CHECK(view.offset() == 0);
  CHECK(view.offset(1) == 60);
  CHECK(view.offset(1, 2) == 100);
  CHECK(view.offset(0, 0, 0, -1) == -1);  // a kernel may name the element before
}

TEST_CASE("offsets past 32 bits are whole") {
  const TensorView<const std::int8_t, Nhwc> view(nullptr, Nhwc{4, 40000, 40000, 16});
  CHECK(view.offset(3, 39999, 39999, 15) == std::ptrdiff_t{4} * 40000 * 40000 * 16 - 1);
}

TEST_CASE("views reach the caller's elements") {
  std::array<std::int16_t, 6> elements{};
  std::iota(elements.begin(), elements.end(), std::int16_t{0});
  const TensorView<std::int16_t, Extents<2, 3>> view(elements.data());
  CHECK(view(1, 2) == 5);
  view(0, 1) = 42;
  CHECK(elements[1] == 42);
  const TensorView<const std::int16_t, Extents<dyn, dyn>> seen = view;
  CHECK(seen(0, 1) == 42);
  CHECK(seen.data() == elements.data());
  CHECK(seen.size() == 6);
  CHECK(TensorView<int, Extents<dyn>>{}.data() == nullptr);
}

TEST_CASE("a scalar has one element and no index") {
  int value = 7;
  const TensorView<int, Extents<>> scalar(&value);
  CHECK(scalar() == 7);
  CHECK(scalar.offset() == 0);
  CHECK(scalar.size() == 1);
  CHECK(scalar.rank() == 0);
}

TEST_CASE("decay forgets constants and keeps the shape and the elements") {
  std::array<std::int8_t, 120> elements{};
  const Bytes view(elements.data());
  const auto decayed = decay(view);
  static_assert(std::is_same_v<decltype(decayed), const TensorView<std::int8_t, Nhwc>>);
  CHECK(decayed.extents() == Shape{});
  CHECK(decayed.data() == elements.data());
}

TEST_CASE("a tensor starts with zeros and holds what is written") {
  Tensor<std::int32_t, Extents<2, 3>> tensor;
  CHECK(tensor.size() == 6);
  CHECK(is_aligned(tensor.data()));
  for (index_t i = 0; i < 2; ++i) {
    for (index_t j = 0; j < 3; ++j) {
      CHECK(tensor(i, j) == 0);
      tensor(i, j) = 10 * i + j;
    }
  }
  const auto& constant = tensor;
  CHECK(constant(1, 2) == 12);
  CHECK(constant.view().data() == tensor.data());
  CHECK(tensor.data()[5] == 12);
}

TEST_CASE("a tensor with a run-time shape keeps within its capacity") {
  using Rows = Extents<dyn, 4>;
  using Room = Tensor<std::int8_t, Rows, 12>;
  CHECK(Room{}.size() == 0);
  CHECK(Room(Rows{3}).size() == 12);
  CHECK(Room(Rows{3}).extent(0) == 3);
  CHECK(Room(Rows{4}).size() == 0);
  CHECK(Room(Rows{4}).extent(0) == 0);
  CHECK(Room(Rows{-1}).extent(0) == 0);
  // 2^64 elements, which is 0 in a size that wraps.
  using Wild = Extents<dyn, dyn, dyn, dyn>;
  CHECK(Tensor<std::int8_t, Wild, 12>(Wild{65536, 65536, 65536, 65536}).extent(0) == 0);
}

TEST_CASE("a static tensor may have more capacity than it needs") {
  Tensor<std::int8_t, Extents<2, 2>, 64> tensor;
  CHECK(sizeof(tensor) == 64);
  CHECK(tensor.size() == 4);
}

static_assert([] {
  Tensor<std::int8_t, Extents<2, 2>> tensor;
  tensor(1, 0) = 3;
  return tensor.view()(1, 0) + tensor(0, 0);
}() == 3);
