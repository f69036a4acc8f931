// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/network_file.hpp
/// A typed network with random weights, and the same as a file: what load_weights and the executor are compared on.
#pragma once

#include <cmath>
#include <kinglet/model/writer.hpp>
#include <kinglet/nn/network.hpp>
#include <support/random.hpp>

#include "engine.hpp"

namespace test {

/// Quantization, weights and bias of architecture A.
template <class A>
class NetworkFile {
 public:
  using T = typename A::element_type;
  using W = typename A::weight_type;
  using Bias = kinglet::accumulator_t<T>;
  static constexpr auto& graph = A::graph;

  explicit NetworkFile(std::uint64_t seed)
      : random_(seed), quantization(A::tensor_count), weights(A::step_count) {
    quantization[0] = {0.05F, zero_point()};
    for (std::size_t i = 0; i < A::step_count; ++i) {
      fill(i);
    }
  }

  struct Weights {
    std::vector<W> filter;
    std::vector<Bias> bias;  ///< empty: none
    std::vector<float> scale;
    std::int32_t zero_point = 0;
  };

  /// Gives a network all parameters without a file.
  template <class N>
  void set(N& network) const {
    for (std::size_t i = 0; i < A::tensor_count; ++i) {
      network.set_quantization(i, quantization[i]);
    }
    for (std::size_t i = 0; i < A::step_count; ++i) {
      const Weights& w = weights[i];
      if (!w.filter.empty()) {
        network.set_weights(
            i, {w.filter.data(), w.bias.empty() ? nullptr : w.bias.data(), w.scale, w.zero_point});
      }
    }
  }

  [[nodiscard]] Bytes file() const {
    kinglet::ModelWriter writer;
    std::vector<std::int32_t> tensors;
    for (std::size_t i = 0; i < A::tensor_count; ++i) {
      const kinglet::nn::Shape& s = graph.tensors[i];
      std::vector<std::int32_t> shape = {s.batch, s.height, s.width, s.channels};
      if (behind_dense(i)) {
        shape = {s.batch, s.channels};
      }
      tensors.push_back(writer.add_tensor({.name = "t" + std::to_string(i),
                                           .type = kinglet::element_type_of<T>,
                                           .shape = shape,
                                           .scales = {quantization[i].scale},
                                           .zero_points = {quantization[i].zero_point}}));
    }
    for (std::size_t i = 0; i < A::step_count; ++i) {
      write(writer, tensors, i);
    }
    writer.set_inputs({tensors.front()});
    writer.set_outputs({tensors.back()});
    return writer.finish();
  }

  Random random_;
  std::vector<kinglet::PerTensor> quantization;
  std::vector<Weights> weights;

 private:
  using Op = kinglet::nn::Operator;

  std::int32_t zero_point() {
    if constexpr (sizeof(T) == 2) {
      return 0;
    } else {
      return random_.in<std::int32_t>(std::is_signed_v<T> ? -20 : 110, std::is_signed_v<T> ? 20 : 140);
    }
  }
  /// FULLY_CONNECTED has a result of rank 2, which what follows keeps.
  static bool behind_dense(std::size_t tensor) {
    for (std::size_t i = 0; i < A::step_count; ++i) {
      const auto& step = graph.steps[i];
      if (static_cast<std::size_t>(step.output) == tensor) {
        return step.op == Op::fully_connected ||
               (step.op == Op::softmax && behind_dense(static_cast<std::size_t>(step.input)));
      }
    }
    return false;
  }

  /// Scales that keep values spread over the element type.
  void fill(std::size_t i) {
    const auto& step = graph.steps[i];
    const kinglet::PerTensor in = quantization[static_cast<std::size_t>(step.input)];
    kinglet::PerTensor& out = quantization[static_cast<std::size_t>(step.output)];
    switch (step.op) {
      case Op::average_pool:
      case Op::max_pool: out = in; return;
      case Op::softmax: out = {1.0F / 256, std::numeric_limits<T>::min()}; return;
      case Op::add: out = {in.scale * 1.3F, zero_point()}; return;
      case Op::mean: out = {in.scale * 0.4F, zero_point()}; return;
      default: break;
    }
    const auto channels = static_cast<std::size_t>(graph.shape(step.output).channels);
    const std::size_t size = graph.filter_shape(step).size();
    Weights& w = weights[i];
    w.filter.resize(size);
    std::generate(w.filter.begin(), w.filter.end(), [&] { return random_.element<W>(); });
    const bool per_tensor = std::is_same_v<W, std::uint8_t> || random_.one_in(4);
    w.scale.resize(per_tensor ? 1 : channels);
    std::generate(w.scale.begin(), w.scale.end(),
                  [&] { return 0.005F + 0.001F * static_cast<float>(random_.in(0, 9)); });
    w.zero_point = std::is_same_v<W, std::uint8_t> ? random_.in(120, 136) : 0;
    const double spread =
        (sizeof(T) == 1 ? 50.0 : 9000.0) * 74 * std::sqrt(static_cast<double>(size / channels));
    const double range = sizeof(T) == 1 ? 50 : 9000;
    out = {static_cast<float>(static_cast<double>(in.scale) * 0.0095 * spread / range), zero_point()};
    if (!random_.one_in(3)) {
      w.bias.resize(channels);
      std::generate(w.bias.begin(), w.bias.end(),
                    [&] { return random_.in(static_cast<Bias>(-spread), static_cast<Bias>(spread)); });
    }
  }

  void write(kinglet::ModelWriter& writer, const std::vector<std::int32_t>& tensors, std::size_t i) const {
    using namespace kinglet;
    const auto& step = graph.steps[i];
    const auto& f = step.filter;
    std::vector<std::int32_t> inputs = {tensors[static_cast<std::size_t>(step.input)]};
    const std::vector<std::int32_t> outputs = {tensors[static_cast<std::size_t>(step.output)]};
    if (has_weights(step.op)) {
      add_weights(writer, inputs, i);
    }
    switch (step.op) {
      case Op::conv2d:
        writer.add_operator(
            BuiltinOperator::conv_2d, inputs, outputs,
            Conv2DOptions{f.padding, f.stride_h, f.stride_w, f.dilation_h, f.dilation_w, f.activation});
        return;
      case Op::depthwise_conv2d:
        writer.add_operator(BuiltinOperator::depthwise_conv_2d, inputs, outputs,
                            DepthwiseConv2DOptions{f.padding, f.stride_h, f.stride_w, f.dilation_h,
                                                   f.dilation_w, 1, f.activation});
        return;
      case Op::fully_connected:
        writer.add_operator(BuiltinOperator::fully_connected, inputs, outputs,
                            FullyConnectedOptions{.activation = f.activation});
        return;
      case Op::add:
        inputs.push_back(tensors[static_cast<std::size_t>(step.other)]);
        writer.add_operator(BuiltinOperator::add, inputs, outputs,
                            AddOptions{.activation = f.activation, .pot_scale_int16 = false});
        return;
      case Op::mean: {
        const std::int32_t axes[] = {1, 2};
        inputs.push_back(writer.add_tensor({.name = "axes",
                                            .type = ElementType::int32,
                                            .shape = {2},
                                            .constant = std::as_bytes(std::span(axes))}));
        writer.add_operator(BuiltinOperator::mean, inputs, outputs, ReducerOptions{.keep_dims = true});
        return;
      }
      case Op::average_pool:
      case Op::max_pool:
        writer.add_operator(
            step.op == Op::max_pool ? BuiltinOperator::max_pool_2d : BuiltinOperator::average_pool_2d, inputs,
            outputs, Pool2DOptions{f.padding, f.stride_h, f.stride_w, f.height, f.width, f.activation});
        return;
      case Op::softmax:
        writer.add_operator(BuiltinOperator::softmax, inputs, outputs, SoftmaxOptions{});
        return;
    }
  }

  void add_weights(kinglet::ModelWriter& writer, std::vector<std::int32_t>& inputs, std::size_t i) const {
    const auto& step = graph.steps[i];
    const kinglet::nn::Shape s = graph.filter_shape(step);
    const Weights& w = weights[i];
    std::vector<std::int32_t> shape = {s.batch, s.height, s.width, s.channels};
    if (step.op == Op::fully_connected) {
      shape = {s.batch, s.channels};
    }
    inputs.push_back(
        writer.add_tensor({.name = "weights",
                           .type = kinglet::element_type_of<W>,
                           .shape = shape,
                           .scales = w.scale,
                           .zero_points = std::vector<std::int64_t>(w.scale.size(), w.zero_point),
                           .quantized_dimension = step.op == Op::depthwise_conv2d ? 3 : 0,
                           .constant = std::as_bytes(std::span(w.filter))}));
    if (!w.bias.empty()) {
      inputs.push_back(writer.add_tensor({.name = "bias",
                                          .type = kinglet::element_type_of<Bias>,
                                          .shape = {static_cast<std::int32_t>(w.bias.size())},
                                          .constant = std::as_bytes(std::span(w.bias))}));
    }
  }
};

}  // namespace test
