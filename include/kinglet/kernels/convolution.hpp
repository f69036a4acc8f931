// SPDX-License-Identifier: Apache-2.0
/// @file kernels/convolution.hpp
/// What the convolution family (conv2d, pointwise, depthwise, fully_connected) is called with.
#pragma once

#include <kinglet/quant/requantize.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/view.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// The tensors of one convolution.
/// | operator        | input | filter                     | bias | output |
/// |-----------------|-------|----------------------------|------|--------|
/// | conv2d          | NHWC  | OHWI, I = C / groups       | O    | NHWO   |
/// | pointwise       | NHWC  | O 1 1 C                    | O    | NHWO   |
/// | depthwise       | NHWC  | 1 H W O, O = C * multiplier| O    | NHWO   |
/// | fully_connected | N C   | O C                        | O    | N O    |
/// @tparam T activations: int8, uint8 or int16.  @tparam W weights: int8, or uint8 with uint8 activations.
template <QuantizedElement T, QuantizedElement W, class InputExtents, class FilterExtents, class OutputExtents>
struct Convolution {
  using activation_type = T;
  using weight_type = W;
  using bias_type = accumulator_t<T>;

  TensorView<const T, InputExtents> input;
  TensorView<const W, FilterExtents> filter;
  const bias_type* bias = nullptr;  ///< one per output channel, or null for zeros
  TensorView<T, OutputExtents> output;
};

/// Quantization of one convolution: acc = bias + sum((input - input_zero_point) * (filter - filter_zero_point)),
/// then `output` makes an element of it. Sums wrap in two's complement, as they do in TFLite.
struct ConvolutionQuantization {
  std::int32_t input_zero_point = 0;
  std::int32_t filter_zero_point = 0;  ///< 0 for int8 weights
  OutputStage output{};
};

/// The same convolution with all extents at run time: large layers share one instance of a kernel this way.
template <class T, class W, class I, class F, class O>
constexpr Convolution<T, W, decay_extents_t<I>, decay_extents_t<F>, decay_extents_t<O>> decay(
    const Convolution<T, W, I, F, O>& c) noexcept {
  return {decay(c.input), decay(c.filter), c.bias, decay(c.output)};
}

/// a + b * c modulo 2^32 (or 2^64).
template <class Accumulator>
constexpr Accumulator wrapping_multiply_add(Accumulator a, Accumulator b, Accumulator c) noexcept {
  using U = std::make_unsigned_t<Accumulator>;
  return static_cast<Accumulator>(static_cast<U>(a) + static_cast<U>(b) * static_cast<U>(c));
}

}  // namespace kinglet::inline KINGLET_TARGET
