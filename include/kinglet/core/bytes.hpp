// SPDX-License-Identifier: Apache-2.0
/// @file core/bytes.hpp
/// Values written to and read from bytes, at any alignment and at compile time too.
#pragma once

#include <array>
#include <bit>
#include <kinglet/core/config.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Writes the value's bytes. Compilers make one store of it.
template <class V>
constexpr void store_bytes(std::byte* to, const V& value) noexcept {
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof(V)>>(value);
  for (std::size_t i = 0; i < sizeof(V); ++i) {
    to[i] = bytes[i];
  }
}

template <class V>
constexpr V load_bytes(const std::byte* from) noexcept {
  std::array<std::byte, sizeof(V)> bytes{};
  for (std::size_t i = 0; i < sizeof(V); ++i) {
    bytes[i] = from[i];
  }
  return std::bit_cast<V>(bytes);
}

}  // namespace kinglet::inline KINGLET_TARGET
