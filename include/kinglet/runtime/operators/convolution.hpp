// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/convolution.hpp
/// What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED have in common when they are prepared: element types,
/// bias, per-channel multipliers, the output stage.
#pragma once

#include <kinglet/kernels/convolution.hpp>
#include <kinglet/kernels/memory.hpp>
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
                     .output = {.zero_point = out.zero_point, .min = range.min, .max = range.max},
                     .unsigned_input = p.is_unsigned(p.source(0)),
                     .unsigned_output = p.is_unsigned(output)};
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

/// A kernel's memory, weights packed. Call it once an operator.
template <class Kernel, Rounding R, class C>
KernelMemory prepare_memory(Preparation& p, const C& tensors, const ConvolutionQuantization& q,
                            ScratchBytes scratch_bytes) noexcept {
  std::byte* const packed = p.make_packed(Kernel::packed_bytes(tensors));
  if (packed != nullptr) {
    Kernel::template pack<R>(tensors, q, packed);
  }
  return {packed, p.scratch(scratch_bytes)};
}

/// Keeps a prepared convolution with its kernel's memory, to be run by `Run`, also on slices where it has rows.
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
