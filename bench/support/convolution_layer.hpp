// SPDX-License-Identifier: Apache-2.0
/// @file support/convolution_layer.hpp
/// MobileNetV2's convolutions as layers with random weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <kinglet/memory/heap.hpp>
#include <kinglet/nn/mobilenet_v2.hpp>
#include <kinglet/nn/parameters.hpp>
#include <memory>

#include "support/layer.hpp"
#include "support/random.hpp"

namespace bench {

using MobileNetV2 = kinglet::nn::MobileNetV2<100, 224, 1000>;
inline constexpr const auto& network = MobileNetV2::graph;

/// "56x56x144 -> 24", with "3x3/2" in between where a filter is larger than a pixel.
inline std::string name_of(const kinglet::nn::Step& step) {
  const auto text = [](int number) { return std::to_string(number); };
  const kinglet::nn::Shape& in = network.shape(step.input);
  std::string name = text(in.height) + "x" + text(in.width) + "x" + text(in.channels);
  if (step.filter.height > 1) {
    name += " " + text(step.filter.height) + "x" + text(step.filter.width) + "/" + text(step.filter.stride_h);
  }
  return name + " -> " + text(network.shape(step.output).channels);
}

/// The steps that `wanted` accepts, in the network's order, each shape once.
template <class Predicate>
std::vector<kinglet::nn::Step> distinct_steps(Predicate wanted) {
  std::vector<kinglet::nn::Step> steps;
  for (const kinglet::nn::Step& step : network.steps) {
    const bool known = std::any_of(steps.begin(), steps.end(), [&step](const kinglet::nn::Step& other) {
      return other.op == step.op && other.filter == step.filter &&
             network.shape(other.input) == network.shape(step.input) &&
             network.shape(other.output) == network.shape(step.output);
    });
    if (!known && wanted(step)) {
      steps.push_back(step);
    }
  }
  return steps;
}

/// The last step as files have it, FULLY_CONNECTED.
inline kinglet::nn::Step classifier() {
  kinglet::nn::Step step = network.steps[network.steps.size() - 2];
  step.op = kinglet::nn::Operator::fully_connected;
  return step;
}

namespace detail {
template <class T>
struct ConvolutionData {
  Elements<T> input;
  std::vector<std::int8_t> filter;
  std::vector<kinglet::accumulator_t<T>> bias;
  Elements<T> output;
  std::vector<kinglet::Multiplier> multipliers;
  kinglet::AlignedBytes packed;
  kinglet::AlignedBytes scratch;
};
}  // namespace detail

/// A step with weights, with the kernel that a network would take, and activations as they lie there.
/// @tparam T activations: int8_t or int16_t; weights are int8_t
template <class T>
Layer convolution_layer(const kinglet::nn::Step& step) {
  using namespace kinglet;
  const nn::Shape in = network.shape(step.input);
  const nn::Shape out = network.shape(step.output);
  const nn::Shape filter = network.filter_shape(step);
  const auto channels = static_cast<std::size_t>(out.channels);
  const auto depth = static_cast<double>(filter.size()) / out.channels;
  constexpr bool wide = sizeof(T) == 2;
  // Uniform bytes are 74 wide, so sums are 74 * 74 * sqrt(depth) wide; outputs shall be 40. 16 bits: 256 times as much.
  const double scale = 40 / (74.0 * 74.0 * std::sqrt(depth));
  const auto data = std::make_shared<detail::ConvolutionData<T>>(
      detail::ConvolutionData<T>{random_elements<T>(in.size()),
                                 random_vector<std::int8_t>(filter.size()),
                                 random_vector<accumulator_t<T>>(channels),
                                 Elements<T>(out.size()),
                                 std::vector<Multiplier>(channels, make_multiplier(scale)),
                                 {},
                                 {}});
  const bool linear = step.filter.activation == Activation::none;
  const PerTensor quantization = wide     ? PerTensor{6.0F / 32767, 0}
                                 : linear ? PerTensor{0.04F, 3}
                                          : PerTensor{6.0F / 255, -128};
  const ActivationRange range = activation_range<T>(step.filter.activation, quantization);
  const auto is_unsigned = [](index_t tensor) {
    return !wide && MobileNetV2::plan.unsigned_bytes[static_cast<std::size_t>(tensor)];
  };
  const ConvolutionQuantization q{
      .input_zero_point = wide     ? 0
                          : linear ? -128
                                   : 3,  // RELU6 outputs are projected
      .output = {data->multipliers.data(), quantization.zero_point, range.min, range.max},
      .unsigned_input = is_unsigned(step.input),
      .unsigned_output = is_unsigned(step.output)};
  Layer layer{.name = name_of(step) + (wide ? ", int16" : ""),
              .macs = static_cast<double>(network.macs(step)),
              .elements = static_cast<double>(out.size()),
              .element_bytes = sizeof(T),
              .bytes = static_cast<double>((in.size() + out.size()) * sizeof(T) + filter.size())};
  nn::visit_kernel<T>(
      network, step, {data->filter.data(), data->bias.data()},
      [&](auto op, auto kernel, auto tensors, const auto&... window) {
        using Kernel = decltype(kernel);
        using R = nn::detail::rounding_for_t<profile::tflm, op.value>;
        tensors.input = {data->input.data(), tensors.input.extents()};
        tensors.output = {data->output.data(), tensors.output.extents()};
        data->packed = allocate_aligned(align_up(Kernel::packed_bytes(tensors), 64));
        data->scratch = allocate_aligned(Kernel::scratch_bytes(window..., tensors));
        Kernel::template pack<R>(tensors, q, data->packed.get());
        layer.kernel = Kernel::name;
        layer.run = [=] {
          Kernel::template run<R>(window..., tensors, q, {data->packed.get(), data->scratch.get()});
        };
      });
  return layer;
}

/// `main` of the convolution family's programs.
template <class Predicate>
int run_convolutions(int argc, char** argv, Predicate wanted) {
  std::vector<Layer> layers;
  const std::vector<kinglet::nn::Step> steps = distinct_steps(wanted);
  for (const kinglet::nn::Step& step : steps) {
    layers.push_back(convolution_layer<std::int8_t>(step));
  }
  for (const kinglet::nn::Step& step : steps) {
    layers.push_back(convolution_layer<std::int16_t>(step));
  }
  return run_benchmarks(argc, argv, layers);
}

}  // namespace bench
