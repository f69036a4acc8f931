// SPDX-License-Identifier: Apache-2.0
/// @file runtime/load_weights.hpp
/// Gives a typed network the weights and quantization of a file with the same operators.
#pragma once

#include <algorithm>
#include <kinglet/nn/network.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET {

namespace detail {

constexpr BuiltinOperator builtin_of(nn::Operator op) noexcept {
  switch (op) {
    case nn::Operator::conv2d: return BuiltinOperator::conv_2d;
    case nn::Operator::depthwise_conv2d: return BuiltinOperator::depthwise_conv_2d;
    case nn::Operator::fully_connected: return BuiltinOperator::fully_connected;
    case nn::Operator::add: return BuiltinOperator::add;
    case nn::Operator::mean: return BuiltinOperator::mean;
    case nn::Operator::average_pool: return BuiltinOperator::average_pool_2d;
    case nn::Operator::max_pool: return BuiltinOperator::max_pool_2d;
    case nn::Operator::softmax: return BuiltinOperator::softmax;
  }
  return BuiltinOperator::custom;
}

/// What the file says of a window equals the typed filter.
template <class Options>
bool same_filter(const Result<Options>& options, const nn::Filter& filter) noexcept {
  if (!options || options->activation != filter.activation) {
    return false;
  }
  if constexpr (requires { options->padding; }) {
    const bool strides = options->stride_h == filter.stride_h && options->stride_w == filter.stride_w;
    if constexpr (requires { options->dilation_h; }) {
      return strides && options->padding == filter.padding && options->dilation_h == filter.dilation_h &&
             options->dilation_w == filter.dilation_w;
    } else {
      // A pool over the whole image makes one output whatever its stride and padding say.
      return options->filter_h == filter.height && options->filter_w == filter.width;
    }
  }
  return true;
}

inline bool same_options(const OperatorInfo& info, const nn::Step& step) noexcept {
  switch (step.op) {
    case nn::Operator::conv2d: return same_filter(info.options<Conv2DOptions>(), step.filter);
    case nn::Operator::depthwise_conv2d:
      return same_filter(info.options<DepthwiseConv2DOptions>(), step.filter);
    case nn::Operator::fully_connected:
      return same_filter(info.options<FullyConnectedOptions>(), step.filter);
    case nn::Operator::add: return same_filter(info.options<AddOptions>(), step.filter);
    case nn::Operator::average_pool:
    case nn::Operator::max_pool: return same_filter(info.options<Pool2DOptions>(), step.filter);
    case nn::Operator::softmax: {
      const auto options = info.options<SoftmaxOptions>();
      return options && options->beta == 1.0F;
    }
    case nn::Operator::mean: return true;
  }
  return false;
}

/// The operator changes a tensor's form, not the network's layers.
constexpr bool is_plumbing(BuiltinOperator code) noexcept {
  return code == BuiltinOperator::reshape || code == BuiltinOperator::squeeze ||
         code == BuiltinOperator::quantize || code == BuiltinOperator::dequantize;
}

}  // namespace detail

/// Walks the file's operators and the network's steps side by side, RESHAPE, SQUEEZE, QUANTIZE and DEQUANTIZE left
/// out, and fails at the first difference, naming the file's operator. Weights stay in the file's bytes, which must
/// outlive the network. The network reads what its first operator reads: behind a leading QUANTIZE, if the file has one.
/// @tparam T elements the network has; the file's types must be the same, with int32 bias.
template <class A, Profile P>
Status load_weights(const Model& model, nn::Network<A, P>& network) noexcept {
  using T = typename A::element_type;
  using W = typename A::weight_type;
  static_assert(sizeof(T) == 1,
                "kinglet: load_weights: int16 networks keep int64 bias, which files do not align");
  std::array<std::int32_t, A::tensor_count> in_file{};  // the file's tensor for each of the network's
  in_file.fill(-1);
  std::size_t i = 0;
  for (std::int32_t k = 0; k < model.operator_count(); ++k) {
    const OperatorInfo info = model.op(k);
    const auto failure = [&](std::string_view detail) {
      return Status::failure(Errc::bad_argument, detail).at_operator(k, info.name);
    };
    if (info.inputs.empty() || info.outputs.empty() || info.inputs[0] < 0) {
      return failure("the operator has no input or output");
    }
    if (detail::is_plumbing(info.code)) {
      std::ranges::replace(in_file, info.inputs[0], info.outputs[0]);
      continue;
    }
    if (i == A::step_count) {
      return failure("the typed network has no step for it");
    }
    const nn::Step& step = A::graph.steps[i];
    if (info.code != detail::builtin_of(step.op)) {
      return failure("the typed network has another operator here");
    }
    if (!detail::same_options(info, step)) {
      return failure("stride, padding, dilation, filter or activation differ from the typed network's");
    }
    const auto tensor_at = [&](index_t tensor) -> std::int32_t& {
      return in_file[static_cast<std::size_t>(tensor)];
    };
    if (i == 0) {
      tensor_at(0) = info.inputs[0];
    }
    const std::int32_t second = step.other >= 0 ? info.input(1) : -1;
    const std::int32_t expected[] = {tensor_at(step.input), step.other >= 0 ? tensor_at(step.other) : -1};
    if (!(expected[0] == info.inputs[0] && expected[1] == second) &&
        !(expected[0] == second && expected[1] == info.inputs[0])) {
      return failure("it does not read what the typed network's step reads");
    }
    tensor_at(step.output) = info.outputs[0];
    for (const index_t tensor : {step.input, step.output}) {
      const TensorInfo file = model.tensor(tensor_at(tensor));
      if (file.type != element_type_of<T> || file.scale.size() != 1) {
        return failure("a tensor has another element type, or no scale");
      }
      if (file.elements() != A::graph.shape(tensor).size() ||
          file.shape.back() != A::graph.shape(tensor).channels) {
        // The number of elements and the channels pin the shape down, since the filter does the rest.
        return failure("a tensor has another shape than in the typed network");
      }
      network.set_quantization(static_cast<std::size_t>(tensor), file.per_tensor());
    }
    if (has_weights(step.op)) {
      const TensorInfo filter = model.tensor(info.input(1));
      const nn::Shape shape = A::graph.filter_shape(step);
      if (filter.type != element_type_of<W> || filter.elements() != shape.size() || filter.constant.empty() ||
          (filter.rank() == 4 && (filter.shape[1] != shape.height || filter.shape[2] != shape.width))) {
        return failure("the filter has another type or shape than in the typed network");
      }
      const std::int32_t* bias = nullptr;
      if (info.input(2) >= 0) {
        const TensorInfo tensor = model.tensor(info.input(2));
        if (tensor.type != ElementType::int32 || tensor.constant.empty() ||
            tensor.elements() != static_cast<std::size_t>(A::graph.shape(step.output).channels)) {
          return failure("the bias is not one int32 constant per output channel");
        }
        bias = reinterpret_cast<const std::int32_t*>(tensor.constant.data());
      }
      network.set_weights(i, {reinterpret_cast<const W*>(filter.constant.data()), bias, filter.scale,
                              filter.per_tensor().zero_point});
    }
    ++i;
  }
  return i == A::step_count
             ? network.prepare()
             : Status::failure(Errc::bad_argument, "the file ends before the typed network does",
                               static_cast<std::int64_t>(i), static_cast<std::int64_t>(A::step_count));
}

}  // namespace kinglet::inline KINGLET_TARGET
