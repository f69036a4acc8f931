// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/convolution.hpp
/// What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED have in common when they are prepared: element types,
/// bias, per-channel multipliers, the output stage.
#pragma once

#include <kinglet/kernels/convolution.hpp>
#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/window.hpp>
#include <kinglet/quant/activation.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// The filter's dimension of output channels, the fused activation, and how scales are multiplied.
struct ConvolutionTraits {
  std::size_t channel_dimension;
  Activation activation;
  ScaleProduct product;
};

/// Bias and quantization of a convolution whose tensors are inputs 0 (activations), 1 (filter), 2 (bias, may be
/// absent) and output 0. Precondition: arity and ranks are checked.
template <QuantizedElement T, QuantizedElement W>
class ConvolutionParameters {
 public:
  using Bias = accumulator_t<T>;

  Status prepare(Preparation& p, const ConvolutionTraits& traits) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo filter = p.input(1);
    const TensorInfo output = p.output();
    const auto channels = static_cast<std::size_t>(filter.shape[traits.channel_dimension]);
    Require require(p);
    require.type(input, element_type_of<T>).type(filter, element_type_of<W>).type(output, element_type_of<T>);
    require.per_tensor(input).per_tensor(output);
    require.that(!filter.constant.empty(), filter, Errc::not_constant, "weights must be in the file");
    require.that(filter.scale.size() == 1 || filter.scale.size() == channels, filter, Errc::bad_quantization,
                 "weights need one scale, or one per output channel");
    require.that(filter.scale.size() <= 1 ||
                     static_cast<std::size_t>(filter.quantized_dimension) == traits.channel_dimension,
                 filter, Errc::bad_quantization, "scales must follow the output channels");
    if (require.ok()) {
      for (std::size_t k = 0; k < filter.zero_points.size(); ++k) {
        constexpr bool symmetric = std::is_same_v<W, std::int8_t>;
        require.that(filter.zero_point(k) == (symmetric ? 0 : filter.zero_point()), filter,
                     Errc::bad_quantization,
                     symmetric ? "int8 weights need zero point 0" : "uint8 weights need one zero point");
      }
    }
    prepare_bias(p, require, channels);
    const PerTensor out = output.per_tensor();
    const ConvolutionScales scales{input.per_tensor(), filter.per_channel(), out, traits.product};
    if constexpr (sizeof(T) == 2) {
      require_int16(p, require, scales, channels);
    }
    if (!require.ok()) {
      return require.status();
    }
    const ActivationRange range = activation_range<T>(traits.activation, out);
    quantization_ = {.input_zero_point = input.per_tensor().zero_point,
                     .filter_zero_point = std::is_same_v<W, std::int8_t> ? 0 : filter.per_tensor().zero_point,
                     .output = {.zero_point = out.zero_point, .min = range.min, .max = range.max}};
    if (Multiplier* const multipliers = p.make_constants<Multiplier>(channels)) {
      make_multipliers(scales, std::span(multipliers, channels));
      quantization_.output.multiplier = multipliers;
    }
    return {};
  }

  [[nodiscard]] const Bias* bias() const noexcept { return bias_; }
  [[nodiscard]] const ConvolutionQuantization& quantization() const noexcept { return quantization_; }

 private:
  /// What 64-bit sums and their requantization presuppose.
  static void require_int16(Preparation& p, Require& require, const ConvolutionScales& scales,
                            std::size_t channels) noexcept {
    for (const TensorInfo& tensor : {p.input(0), p.output()}) {
      require.that(tensor.zero_point() == 0, tensor, Errc::bad_quantization,
                   "16-bit activations need zero point 0");
    }
    const TensorInfo filter = p.input(1);
    require.that(filter.elements() / channels <= Int16Limits::max_products, filter, Errc::bad_shape,
                 "more products in one sum than 64 bits are sure to hold");
    for (std::size_t o = 0; o < channels && require.ok(); ++o) {
      const Multiplier m =
          make_multiplier(scales.product, scales.input.scale, scales.filter.at(o), scales.output.scale);
      require.that(m.shift <= Int16Limits::max_shift, filter, Errc::bad_quantization,
                   "input scale * weight scale / output scale is 2^14 or more");
    }
  }

  void prepare_bias(Preparation& p, Require& require, std::size_t channels) noexcept {
    if (!p.has_input(2) || !require.ok()) {
      return;
    }
    const TensorInfo bias = p.input(2);
    require.that(!bias.constant.empty(), bias, Errc::not_constant, "bias must be in the file");
    require.that(bias.type == element_type_of<Bias> || bias.type == ElementType::int32, bias,
                 Errc::unsupported_type, bias.type_name);
    require.elements(bias, channels);
    if constexpr (sizeof(Bias) == 8) {
      for (std::size_t i = 0; i < channels && require.ok(); ++i) {
        const std::int64_t value = bias_value(bias, i);
        require.that(value <= Int16Limits::max_bias && value >= -Int16Limits::max_bias, bias,
                     Errc::bad_buffer, "a bias is 2^46 or more");
      }
    }
    if (!require.ok()) {
      return;
    }
    if constexpr (sizeof(Bias) == 4) {
      bias_ = reinterpret_cast<const Bias*>(bias.constant.data());  // in place: verify saw to its alignment
    } else if (Bias* const copy = p.make_constants<Bias>(channels)) {
      for (std::size_t i = 0; i < channels; ++i) {
        copy[i] = bias_value(bias, i);
      }
      bias_ = copy;
    }
  }

  static std::int64_t bias_value(const TensorInfo& bias, std::size_t i) noexcept {
    if (bias.type == ElementType::int32) {
      return constant_integer(bias, i);
    }
    std::int64_t value = 0;
    std::memcpy(&value, bias.constant.data() + i * sizeof value, sizeof value);
    return value;
  }

  const Bias* bias_ = nullptr;
  ConvolutionQuantization quantization_{};
};

/// Strides and dilations are positive, and a dilated filter is not longer than any image could need.
inline void require_window(Require& require, const Window& w, index_t filter_h, index_t filter_w) noexcept {
  constexpr std::int64_t most = 1 << 24;  // keeps every position inside 32 bits
  require.option(w.stride_h >= 1, "stride_h must be at least 1", w.stride_h, 1)
      .option(w.stride_w >= 1, "stride_w must be at least 1", w.stride_w, 1)
      .option(w.stride_h <= most, "stride_h is too large", w.stride_h, most)
      .option(w.stride_w <= most, "stride_w is too large", w.stride_w, most)
      .option(w.dilation_h >= 1, "dilation_h_factor must be at least 1", w.dilation_h, 1)
      .option(w.dilation_w >= 1, "dilation_w_factor must be at least 1", w.dilation_w, 1)
      .option(std::int64_t{w.dilation_h} * filter_h <= most, "the dilated filter is too tall",
              std::int64_t{w.dilation_h} * filter_h, most)
      .option(std::int64_t{w.dilation_w} * filter_w <= most, "the dilated filter is too wide",
              std::int64_t{w.dilation_w} * filter_w, most);
}

/// Output height and width must be what the window gives; sets the window's padding.
inline void require_output_image(Require& require, Window& w, Padding padding,
                                 const std::array<index_t, 4>& filter_and_input,
                                 const TensorInfo& output) noexcept {
  const auto [filter_h, filter_w, input_h, input_w] = filter_and_input;
  const WindowExtent h = window_extent(padding, input_h, filter_h, w.stride_h, w.dilation_h);
  const WindowExtent x = window_extent(padding, input_w, filter_w, w.stride_w, w.dilation_w);
  w.pad_top = h.pad_before;
  w.pad_left = x.pad_before;
  require.extent(output, 1, h.output).extent(output, 2, x.output);
}

/// A convolution over an image: all that a kernel of conv2d, pointwise or depthwise is called with.
template <QuantizedElement T, QuantizedElement W>
struct ImageConvolution {
  Window window;
  Convolution<T, W, Nhwc, Ohwi, Nhwc> tensors;
  ConvolutionQuantization quantization;
  KernelMemory memory;

  /// Input channels over the filter's; of a depthwise filter, the number of input channels.
  [[nodiscard]] index_t groups() const noexcept { return tensors.input.extent(3) / tensors.filter.extent(3); }

  /// How it runs row by row.
  [[nodiscard]] stream::RowUse rows() const noexcept {
    const auto& [input, filter, bias, output] = tensors;
    return input.extent(0) != 1 ? stream::RowUse{}
                                : stream::window_rows(window, filter.extent(1), input.extent(1), output);
  }
  /// The convolution that makes a slice's rows.
  [[nodiscard]] ImageConvolution slice(const stream::RowSlice& slice) const noexcept {
    ImageConvolution part = *this;
    part.window = stream::window_of(window, slice);
    part.tensors.input = stream::rows_of(tensors.input, slice.input_at[0], slice.input_rows);
    part.tensors.output = stream::rows_of(tensors.output, slice.output_at, slice.count);
    return part;
  }
  /// The largest of them, with no address: for measuring.
  [[nodiscard]] ImageConvolution largest_slice() const noexcept {
    const stream::RowUse use = rows();
    if (use.mode == RowMode::none) {
      return *this;
    }
    stream::RowSlice largest;
    largest.count = use.batch;
    largest.input_rows = stream::most_input_rows(use);
    return slice(largest);
  }
};

/// Checks and fills everything but the scratch.
/// @tparam Options Conv2DOptions (output channels along the filter's dimension 0, input channels in groups) or
/// DepthwiseConv2DOptions (along dimension 3, a multiple of the input channels).
template <QuantizedElement T, QuantizedElement W, class Options>
Result<ImageConvolution<T, W>> prepare_image_convolution(Preparation& p) noexcept {
  constexpr bool depthwise = std::is_same_v<Options, DepthwiseConv2DOptions>;
  constexpr std::size_t channel_dimension = depthwise ? 3 : 0;
  const TensorInfo input = p.input(0);
  const TensorInfo filter = p.input(1);
  const TensorInfo output = p.output();
  const auto options = p.info().template options<Options>();
  if (!options) {
    return options.status();
  }
  Require require(p);
  if (!require.rank(input, 4, 4).rank(filter, 4, 4).rank(output, 4, 4).ok()) {
    return require.status();
  }
  const Nhwc in = as_nhwc(input.shape);
  const Ohwi weights = as_nhwc(filter.shape);
  const index_t channels = weights.extent(channel_dimension);
  Window window{options->stride_h, options->stride_w, options->dilation_h, options->dilation_w};
  require_window(require, window, weights.extent(1), weights.extent(2));
  if constexpr (depthwise) {
    require.extent(filter, 0, 1)
        .that(channels % in.extent(3) == 0, filter, Errc::bad_shape,
              "output channels are not a multiple of the input's");
  } else {
    const index_t groups = in.extent(3) / weights.extent(3);
    require.that(groups >= 1 && in.extent(3) % weights.extent(3) == 0, filter, Errc::bad_shape,
                 "input channels are not a multiple of the filter's");
    require.that(groups >= 1 && channels % std::max(groups, 1) == 0, filter, Errc::bad_shape,
                 "output channels are not a multiple of the groups");
  }
  if (!require.ok()) {
    return require.status();
  }
  require_output_image(require, window, options->padding,
                       {weights.extent(1), weights.extent(2), in.extent(1), in.extent(2)}, output);
  require.extent(output, 0, in.extent(0)).extent(output, 3, channels);
  if (!require.ok()) {
    return require.status();
  }
  ConvolutionParameters<T, W> parameters;
  const Status status = parameters.prepare(p, {.channel_dimension = channel_dimension,
                                               .activation = options->activation,
                                               .product = convolution_scale_product<W>()});
  if (!status.ok()) {
    return status;
  }
  const Nhwc out = as_nhwc(output.shape);
  p.set_macs(std::uint64_t{out.size()} * (weights.size() / static_cast<std::size_t>(channels)));
  return ImageConvolution<T, W>{window,
                                {{p.template data<T>(input), in},
                                 {p.template data<W>(filter), weights},
                                 parameters.bias(),
                                 {p.template output_data<T>(), out}},
                                parameters.quantization(),
                                {}};
}

/// Scratch memory of a kernel that runs at once, and of one that runs row by row.
struct ScratchBytes {
  std::size_t whole;
  std::size_t rows = 0;
};

/// A kernel's memory, weights packed. Call it once an operator.
template <class Kernel, Rounding R, class C>
KernelMemory prepare_memory(Preparation& p, const C& tensors, const ConvolutionQuantization& q,
                            ScratchBytes scratch_bytes) noexcept {
  std::byte* const packed = p.make_packed(Kernel::packed_bytes(tensors));
  if (packed != nullptr) {
    Kernel::template pack<R>(tensors, q, packed);
  }
  return {packed, p.scratch(scratch_bytes.whole, scratch_bytes.rows)};
}

/// Keeps a prepared convolution with its kernel's memory, to be run by `Run`.
template <class Kernel, Rounding R, auto Run, class State>
void prepare_step(Preparation& p, const State& prepared, ScratchBytes scratch_bytes) noexcept {
  const KernelMemory memory =
      prepare_memory<Kernel, R>(p, prepared.tensors, prepared.quantization, scratch_bytes);
  State* const state = p.template make_state<State>();
  if (state != nullptr) {
    *state = prepared;
    state->memory = memory;
  }
  p.template set_step<State, Run>(state);
  if constexpr (requires { prepared.rows(); }) {
    p.template set_rows<State, Run>(prepared.rows());
  }
}

/// Calls `f.template operator()<T, W>()` for the operator's types, or fails naming the tensor whose type is the
/// trouble. Input 0 has activations, input 1 weights.
template <class F>
Status dispatch_convolution_types(Preparation& p, F f) noexcept {
  const TensorInfo input = p.input(0);
  const TensorInfo filter = p.input(1);
  const bool int8_weights = filter.type == ElementType::int8;
  switch (input.type) {
    case ElementType::int8:
      if (int8_weights) {
        return f.template operator()<std::int8_t, std::int8_t>();
      }
      break;
    case ElementType::uint8:
      if (filter.type == ElementType::uint8) {
        return f.template operator()<std::uint8_t, std::uint8_t>();
      }
      break;
    case ElementType::int16:
      if (int8_weights) {
        return f.template operator()<std::int16_t, std::int8_t>();
      }
      break;
    default: return p.fail(input, Errc::unsupported_type, input.type_name);
  }
  return p.fail(filter, Errc::unsupported_type, filter.type_name);
}

}  // namespace kinglet::inline KINGLET_TARGET
