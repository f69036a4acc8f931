// SPDX-License-Identifier: Apache-2.0
/// @file kernels/convolution.hpp
/// What the convolution family (conv2d, pointwise, depthwise, fully_connected) is called with.
#pragma once

#include <kinglet/quant/params.hpp>
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
template <QuantizedElement T, QuantizedElement W, class InputExtents, class FilterExtents,
          class OutputExtents>
struct Convolution {
  using activation_type = T;
  using weight_type = W;
  using bias_type = accumulator_t<T>;

  TensorView<const T, InputExtents> input;
  TensorView<const W, FilterExtents> filter;
  const bias_type* bias = nullptr;  ///< one per output channel, or null for zeros
  TensorView<T, OutputExtents> output;
};

/// Quantization of one convolution: acc = bias + sum((input - input_zero_point) * (filter -
/// filter_zero_point)), then `output` makes an element of it. Sums wrap in two's complement, as they do in
/// TFLite.
struct ConvolutionQuantization {
  std::int32_t input_zero_point = 0;
  std::int32_t filter_zero_point = 0;  ///< 0 for int8 weights
  OutputStage output{};
  // Of int8 activations: they lie in memory as x + 128, for kernels that can have them so (kernels/unsigned_bytes.hpp).
  bool unsigned_input = false;
  bool unsigned_output = false;
};

/// The same convolution with all extents at run time: large layers share one instance of a kernel this way.
template <class T, class W, class I, class F, class O>
constexpr Convolution<T, W, decay_extents_t<I>, decay_extents_t<F>, decay_extents_t<O>> decay(
    const Convolution<T, W, I, F, O>& c) noexcept {
  return {decay(c.input), decay(c.filter), c.bias, decay(c.output)};
}

template <class T, class W>
constexpr const Convolution<T, W, Nhwc, Ohwi, Nhwc>& decay(
    const Convolution<T, W, Nhwc, Ohwi, Nhwc>& c) noexcept {
  return c;
}

/// Whether a kernel gives the same result when its output begins where its input does, with pixels no longer than the
/// input's:
///   template <class C> static constexpr bool may_overwrite(const C& tensors) noexcept;
/// Those that say nothing do not.
template <class Kernel, class C>
constexpr bool may_overwrite(const C& tensors) noexcept {
  if constexpr (requires { Kernel::may_overwrite(tensors); }) {
    return Kernel::may_overwrite(tensors);
  } else {
    return false;
  }
}

/// Whether a kernel makes an image's rows from the first to the last, those of each channel by itself at least, and of the
/// input reads nothing above the window of the row that it makes:
///   template <class C> static constexpr bool keeps_row_order(const C& tensors) noexcept;
/// Then its output may lie over rows of the input that are above every window to come, a channel's elements on elements
/// of the same channel. Those that say nothing do not.
template <class Kernel, class C>
constexpr bool keeps_row_order(const C& tensors) noexcept {
  if constexpr (requires { Kernel::keeps_row_order(tensors); }) {
    return Kernel::keeps_row_order(tensors);
  } else {
    return false;
  }
}

/// How CONV_2D and DEPTHWISE_CONV_2D of activations T multiply their scales.
template <QuantizedElement T>
constexpr ScaleProduct convolution_scale_product() noexcept {
  return std::same_as<T, std::uint8_t> ? ScaleProduct::in_single_first : ScaleProduct::in_double;
}
/// How FULLY_CONNECTED does, by the number of its weights' scales: the one with a scale per output channel, which came
/// later, multiplies as convolutions do.
constexpr ScaleProduct fully_connected_scale_product(std::size_t scales) noexcept {
  return scales == 1 ? ScaleProduct::in_single_first : ScaleProduct::in_double;
}

/// 16-bit activations are summed in 64 bits, of which `requantize` takes 48, with a shift below 15. These limits
/// keep it so: 2^24 products of 2^22 at most, and a bias that leaves room for them.
struct Int16Limits {
  static constexpr std::int32_t max_shift = 14;
  static constexpr std::size_t max_products = std::size_t{1} << 24;  ///< summed into one output
  static constexpr std::int64_t max_bias = (std::int64_t{1} << 46) - 1;
};

/// The scales that an output channel's multiplier is made of; a single filter scale serves all channels.
struct ConvolutionScales {
  PerTensor input{};
  PerChannel filter{};
  PerTensor output{};
  ScaleProduct product = ScaleProduct::in_double;
};

/// One multiplier per output channel. Precondition: `scales.filter` has one scale, or at least as many as
/// there are channels.
constexpr void make_multipliers(const ConvolutionScales& scales, std::span<Multiplier> channels) noexcept {
  for (std::size_t o = 0; o < channels.size(); ++o) {
    channels[o] =
        make_multiplier(scales.product, scales.input.scale, scales.filter.at(o), scales.output.scale);
  }
}

/// a + b * c modulo 2^32 (or 2^64).
template <class Accumulator>
constexpr Accumulator wrapping_multiply_add(Accumulator a, Accumulator b, Accumulator c) noexcept {
  using U = std::make_unsigned_t<Accumulator>;
  return static_cast<Accumulator>(static_cast<U>(a) + static_cast<U>(b) * static_cast<U>(c));
}

}  // namespace kinglet::inline KINGLET_TARGET
