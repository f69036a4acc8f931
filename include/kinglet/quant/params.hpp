// SPDX-License-Identifier: Apache-2.0
/// @file quant/params.hpp
/// How integers stand for reals: real = scale * (q - zero_point).
#pragma once

#include <bit>
#include <kinglet/core/config.hpp>
#include <span>

namespace kinglet::inline KINGLET_TARGET {

/// A finite positive number, as every scale is. Asks the bits, so that -ffast-math in a user's build does not turn
/// the check off.
constexpr bool is_scale(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);  // of a negative number, the highest is set
  return bits != 0 && bits < 0x7f800000;
}

/// One scale and zero point for a whole tensor (activations; older uint8 weights).
struct PerTensor {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
  friend constexpr bool operator==(const PerTensor&, const PerTensor&) = default;
};

/// One scale per slice along `quantized_dimension` (int8 weights, whose zero points are 0): output channels,
/// which is dimension 0 of a CONV_2D or FULLY_CONNECTED filter and 3 of a DEPTHWISE_CONV_2D filter.
/// A single scale serves all slices.
struct PerChannel {
  std::span<const float> scale;
  std::int32_t quantized_dimension = 0;

  [[nodiscard]] constexpr float at(std::size_t channel) const noexcept {
    return scale.size() == 1 ? scale[0] : scale[channel];
  }
};

}  // namespace kinglet::inline KINGLET_TARGET
