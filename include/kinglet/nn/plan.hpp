// SPDX-License-Identifier: Apache-2.0
/// @file nn/plan.hpp
/// The arena of a typed network, planned by the compiler with the planner that files use.
#pragma once

#include <kinglet/kernels/select.hpp>
#include <kinglet/memory/planner.hpp>
#include <kinglet/nn/graph.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

/// Offsets in the arena: the tensors, then each step's scratch.
template <std::size_t Steps>
struct Plan {
  std::array<std::size_t, Steps + 1> tensors{};
  std::array<std::size_t, Steps> scratch{};
  std::size_t bytes = 0;
};

/// Weights go with activations: uint8 with uint8, int8 with int8 and int16.
template <QuantizedElement T>
using weight_for_t = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint8_t, std::int8_t>;

constexpr Nhwc run_time_extents(const Shape& s) noexcept {
  return Nhwc{s.batch, s.height, s.width, s.channels};
}

/// Bytes a step's kernel needs while it runs.
template <QuantizedElement T, std::size_t Steps>
constexpr std::size_t scratch_bytes(const Graph<Steps>& graph, const Step& step) noexcept {
  using W = weight_for_t<T>;
  using Kernels = select::native;
  if (!has_weights(step.op)) {
    return 0;
  }
  const Convolution<T, W, Nhwc, Ohwi, Nhwc> tensors{{nullptr, run_time_extents(graph.shape(step.input))},
                                                    {nullptr, run_time_extents(graph.filter_shape(step))},
                                                    nullptr,
                                                    {nullptr, run_time_extents(graph.shape(step.output))}};
  const Window window = step.filter.window(graph.shape(step.input));
  if (step.op == Operator::depthwise_conv2d) {
    return Kernels::depthwise::scratch_bytes(window, tensors);
  }
  if (step.op == Operator::fully_connected) {
    using Matrix = Extents<dynamic_extent, dynamic_extent>;
    const Shape filter = graph.filter_shape(step);
    const index_t rows = graph.shape(step.input).batch;
    return Kernels::fully_connected::scratch_bytes(
        Convolution<T, W, Matrix, Matrix, Matrix>{{nullptr, Matrix{rows, filter.channels}},
                                                  {nullptr, Matrix{filter.batch, filter.channels}},
                                                  nullptr,
                                                  {nullptr, Matrix{rows, filter.batch}}});
  }
  return runs_pointwise(step) ? Kernels::pointwise::scratch_bytes(tensors)
                              : Kernels::conv2d::scratch_bytes(window, tensors);
}

template <QuantizedElement T, std::size_t Steps>
constexpr Plan<Steps> plan_graph(const Graph<Steps>& graph) noexcept {
  constexpr std::size_t tensors = Steps + 1;
  std::array<BufferRequest, tensors + Steps> requests{};
  const auto use = [&](index_t tensor, index_t step) {
    if (tensor >= 0) {
      use_buffer(requests[static_cast<std::size_t>(tensor)], graph.shape(tensor).size() * sizeof(T), step);
    }
  };
  use(0, before_first_step);
  for (std::size_t i = 0; i < Steps; ++i) {
    const Step& step = graph.steps[i];
    const auto at = static_cast<index_t>(i);
    use(step.input, at);
    use(step.other, at);
    use(step.output, at);
    use_buffer(requests[tensors + i], scratch_bytes<T>(graph, step), at);
  }
  use(static_cast<index_t>(Steps), static_cast<index_t>(Steps));  // the output outlives the last step
  for (std::size_t i = 0; i < Steps; ++i) {
    const Step& step = graph.steps[i];
    const auto at = static_cast<index_t>(i);
    const bool in_place = step.op == Operator::add || step.op == Operator::softmax;
    if (in_place && !share_if_dead(requests, step.input, step.output, at) && step.other >= 0) {
      share_if_dead(requests, step.other, step.output, at);
    }
  }
  Plan<Steps> plan;
  plan.bytes = plan_memory(requests);
  for (std::size_t i = 0; i < tensors; ++i) {
    plan.tensors[i] = requests[i].offset;
  }
  for (std::size_t i = 0; i < Steps; ++i) {
    plan.scratch[i] = requests[tensors + i].offset;
  }
  return plan;
}

}  // namespace kinglet::inline KINGLET_TARGET::nn
