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

/// What packed weights start at multiples of, so that constant objects can have them: a cache line.
inline constexpr std::size_t packed_alignment = 64;

/// Weights go with activations: uint8 with uint8, int8 with int8 and int16.
template <QuantizedElement T>
using weight_for_t = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint8_t, std::int8_t>;

constexpr Nhwc run_time_extents(const Shape& s) noexcept {
  return Nhwc{s.batch, s.height, s.width, s.channels};
}

/// Weights and bias of one step, as kernels take them.
template <QuantizedElement T>
struct WeightPointers {
  const weight_for_t<T>* filter = nullptr;
  const accumulator_t<T>* bias = nullptr;
};

/// Calls f(operator as a constant, kernel, tensors, window) for a step with weights, extents at run time and no
/// activations; f(operator, kernel, tensors) where the kernel has no window.
template <QuantizedElement T, std::size_t Steps, class F>
constexpr auto visit_kernel(const Graph<Steps>& graph, const Step& step, const WeightPointers<T>& weights,
                            F f) {
  using W = weight_for_t<T>;
  using Kernels = select::native;
  const Shape filter = graph.filter_shape(step);
  const Convolution<T, W, Nhwc, Ohwi, Nhwc> tensors{{nullptr, run_time_extents(graph.shape(step.input))},
                                                    {weights.filter, run_time_extents(filter)},
                                                    weights.bias,
                                                    {nullptr, run_time_extents(graph.shape(step.output))}};
  const Window window = step.filter.window(graph.shape(step.input));
  if (step.op == Operator::depthwise_conv2d) {
    return f(std::integral_constant<Operator, Operator::depthwise_conv2d>{}, typename Kernels::depthwise{},
             tensors, window);
  }
  if (step.op == Operator::fully_connected) {
    using Matrix = Extents<dynamic_extent, dynamic_extent>;
    const index_t rows = graph.shape(step.input).batch;
    return f(
        std::integral_constant<Operator, Operator::fully_connected>{}, typename Kernels::fully_connected{},
        Convolution<T, W, Matrix, Matrix, Matrix>{{nullptr, Matrix{rows, filter.channels}},
                                                  {weights.filter, Matrix{filter.batch, filter.channels}},
                                                  weights.bias,
                                                  {nullptr, Matrix{rows, filter.batch}}});
  }
  const std::integral_constant<Operator, Operator::conv2d> conv2d;
  return runs_pointwise(step) ? f(conv2d, typename Kernels::pointwise{}, tensors)
                              : f(conv2d, typename Kernels::conv2d{}, tensors, window);
}

/// Arena bytes a step's kernel needs while it runs.
template <QuantizedElement T, std::size_t Steps>
constexpr std::size_t scratch_bytes(const Graph<Steps>& graph, const Step& step) noexcept {
  return !has_weights(step.op)
             ? 0
             : visit_kernel<T>(graph, step, {},
                               [](auto, auto kernel, const auto& tensors, const auto&... window) {
                                 return decltype(kernel)::scratch_bytes(window..., tensors);
                               });
}

/// Where each step's packed weights lie, and the bytes of all, behind the last.
template <QuantizedElement T, std::size_t Steps>
constexpr std::array<std::size_t, Steps + 1> packed_offsets(const Graph<Steps>& graph) noexcept {
  std::array<std::size_t, Steps + 1> offsets{};
  for (std::size_t i = 0; i < Steps; ++i) {
    const Step& step = graph.steps[i];
    const std::size_t bytes =
        !has_weights(step.op)
            ? 0
            : visit_kernel<T>(graph, step, {}, [](auto, auto kernel, const auto& tensors, const auto&...) {
                return decltype(kernel)::packed_bytes(tensors);
              });
    offsets[i + 1] = align_up(offsets[i] + bytes, packed_alignment);
  }
  return offsets;
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
