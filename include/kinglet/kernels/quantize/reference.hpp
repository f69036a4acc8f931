// SPDX-License-Identifier: Apache-2.0
/// @file kernels/quantize/reference.hpp
/// QUANTIZE and DEQUANTIZE, the truth: the arithmetic of one element.
#pragma once

#include <kinglet/kernels/quantize/quantization.hpp>
#include <span>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::quantize {

/// x - zero_point, which wraps where x takes all of 32 bits.
constexpr std::int32_t center(std::int32_t x, std::int32_t zero_point) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) - static_cast<std::uint32_t>(zero_point));
}

/// Integer to integer.
template <Rounding R, Integer To>
constexpr To requantize_element(std::int32_t x, const RequantizeQuantization& q) noexcept {
  const std::int32_t scaled = requantize<R>(center(x, q.input_zero_point), q.multiplier);
  return static_cast<To>(std::clamp(wrapping_add(scaled, q.output_zero_point), q.min, q.max));
}

/// clamp(round(x / scale) + zero_point), ties away from zero; what is not a number becomes the zero point.
/// @tparam Real precision of the quotient
template <QuantizedElement To, std::floating_point Real>
constexpr To quantize_element(float x, PerTensor q) noexcept {
  const std::int32_t value = x != x ? q.zero_point : quantize_real<Real>(x, q);
  return static_cast<To>(
      std::clamp<std::int32_t>(value, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
}

/// scale * (x - zero_point), one rounding: the difference is exact.
template <QuantizedElement From>
constexpr float dequantize_element(From x, PerTensor q) noexcept {
  return q.scale * static_cast<float>(x - q.zero_point);
}

struct Reference {
  static constexpr std::string_view name = "reference";

  /// The output may start where the input does when both elements have the same size.
  template <Rounding R, Integer From, Integer To>
  static constexpr void run(std::span<const From> input, To* output,
                            const RequantizeQuantization& q) noexcept {
    for (std::size_t i = 0; i < input.size(); ++i) {
      output[i] = requantize_element<R, To>(input[i], q);
    }
  }

  template <std::floating_point Real, QuantizedElement To>
  static constexpr void run(std::span<const float> input, To* output, PerTensor q) noexcept {
    for (std::size_t i = 0; i < input.size(); ++i) {
      output[i] = quantize_element<To, Real>(input[i], q);
    }
  }
};

struct ReferenceDequantize {
  static constexpr std::string_view name = "reference";

  template <QuantizedElement From>
  static constexpr void run(std::span<const From> input, float* output, PerTensor q) noexcept {
    for (std::size_t i = 0; i < input.size(); ++i) {
      output[i] = dequantize_element(input[i], q);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::quantize
