// SPDX-License-Identifier: Apache-2.0
/// @file tensor/extents.hpp
/// Shapes whose extents are each known to the compiler or only at run time, after `std::extents`.
#pragma once

#include <array>
#include <kinglet/core/config.hpp>
#include <type_traits>

namespace kinglet::inline KINGLET_TARGET {

/// Extents, strides and indexes of one dimension.
using index_t = std::int32_t;

/// Stands for an extent that is known at run time only.
inline constexpr index_t dynamic_extent = -1;

namespace detail {
template <std::size_t N>
struct DynamicExtents {
  index_t value[N]{};
  constexpr index_t& operator[](std::size_t i) noexcept { return value[i]; }
  constexpr index_t operator[](std::size_t i) const noexcept { return value[i]; }
};
template <>
struct DynamicExtents<0> {  // empty, so that a static shape takes no room
  constexpr index_t operator[](std::size_t) const noexcept { return 0; }
};
}  // namespace detail

/// A shape, outermost dimension first. `Extents<1, dynamic_extent, 3>{n}` has the run-time extent n in the
/// middle and takes the room of one integer.
template <index_t... E>
class Extents {
  static_assert(((E >= 0 || E == dynamic_extent) && ...), "kinglet: an extent is negative");

 public:
  static constexpr std::size_t rank() noexcept { return sizeof...(E); }
  static constexpr std::size_t rank_dynamic() noexcept {
    return (std::size_t{E == dynamic_extent} + ... + std::size_t{0});
  }
  static constexpr bool is_static() noexcept { return rank_dynamic() == 0; }
  static constexpr index_t static_extent(std::size_t i) noexcept { return fixed[i]; }

  /// Run-time extents start at 0.
  constexpr Extents() noexcept = default;

  /// One value per dynamic extent, in order.
  template <class... I>
  constexpr explicit(sizeof...(I) == 1) Extents(I... values) noexcept
      requires(sizeof...(I) == rank_dynamic() && sizeof...(I) != 0 &&
               (std::is_convertible_v<I, index_t> && ...))
      : values_{{static_cast<index_t>(values)...}} {}

  /// From a shape of the same rank whose constants agree. Explicit where a run-time extent becomes a
  /// constant: that the two are equal is then the caller's promise, and is not checked.
  template <index_t... F>
  constexpr explicit((... || (E != dynamic_extent && F == dynamic_extent)))
      Extents(const Extents<F...>& other) noexcept
      requires(sizeof...(F) == sizeof...(E) &&
               ((E == dynamic_extent || F == dynamic_extent || E == F) && ...)) {
    if constexpr (!is_static()) {
      for (std::size_t i = 0; i < rank(); ++i) {
        if (fixed[i] == dynamic_extent) {
          values_[slot(i)] = other.extent(i);
        }
      }
    }
  }

  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr index_t extent(std::size_t i) const noexcept {
    return fixed[i] == dynamic_extent ? values_[slot(i)] : fixed[i];
  }
  /// Number of elements; 1 for rank 0.
  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr std::size_t size() const noexcept {
    std::size_t product = 1;
    for (std::size_t i = 0; i < rank(); ++i) {
      product *= static_cast<std::size_t>(extent(i));
    }
    return product;
  }

  template <index_t... F>
  friend constexpr bool operator==(const Extents& a, const Extents<F...>& b) noexcept {
    if constexpr (sizeof...(E) != sizeof...(F)) {
      return false;
    } else {
      for (std::size_t i = 0; i < rank(); ++i) {
        if (a.extent(i) != b.extent(i)) {
          return false;
        }
      }
      return true;
    }
  }

 private:
  static constexpr std::array<index_t, sizeof...(E)> fixed{E...};
  static constexpr std::size_t slot(std::size_t i) noexcept {
    std::size_t count = 0;
    for (std::size_t k = 0; k < i; ++k) {
      count += fixed[k] == dynamic_extent ? 1 : 0;
    }
    return count;
  }
  [[no_unique_address]] detail::DynamicExtents<rank_dynamic()> values_{};
};

/// Batch, height, width, channels of an activation, all known at run time.
using Nhwc = Extents<dynamic_extent, dynamic_extent, dynamic_extent, dynamic_extent>;
/// Output channels, height, width, input channels of a CONV_2D filter, all known at run time.
using Ohwi = Nhwc;

namespace detail {
template <class E>
struct decayed;
template <index_t... E>
struct decayed<Extents<E...>> {
  using type = Extents<(static_cast<void>(E), dynamic_extent)...>;
};
}  // namespace detail

/// The same rank with every extent dynamic: what a typed layer passes where constants gain nothing.
template <class E>
using decay_extents_t = typename detail::decayed<E>::type;

}  // namespace kinglet::inline KINGLET_TARGET
