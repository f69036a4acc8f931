// SPDX-License-Identifier: Apache-2.0
/// @file tensor/view.hpp
/// A tensor that somebody else owns: a pointer and a shape, dense, last dimension contiguous (NHWC, OHWI).
#pragma once

#include <kinglet/tensor/extents.hpp>
#include <type_traits>

namespace kinglet::inline KINGLET_TARGET {

template <class T, class E>
class TensorView {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using extents_type = E;

  constexpr TensorView() noexcept = default;
  constexpr TensorView(T* data, const E& extents = E{}) noexcept : data_(data), extents_(extents) {}

  /// From mutable to const, and from a view whose shape converts; explicit where the shape's conversion is.
  template <class U, class F>
  constexpr explicit(!std::is_convertible_v<const F&, E>) TensorView(const TensorView<U, F>& other) noexcept
      requires(std::is_constructible_v<E, const F&>&& std::is_convertible_v<U (*)[], T (*)[]>)
      : data_(other.data()), extents_(other.extents()) {}

  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr const E& extents() const noexcept { return extents_; }
  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr index_t extent(std::size_t i) const noexcept {
    return extents_.extent(i);
  }
  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr std::size_t size() const noexcept { return extents_.size(); }
  static constexpr std::size_t rank() noexcept { return E::rank(); }

  /// Elements before (i, j, ...); trailing indexes left out are 0, so `offset(n, y, x)` is a pixel's start.
  template <class... I>
  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr std::ptrdiff_t offset(I... i) const noexcept
      requires(sizeof...(I) <= E::rank()) {
    std::ptrdiff_t sum = 0;
    std::size_t d = 0;
    ((sum = sum * extents_.extent(d) + static_cast<std::ptrdiff_t>(i), ++d), ...);
    for (; d < E::rank(); ++d) {
      sum *= extents_.extent(d);
    }
    return sum;
  }
  /// Element (i, j, ...); indexes are not checked.
  template <class... I>
  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr T& operator()(I... i) const noexcept
      requires(sizeof...(I) == E::rank()) {
    return data_[offset(i...)];
  }

 private:
  T* data_ = nullptr;
  [[no_unique_address]] E extents_{};
};

/// The same tensor, with its shape known at run time only.
template <class T, class E>
constexpr TensorView<T, decay_extents_t<E>> decay(const TensorView<T, E>& view) noexcept {
  return view;
}

}  // namespace kinglet::inline KINGLET_TARGET
