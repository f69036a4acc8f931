// SPDX-License-Identifier: Apache-2.0
/// @file kernels/mean/quantization.hpp
/// MEAN: its tensors, and the formulas by which a sum becomes a mean.
///
/// With `sum` over the n raw elements that are averaged, RQ = requantize and q(si/so) the scales' multiplier:
/// | formula             | used by                               | output before the clamp                       |
/// |---------------------|---------------------------------------|-----------------------------------------------|
/// | count_in_multiplier | TFLite Micro                          | RQ(sum - zi n, q(si/so) / n) + zo             |
/// | rounded_quotient    | TFLite, image kept, int8 and int16    | round(RQ(sum - zi n, q(si/so)) / n) + zo      |
/// | folded_zero_point   | TFLite, image kept, uint8             | RQ(sum, q(si / (n so))) + zo - round(zi si/so) |
/// | truncating          | TFLite, equal scales and zero points  | sum / n, towards zero                         |
/// | single_precision    | TFLite otherwise                      | round(sum / n * (si/so) - zi (si/so)) + zo    |
/// round() takes ties away from zero. What is not RQ or q() is computed in single precision, every operation rounded
/// by itself. Measured on TFLite 2.9; other versions differ.
#pragma once

#include <bit>
#include <kinglet/core/rounded.hpp>
#include <kinglet/quant/activation.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/quant/requantize.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/view.hpp>

namespace kinglet::inline KINGLET_TARGET::mean {

/// Rank 4. Each output extent is the input's, or 1 where the mean is taken over that dimension.
template <QuantizedElement T, class I, class O>
struct Reduction {
  using element_type = T;
  TensorView<const T, I> input;
  TensorView<T, O> output;
};

/// What is averaged and what is left. TFLite has code of its own for one kind.
enum class MeanForm : std::uint8_t {
  image_kept,  ///< height and width of a tensor of rank 4, which stay as extents of 1; axes {1, 2} or {2, 1}
  other,
};

struct MeanQuantization {
  enum class Formula : std::uint8_t {
    count_in_multiplier,
    rounded_quotient,
    folded_zero_point,
    truncating,
    single_precision
  };
  Formula formula = Formula::count_in_multiplier;
  index_t count = 1;  ///< elements averaged into one
  std::int32_t input_zero_point = 0;
  std::int32_t output_zero_point = 0;  ///< folded_zero_point: zo - round(zi si/so)
  Multiplier
      multiplier{};    ///< count_in_multiplier, folded_zero_point: si / so / count; rounded_quotient: si / so
  float scale = 1.0F;  ///< single_precision: si / so
  float bias = 0.0F;   ///< single_precision: -zi * scale
  std::int32_t min = 0;
  std::int32_t max = 0;
  friend constexpr bool operator==(const MeanQuantization&, const MeanQuantization&) = default;
};

namespace detail {
/// `m` divided by the count, which costs no precision: the value is first shifted left as far as the count
/// allows (2^k <= n keeps it below 2^31) and the shift can take back.
constexpr Multiplier divide_by_count(Multiplier m, index_t count) noexcept {
  const int log2 = static_cast<int>(std::bit_width(static_cast<std::uint32_t>(count))) - 1;
  const int k = std::min<std::int32_t>(log2, 31 + m.shift);
  return {static_cast<std::int32_t>((std::int64_t{m.value} << k) / count), m.shift - k};
}

/// `real` towards zero; beyond 2^20 it is clamped, as every element type is.
constexpr std::int32_t truncated(double real) noexcept {
  constexpr double limit = 1048576.0;
  return static_cast<std::int32_t>(real > -limit ? (real < limit ? real : limit) : -limit);
}

/// `real` to the nearest integer, ties away from zero, clamped likewise.
constexpr std::int32_t round_away(double real) noexcept {
  return truncated(real < 0 ? real - 0.5 : real + 0.5);
}
}  // namespace detail

/// @param count elements averaged into one, at least 1
template <MeanArithmetic M, QuantizedElement T>
constexpr MeanQuantization make_mean_quantization(PerTensor input, PerTensor output, index_t count,
                                                  MeanForm form = MeanForm::other) noexcept {
  MeanQuantization q;
  q.count = count;
  q.input_zero_point = input.zero_point;
  q.output_zero_point = output.zero_point;
  q.min = std::numeric_limits<T>::min();
  q.max = std::numeric_limits<T>::max();
  if constexpr (M == MeanArithmetic::fixed_point) {
    q.formula = MeanQuantization::Formula::count_in_multiplier;
    const double scale = static_cast<double>(input.scale) / static_cast<double>(output.scale);
    q.multiplier = detail::divide_by_count(make_multiplier(scale), count);
  } else if (form == MeanForm::image_kept && std::same_as<T, std::uint8_t>) {
    q.formula = MeanQuantization::Formula::folded_zero_point;
    const float unit = rounded(static_cast<float>(count) * output.scale);
    q.multiplier = make_multiplier(static_cast<double>(rounded(input.scale / unit)));
    const float shift = rounded(static_cast<float>(input.zero_point) * input.scale);
    q.output_zero_point -= detail::truncated(rounded(rounded(shift / output.scale) + 0.5F));
  } else if (form == MeanForm::image_kept) {
    q.formula = MeanQuantization::Formula::rounded_quotient;
    q.multiplier = make_multiplier(static_cast<double>(input.scale) / static_cast<double>(output.scale));
  } else if (input == output) {
    q.formula = MeanQuantization::Formula::truncating;
  } else {
    q.formula = MeanQuantization::Formula::single_precision;
    q.scale = input.scale / output.scale;
    q.bias = rounded(static_cast<float>(-input.zero_point) * q.scale);
  }
  return q;
}

}  // namespace kinglet::inline KINGLET_TARGET::mean
