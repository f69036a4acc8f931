// SPDX-License-Identifier: Apache-2.0
/// @file tensor/tensor.hpp
/// A tensor that owns its elements, in place: no heap. The room is the shape's own size when the shape is
/// static, and a stated capacity otherwise.
#pragma once

#include <array>
#include <kinglet/core/align.hpp>
#include <kinglet/core/checked.hpp>
#include <kinglet/tensor/view.hpp>

namespace kinglet::inline KINGLET_TARGET {

namespace detail {
template <class E>
constexpr std::size_t default_capacity() noexcept {
  if constexpr (E::is_static()) {
    return E{}.size();
  } else {
    return 0;
  }
}
}  // namespace detail

/// @tparam Capacity elements there is room for; needed when an extent is dynamic.
template <class T, class E, std::size_t Capacity = detail::default_capacity<E>()>
class Tensor {
  static_assert(!E::is_static() || Capacity >= detail::default_capacity<E>(),
                "kinglet: Tensor: Capacity is smaller than the static shape");
  static_assert(E::is_static() || Capacity > 0,
                "kinglet: Tensor: a shape with dynamic extents needs a Capacity, in elements");

 public:
  using value_type = T;
  using extents_type = E;

  /// Zeros. A dynamic shape starts empty.
  constexpr Tensor() noexcept = default;
  /// A dynamic shape that is negative or has more than Capacity elements leaves the tensor empty (size 0).
  constexpr explicit Tensor(const E& extents) noexcept {
    if (fits(extents)) {
      extents_ = extents;
    }
  }

  [[nodiscard]] constexpr T* data() noexcept { return elements_.data(); }
  [[nodiscard]] constexpr const T* data() const noexcept { return elements_.data(); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return extents_.size(); }
  [[nodiscard]] constexpr index_t extent(std::size_t i) const noexcept { return extents_.extent(i); }
  [[nodiscard]] constexpr TensorView<T, E> view() noexcept { return {elements_.data(), extents_}; }
  [[nodiscard]] constexpr TensorView<const T, E> view() const noexcept {
    return {elements_.data(), extents_};
  }

  template <class... I>
  [[nodiscard]] constexpr T& operator()(I... i) noexcept {
    return view()(i...);
  }
  template <class... I>
  [[nodiscard]] constexpr const T& operator()(I... i) const noexcept {
    return view()(i...);
  }

 private:
  static constexpr bool fits(const E& extents) noexcept {
    std::array<index_t, E::rank()> shape{};
    for (std::size_t i = 0; i < E::rank(); ++i) {
      shape[i] = extents.extent(i);
    }
    const auto size = checked_product(shape);
    return size && *size <= Capacity;
  }

  alignas(buffer_alignment) std::array<T, Capacity> elements_{};
  [[no_unique_address]] E extents_{};
};

}  // namespace kinglet::inline KINGLET_TARGET
