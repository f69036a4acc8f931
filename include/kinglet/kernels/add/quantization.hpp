// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/quantization.hpp
/// ADD: its tensors, and its scales as integers.
#pragma once

#include <bit>
#include <kinglet/quant/activation.hpp>
#include <kinglet/quant/requantize.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/view.hpp>
#include <optional>

namespace kinglet::inline KINGLET_TARGET::add {

/// Rank 4. An input extent of 1 against a larger output extent is repeated. `output` may be `lhs` or `rhs`
/// itself when the shapes are the same.
template <QuantizedElement T, class L, class Rt, class O>
struct Addition {
  using element_type = T;
  TensorView<const T, L> lhs;
  TensorView<const T, Rt> rhs;
  TensorView<T, O> output;
};

/// a = requantize((lhs - lhs.zero_point) << left_shift), b likewise;
/// output = clamp(requantize(a + b) + output.zero_point, min, max).
struct AddQuantization {
  struct Input {
    std::int32_t zero_point = 0;
    Multiplier multiplier{};
    friend constexpr bool operator==(const Input&, const Input&) = default;
  };
  struct Output {
    Multiplier multiplier{};
    std::int32_t zero_point = 0;
    std::int32_t min = 0;
    std::int32_t max = 0;
    friend constexpr bool operator==(const Output&, const Output&) = default;
  };
  /// The whole of it as one linear function of 8-bit elements, where there is one: see kernels/add/linear.hpp. It belongs
  /// to one policy and element type, and to these numbers: whoever changes one of them looks for it again.
  struct Linear {
    std::int16_t lhs_high = 0;
    std::int16_t rhs_high = 0;
    std::int16_t lhs_low = 0;
    std::int16_t rhs_low = 0;
    std::int32_t high = 0;
    std::int32_t low = 0;
    std::int32_t shift = 0;  ///< 0: there is none
    static constexpr int low_bits = 15;

    /// With the output's zero point, without the clamp.
    KINGLET_ALWAYS_INLINE constexpr std::int32_t operator()(std::int32_t a, std::int32_t b) const noexcept {
      return (a * lhs_high + b * rhs_high + high + ((a * lhs_low + b * rhs_low + low) >> low_bits)) >> shift;
    }
    friend constexpr bool operator==(const Linear&, const Linear&) = default;
  };
  std::int32_t left_shift = 0;
  Input lhs{};
  Input rhs{};
  Output output{};
  Linear linear{};
  friend constexpr bool operator==(const AddQuantization&, const AddQuantization&) = default;
};

/// Bits that inputs of T are shifted left by before they are scaled.
template <QuantizedElement T>
inline constexpr std::int32_t left_shift_of = sizeof(T) == 1 ? 20 : 15;

/// The last multiplier below is less than 1.
template <QuantizedElement T>
constexpr bool output_can_hold(PerTensor lhs, PerTensor rhs, PerTensor output) noexcept {
  return 2 * static_cast<double>(std::max(lhs.scale, rhs.scale)) <
         static_cast<double>(std::int32_t{1} << left_shift_of<T>) * static_cast<double>(output.scale);
}

/// Both inputs are brought to the scale twice_max = 2 max(s1, s2) in `left_shift` extra bits, so that their sum
/// keeps within 32 bits; the multipliers are s1 / twice_max, s2 / twice_max and
/// twice_max / (2^left_shift * s_output). Precondition: output_can_hold.
template <QuantizedElement T>
constexpr AddQuantization make_add_quantization(PerTensor lhs, PerTensor rhs, PerTensor output,
                                                Activation activation) noexcept {
  constexpr std::int32_t left_shift = left_shift_of<T>;
  const double s1 = lhs.scale;
  const double s2 = rhs.scale;
  const double twice_max = 2 * std::max(s1, s2);
  const double unit = static_cast<double>(std::int32_t{1} << left_shift) * static_cast<double>(output.scale);
  const ActivationRange range = activation_range<T>(activation, output);
  return {.left_shift = left_shift,
          .lhs = {lhs.zero_point, make_multiplier(s1 / twice_max)},
          .rhs = {rhs.zero_point, make_multiplier(s2 / twice_max)},
          .output = {make_multiplier(twice_max / unit), output.zero_point, range.min, range.max},
          .linear = {}};
}

/// Another result where 16-bit scales are powers of two and the larger of the inputs' is the output's: each input
/// is divided by its output.scale / scale, rounded by itself, ties away from zero; then they are added. In 15 extra
/// bits the division is exact but for its one rounding. @return nothing when scales or zero points are others.
constexpr std::optional<AddQuantization> make_shifting_add_quantization(PerTensor lhs, PerTensor rhs,
                                                                        PerTensor output,
                                                                        Activation activation) noexcept {
  constexpr std::uint32_t mantissa = 0x7fffff;
  for (const PerTensor& q : {lhs, rhs, output}) {
    const auto bits = std::bit_cast<std::uint32_t>(q.scale);
    if (q.zero_point != 0 || bits <= mantissa || (bits & mantissa) != 0) {
      return std::nullopt;
    }
  }
  if (std::max(lhs.scale, rhs.scale) != output.scale) {
    return std::nullopt;
  }
  constexpr std::int32_t left_shift = left_shift_of<std::int16_t>;
  const double unit = static_cast<double>(std::int32_t{1} << left_shift) * static_cast<double>(output.scale);
  const ActivationRange range = activation_range<std::int16_t>(activation, output);
  return AddQuantization{.left_shift = left_shift,
                         .lhs = {0, make_multiplier(static_cast<double>(lhs.scale) / unit)},
                         .rhs = {0, make_multiplier(static_cast<double>(rhs.scale) / unit)},
                         .output = {make_multiplier(1.0), 0, range.min, range.max},
                         .linear = {}};
}

}  // namespace kinglet::inline KINGLET_TARGET::add
