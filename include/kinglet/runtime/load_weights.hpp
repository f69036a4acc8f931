// SPDX-License-Identifier: Apache-2.0
/// @file runtime/load_weights.hpp
/// Gives a typed network the weights and quantization of a file with the same operators.
#pragma once

#include <algorithm>
#include <kinglet/nn/network.hpp>
#include <kinglet/runtime/operators/mean.hpp>

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

/// What the file says of a filter equals the typed one; of an operator with a window, also how it moves.
template <class Options>
bool same_filter(const Result<Options>& options, const nn::Filter& filter, const nn::Shape& input) noexcept {
  if (!options || options->activation != filter.activation) {
    return false;
  }
  if constexpr (requires { options->padding; }) {
    nn::Filter file = filter;
    file.padding = options->padding;
    file.stride_h = options->stride_h;
    file.stride_w = options->stride_w;
    if constexpr (requires { options->dilation_h; }) {
      file.dilation_h = options->dilation_h;
      file.dilation_w = options->dilation_w;
    } else {
      file.height = options->filter_h;
      file.width = options->filter_w;
    }
    // One output, such as that of a pool over the whole image, has no use for a stride; nor a window that needs no
    // padding for the kind of it.
    const auto same_axis = [](const WindowExtent& a, const WindowExtent& b, bool strides) {
      return a.output == b.output && a.pad_before == b.pad_before && (strides || a.output == 1);
    };
    return file.height == filter.height && file.width == filter.width &&
           file.dilation_h == filter.dilation_h && file.dilation_w == filter.dilation_w &&
           same_axis(file.over_height(input.height), filter.over_height(input.height),
                     file.stride_h == filter.stride_h) &&
           same_axis(file.over_width(input.width), filter.over_width(input.width),
                     file.stride_w == filter.stride_w);
  }
  return true;
}

/// MEAN's second input is a constant that names height and width of a tensor with `rank` dimensions.
inline bool averages_image(const Model& model, const OperatorInfo& info) noexcept {
  if (info.input(1) < 0) {
    return false;
  }
  const TensorInfo axes = model.tensor(info.input(1));
  const auto rank = static_cast<std::int32_t>(model.tensor(info.inputs[0]).rank());
  if (axes.constant.empty() || (axes.type != ElementType::int32 && axes.type != ElementType::int64)) {
    return false;
  }
  unsigned found = 0;
  for (std::size_t i = 0; i < axes.elements(); ++i) {
    const std::int32_t axis = constant_integer(axes, i);
    found |= axis == 1 || axis == 1 - rank ? 1U : axis == 2 || axis == 2 - rank ? 2U : 4U;
  }
  return rank == 4 && found == 3U;
}

inline bool same_options(const Model& model, const OperatorInfo& info, const nn::Step& step,
                         const nn::Shape& input) noexcept {
  switch (step.op) {
    case nn::Operator::conv2d: return same_filter(info.options<Conv2DOptions>(), step.filter, input);
    case nn::Operator::depthwise_conv2d:
      return same_filter(info.options<DepthwiseConv2DOptions>(), step.filter, input);
    case nn::Operator::fully_connected:
      return same_filter(info.options<FullyConnectedOptions>(), step.filter, input);
    case nn::Operator::add: return same_filter(info.options<AddOptions>(), step.filter, input);
    case nn::Operator::average_pool:
    case nn::Operator::max_pool: return same_filter(info.options<Pool2DOptions>(), step.filter, input);
    case nn::Operator::softmax: {
      const auto options = info.options<SoftmaxOptions>();
      return options && options->beta == 1.0F;
    }
    case nn::Operator::mean: return averages_image(model, info);
  }
  return false;
}

/// A tensor of rank 4 has the typed shape; one of another rank as many elements, and as many in its last dimension:
/// FULLY_CONNECTED and what follows it have rank 2 in files.
inline bool same_shape(const TensorInfo& tensor, const nn::Shape& shape) noexcept {
  const std::int32_t extents[] = {shape.batch, shape.height, shape.width, shape.channels};
  if (tensor.rank() == 4) {
    return std::ranges::equal(tensor.shape, extents);
  }
  return tensor.rank() != 0 && tensor.elements() == shape.size() && tensor.shape.back() == shape.channels;
}

/// Weights that the executor would take, in the typed filter's shape.
inline bool same_weights(const TensorInfo& filter, const nn::Step& step, const nn::Shape& shape) noexcept {
  const bool one_zero_point = [&] {
    for (std::size_t k = 0; k < filter.zero_points.size(); ++k) {
      if (filter.zero_point(k) != filter.zero_point()) {
        return false;
      }
    }
    return true;
  }();
  const std::int32_t channel_dimension = step.op == nn::Operator::depthwise_conv2d ? 3 : 0;
  return !filter.constant.empty() && same_shape(filter, shape) && one_zero_point &&
         filter.rank() == (step.op == nn::Operator::fully_connected ? 2U : 4U) &&
         (filter.scale.size() <= 1 || filter.quantized_dimension == channel_dimension);
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
    if (!detail::same_options(model, info, step, A::graph.shape(step.input))) {
      return failure(
          "stride, padding, dilation, filter, axes, beta or activation differ from the typed network's");
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
    for (const index_t tensor : {step.input, step.other, step.output}) {
      if (tensor < 0) {
        continue;  // only additions have another input
      }
      const TensorInfo file = model.tensor(tensor_at(tensor));
      if (file.type != element_type_of<T> || file.scale.size() != 1) {
        return failure("a tensor has another element type, or no scale");
      }
      const nn::Shape& shape = A::graph.shape(tensor);
      const bool flattened = step.op == nn::Operator::fully_connected && tensor == step.input;
      if (flattened ? file.elements() != shape.size() : !detail::same_shape(file, shape)) {
        return failure("a tensor has another shape than in the typed network");
      }
      const auto at = static_cast<std::size_t>(tensor);
      const bool first_use = tensor == step.output || i == 0;
      if (!first_use && network.quantization(at) != file.per_tensor()) {
        return failure("a tensor is rescaled on its way here, which the typed network does not do");
      }
      network.set_quantization(at, file.per_tensor());
    }
    if (step.op == nn::Operator::mean) {
      const auto options = info.options<ReducerOptions>();
      network.set_mean_form(i,
                            operators::mean_form(model.tensor(info.inputs[0]), model.tensor(info.inputs[1]),
                                                 options ? *options : ReducerOptions{}));
    }
    if (has_weights(step.op)) {
      if (info.input(1) < 0) {
        return failure("the operator has no weights");
      }
      const TensorInfo filter = model.tensor(info.input(1));
      if (filter.type != element_type_of<W> ||
          !detail::same_weights(filter, step, A::graph.filter_shape(step))) {
        return failure("the filter has another type, shape or quantization than the typed network's");
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
