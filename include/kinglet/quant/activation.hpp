// SPDX-License-Identifier: Apache-2.0
/// @file quant/activation.hpp
/// Fused activations as a clamp of quantized outputs.
#pragma once

#include <algorithm>
#include <concepts>
#include <kinglet/quant/params.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET {

enum class Activation : std::uint8_t { none, relu, relu_n1_to_1, relu6 };

struct ActivationRange {
  std::int32_t min;
  std::int32_t max;
  friend constexpr bool operator==(const ActivationRange&, const ActivationRange&) = default;
};

/// zero_point + round(real / scale), ties away from zero; saturates.
/// @tparam Real precision of the quotient: a real that is not quite half way may have a quotient in single precision
/// that is.
template <std::floating_point Real = float>
constexpr std::int32_t quantize_real(float real, PerTensor q) noexcept {
  const Real scaled = static_cast<Real>(real) / static_cast<Real>(q.scale);
  // Beyond 2^30 the result is clamped to a type's range anyway; this also keeps the conversion defined.
  if (!(scaled > Real{-1073741824.0F})) {
    return std::numeric_limits<std::int32_t>::min() / 2;
  }
  if (!(scaled < Real{1073741824.0F})) {
    return std::numeric_limits<std::int32_t>::max() / 2;
  }
  const double exact = scaled;  // the half is added in double, where it is exact
  return static_cast<std::int32_t>(exact < 0 ? exact - 0.5 : exact + 0.5) + q.zero_point;
}

/// The clamp of an activation for outputs of type T.
template <class T>
constexpr ActivationRange activation_range(Activation activation, PerTensor output) noexcept {
  constexpr std::int32_t lowest = std::numeric_limits<T>::min();
  constexpr std::int32_t highest = std::numeric_limits<T>::max();
  const auto at = [&](float real) { return std::clamp(quantize_real(real, output), lowest, highest); };
  switch (activation) {
    case Activation::relu: return {at(0.0F), highest};
    case Activation::relu6: return {at(0.0F), at(6.0F)};
    case Activation::relu_n1_to_1: return {at(-1.0F), at(1.0F)};
    case Activation::none: break;
  }
  return {lowest, highest};
}

}  // namespace kinglet::inline KINGLET_TARGET
