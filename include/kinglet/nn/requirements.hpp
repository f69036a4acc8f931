// SPDX-License-Identifier: Apache-2.0
/// @file nn/requirements.hpp
/// What weights and quantization of a typed network must satisfy, step by step: the rules that files are held to.
#pragma once

#include <kinglet/core/status.hpp>
#include <kinglet/nn/plan.hpp>
#include <span>

namespace kinglet::inline KINGLET_TARGET::nn {

/// Weights of one step, in the layout of its filter (OHWI; 1HWO of a depthwise one); they must outlive the network.
template <QuantizedElement W, class Bias>
struct Weights {
  const W* filter = nullptr;
  const Bias* bias = nullptr;      ///< one per output channel, or null
  std::span<const float> scale{};  ///< one, or one per output channel
  std::int32_t zero_point = 0;     ///< of uint8 weights
};

/// Quantization of a step's tensors; `other` is the second summand's, or the input's again.
struct StepQuantization {
  PerTensor input;
  PerTensor other;
  PerTensor output;
};

namespace detail {

/// @return the rule that is broken, or nothing.
template <QuantizedElement T, class W, class Bias>
constexpr std::string_view broken_weights_rule(const Weights<W, Bias>& weights,
                                               std::size_t channels) noexcept {
  if (weights.filter == nullptr) {
    return "the step has no weights: set_weights";
  }
  if (weights.scale.size() != 1 && weights.scale.size() != channels) {
    return "weights need one scale, or one per output channel";
  }
  for (const float scale : weights.scale) {
    if (!is_scale(scale)) {
      return "a scale of the weights is not a finite positive number";
    }
  }
  if (std::same_as<W, std::int8_t> ? weights.zero_point != 0
                                   : weights.zero_point < 0 || weights.zero_point > 255) {
    return "the weights' zero point must be 0 for int8, 0 to 255 for uint8";
  }
  if constexpr (sizeof(T) == 2) {
    for (std::size_t o = 0; o < channels && weights.bias != nullptr; ++o) {
      if (weights.bias[o] > Int16Limits::max_bias || weights.bias[o] < -Int16Limits::max_bias) {
        return "a bias is 2^46 or more";
      }
    }
  }
  return {};
}

/// @return the rule that is broken, or nothing.
template <QuantizedElement T>
constexpr std::string_view broken_quantization_rule(Operator op, const StepQuantization& q) noexcept {
  for (const PerTensor& tensor : {q.input, q.other, q.output}) {
    if (!is_scale(tensor.scale)) {
      return "a scale is not a finite positive number";
    }
    if (tensor.zero_point < std::numeric_limits<T>::min() ||
        tensor.zero_point > std::numeric_limits<T>::max()) {
      return "a zero point is outside the element type's range";
    }
  }
  if (sizeof(T) == 2 && has_weights(op) && (q.input.zero_point != 0 || q.output.zero_point != 0)) {
    return "16-bit activations need zero point 0";
  }
  if (op == Operator::add && !kinglet::add::output_can_hold<T>(q.input, q.other, q.output)) {
    return "the output's scale is too small for the inputs' scales";
  }
  if ((op == Operator::average_pool || op == Operator::max_pool) &&
      !kinglet::pool::keeps_quantization<T>(q.input, q.output)) {
    return "pooling does not rescale: the output's quantization must be the input's";
  }
  if (op == Operator::softmax && q.output != kinglet::softmax::output_quantization<T>()) {
    return "the output of SOFTMAX has scale 1/256 and the lowest zero point";
  }
  return {};
}

}  // namespace detail
}  // namespace kinglet::inline KINGLET_TARGET::nn
