// SPDX-License-Identifier: Apache-2.0
/// @file core/checked.hpp
/// Arithmetic on sizes that come from an untrusted file: the result is there, or it overflowed.
#pragma once

#include <kinglet/core/config.hpp>
#include <limits>
#include <optional>
#include <span>

namespace kinglet::inline KINGLET_TARGET {

constexpr std::optional<std::size_t> checked_add(std::size_t a, std::size_t b) noexcept {
  if (b > std::numeric_limits<std::size_t>::max() - a) {
    return std::nullopt;
  }
  return a + b;
}

constexpr std::optional<std::size_t> checked_mul(std::size_t a, std::size_t b) noexcept {
  if (b != 0 && a > std::numeric_limits<std::size_t>::max() / b) {
    return std::nullopt;
  }
  return a * b;
}

/// Product of a shape's extents; nothing when an extent is negative or the product overflows. 1 for rank 0.
constexpr std::optional<std::size_t> checked_product(std::span<const std::int32_t> shape) noexcept {
  std::size_t product = 1;
  for (const std::int32_t extent : shape) {
    if (extent < 0) {
      return std::nullopt;
    }
    const auto next = checked_mul(product, static_cast<std::size_t>(extent));
    if (!next) {
      return std::nullopt;
    }
    product = *next;
  }
  return product;
}

}  // namespace kinglet::inline KINGLET_TARGET
