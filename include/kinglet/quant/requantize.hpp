// SPDX-License-Identifier: Apache-2.0
/// @file quant/requantize.hpp
/// From accumulator to output element: y = clamp(round(x * multiplier) + zero_point, min, max).
/// Scalar, constexpr, normative: every vector path equals it bit for bit.
#pragma once

#include <algorithm>
#include <kinglet/quant/multiplier.hpp>
#include <kinglet/quant/rounding.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET {

/// Scales a 32-bit accumulator (8-bit activations).
template <Rounding R>
constexpr std::int32_t requantize(std::int32_t x, Multiplier m) noexcept {
  return R::scale(x, m.value, m.shift);
}

/// The 15 bits of a multiplier's value that sums of 16-bit activations are scaled with.
constexpr std::int32_t upper_15_bits(std::int32_t value) noexcept {
  return value >= 0x7fff0000 ? 0x7fff : (value + (1 << 15)) >> 16;
}

/// Scales a 64-bit accumulator (16-bit activations): the multiplier is reduced to 15 bits, one rounding, ties
/// up, whatever the policy. Precondition: |x| < 2^47 and shift < 15, which an int16 x int8 convolution keeps.
template <Rounding R>
constexpr std::int32_t requantize(std::int64_t x, Multiplier m) noexcept {
  const std::int64_t q = upper_15_bits(m.value);
  const int right = 15 - m.shift;
  return static_cast<std::int32_t>((x * q + (std::int64_t{1} << (right - 1))) >> right);
}

/// Sums that a channel may have: any, or from the least to the most that activations make of its weights and its bias.
struct SumReach {
  std::int32_t least = std::numeric_limits<std::int32_t>::min();
  std::int32_t most = std::numeric_limits<std::int32_t>::max();

  /// @tparam T activations  @param weight (k): less its zero point
  template <class T, class Weight>
  static constexpr SumReach of(std::int64_t weights, std::int32_t bias, std::int32_t input_zero_point,
                               const Weight& weight) noexcept {
    std::int64_t least = bias;
    std::int64_t most = bias;
    for (std::int64_t k = 0; k < weights; ++k) {
      const std::int64_t w = weight(k);
      const std::int64_t low = w * (std::numeric_limits<T>::min() - input_zero_point);
      const std::int64_t high = w * (std::numeric_limits<T>::max() - input_zero_point);
      least += std::min(low, high);
      most += std::max(low, high);
    }
    const SumReach any{};
    return least < any.least || most > any.most
               ? any
               : SumReach{static_cast<std::int32_t>(least), static_cast<std::int32_t>(most)};
  }
};

/// What happens to an accumulator on its way out, per output channel.
struct OutputStage {
  const Multiplier* multiplier = nullptr;  ///< one per output channel
  std::int32_t zero_point = 0;
  std::int32_t min = 0;  ///< of the element type and the fused activation
  std::int32_t max = 0;

  template <Rounding R, class Accumulator>
  [[nodiscard]] constexpr std::int32_t apply(Accumulator x, std::ptrdiff_t channel) const noexcept {
    return std::clamp(wrapping_add(requantize<R>(x, multiplier[channel]), zero_point), min, max);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET
