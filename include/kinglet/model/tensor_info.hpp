// SPDX-License-Identifier: Apache-2.0
/// @file model/tensor_info.hpp
/// What a file says about one tensor.
#pragma once

#include <algorithm>
#include <cstring>
#include <kinglet/core/checked.hpp>
#include <kinglet/core/status.hpp>
#include <kinglet/model/operators.hpp>
#include <kinglet/quant/params.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET {

/// Zero points as the file holds them: 64-bit numbers that may lie at any multiple of 4.
class ZeroPoints {
 public:
  constexpr ZeroPoints() noexcept = default;
  ZeroPoints(const void* first, std::size_t count) noexcept
      : bytes_(static_cast<const std::byte*>(first)), count_(count) {}
  [[nodiscard]] constexpr std::size_t size() const noexcept { return count_; }
  /// Precondition: k < size().
  [[nodiscard]] std::int64_t operator[](std::size_t k) const noexcept {
    std::int64_t value = 0;
    std::memcpy(&value, bytes_ + k * sizeof value, sizeof value);
    return value;
  }

 private:
  const std::byte* bytes_ = nullptr;
  std::size_t count_ = 0;
};

/// Points into the model's bytes. Of a verified model these hold: rank at most 8, every extent at least 1, the
/// size in bytes below 2^31, a constant as big as its shape and type say, and for int8, uint8 and int16 meaningful
/// quantization. The quantization of other types is as the file has it: operators that use it check it.
struct TensorInfo {
  std::int32_t index = -1;
  std::string_view name{};
  ElementType type = ElementType::other;
  std::string_view type_name{};  ///< as the format spells it, "FLOAT16" and the like included
  std::span<const std::int32_t> shape{};
  std::span<const std::byte> constant{};  ///< empty: not a constant. 4-byte aligned at least
  std::span<const float> scale{};         ///< empty: not quantized
  ZeroPoints zero_points{};               ///< as many as scales, or one, or none for 0
  std::int32_t quantized_dimension = 0;   ///< of the slices that have a scale each
  bool is_variable = false;               ///< state, kept from one run to the next

  [[nodiscard]] constexpr bool is_constant() const noexcept { return !constant.empty(); }
  [[nodiscard]] constexpr bool is_quantized() const noexcept { return !scale.empty(); }
  [[nodiscard]] constexpr std::size_t rank() const noexcept { return shape.size(); }
  [[nodiscard]] constexpr std::size_t elements() const noexcept { return checked_product(shape).value_or(0); }
  /// 0 for `ElementType::other`.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept { return elements() * element_bytes(type); }

  /// Zero point of slice k; saturates where the file's number is wider than 32 bits.
  [[nodiscard]] std::int32_t zero_point(std::size_t k = 0) const noexcept {
    if (zero_points.size() == 0) {
      return 0;
    }
    constexpr std::int64_t lowest = std::numeric_limits<std::int32_t>::min();
    constexpr std::int64_t highest = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::int32_t>(
        std::clamp(zero_points[std::min(k, zero_points.size() - 1)], lowest, highest));
  }
  /// Scale 1 and zero point 0 when there is none: ask `is_quantized()` first.
  [[nodiscard]] PerTensor per_tensor() const noexcept {
    return is_quantized() ? PerTensor{scale[0], zero_point()} : PerTensor{};
  }
  [[nodiscard]] constexpr PerChannel per_channel() const noexcept { return {scale, quantized_dimension}; }

  /// The failure, with this tensor named.
  [[nodiscard]] constexpr Status fail(const Status& status) const noexcept {
    return status.at_tensor(index, name);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET
