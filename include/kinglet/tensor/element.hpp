// SPDX-License-Identifier: Apache-2.0
/// @file tensor/element.hpp
/// Element types, as an enum for files and as C++ types for kernels.
#pragma once

#include <concepts>
#include <kinglet/core/config.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET {

/// Element types the library computes with or carries. The values are Kinglet's own, not the file format's.
enum class ElementType : std::uint8_t { int8, uint8, int16, int32, int64, float32, boolean, other };

/// Bytes of one element; 0 for `other`.
constexpr std::size_t element_bytes(ElementType type) noexcept {
  switch (type) {
    case ElementType::int8:
    case ElementType::uint8:
    case ElementType::boolean: return 1;
    case ElementType::int16: return 2;
    case ElementType::int32:
    case ElementType::float32: return 4;
    case ElementType::int64: return 8;
    case ElementType::other: return 0;
  }
  return 0;
}

/// A quantized activation or weight.
template <class T>
concept QuantizedElement =
    std::same_as<T, std::int8_t> || std::same_as<T, std::uint8_t> || std::same_as<T, std::int16_t>;

/// What an operator sums products in: int32 for 8-bit activations, int64 for 16-bit ones. Bias has this type.
template <QuantizedElement T>
using accumulator_t = std::conditional_t<sizeof(T) == 1, std::int32_t, std::int64_t>;

template <class T>
inline constexpr ElementType element_type_of = ElementType::other;
template <>
inline constexpr ElementType element_type_of<std::int8_t> = ElementType::int8;
template <>
inline constexpr ElementType element_type_of<std::uint8_t> = ElementType::uint8;
template <>
inline constexpr ElementType element_type_of<std::int16_t> = ElementType::int16;
template <>
inline constexpr ElementType element_type_of<std::int32_t> = ElementType::int32;
template <>
inline constexpr ElementType element_type_of<std::int64_t> = ElementType::int64;
template <>
inline constexpr ElementType element_type_of<float> = ElementType::float32;
template <>
inline constexpr ElementType element_type_of<bool> = ElementType::boolean;

}  // namespace kinglet::inline KINGLET_TARGET
