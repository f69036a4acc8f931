// SPDX-License-Identifier: Apache-2.0
/// @file kernels/quantize/quantization.hpp
/// QUANTIZE from one integer type or scale to another, as integers.
#pragma once

#include <kinglet/quant/activation.hpp>
#include <kinglet/quant/requantize.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/extents.hpp>

namespace kinglet::inline KINGLET_TARGET::quantize {

/// What QUANTIZE reads and writes besides floats.
template <class T>
concept Integer = QuantizedElement<T> || std::same_as<T, std::int32_t>;

/// output = clamp(requantize(x - input_zero_point) + output_zero_point, min, max).
struct RequantizeQuantization {
  /// The same as one linear function of 8-bit elements, where there is one: see kernels/quantize/linear.hpp. It belongs to
  /// one policy and types, and to these numbers: whoever changes one of them looks for it again.
  struct Linear {
    std::int32_t scale = 0;
    std::int32_t constant = 0;
    std::int32_t shift = 0;  ///< 0: there is none

    /// Without the clamp.
    KINGLET_ALWAYS_INLINE constexpr std::int32_t operator()(std::int32_t x) const noexcept {
      return (x * scale + constant) >> shift;
    }
    friend constexpr bool operator==(const Linear&, const Linear&) = default;
  };
  std::int32_t input_zero_point = 0;
  Multiplier multiplier{};
  std::int32_t output_zero_point = 0;
  std::int32_t min = 0;
  std::int32_t max = 0;
  Linear linear{};
  friend constexpr bool operator==(const RequantizeQuantization&, const RequantizeQuantization&) = default;
};

/// @tparam To element type of the output
/// @param activation clamps the output further: with it, QUANTIZE also serves RELU and RELU6
template <Integer To>
constexpr RequantizeQuantization make_requantize_quantization(
    PerTensor input, PerTensor output, Activation activation = Activation::none) noexcept {
  const ActivationRange range = activation_range<To>(activation, output);
  return {.input_zero_point = input.zero_point,
          .multiplier = make_multiplier(static_cast<double>(input.scale) / static_cast<double>(output.scale)),
          .output_zero_point = output.zero_point,
          .min = range.min,
          .max = range.max,
          .linear = {}};
}

}  // namespace kinglet::inline KINGLET_TARGET::quantize
