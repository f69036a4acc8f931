// SPDX-License-Identifier: Apache-2.0
/// @file nn/step_request.hpp
/// A step of a typed network as its kernel takes it, and as the planner sees it.
#pragma once

#include <kinglet/kernels/select.hpp>
#include <kinglet/kernels/stream/fold.hpp>
#include <kinglet/kernels/stream/row_use.hpp>
#include <kinglet/kernels/unsigned_bytes.hpp>
#include <kinglet/memory/stream_request.hpp>
#include <kinglet/nn/graph.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

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

/// Rows of a step's input and output: all of them, or a slice's.
struct StepRows {
  index_t input;
  index_t output;
};

/// Calls f(operator as a constant, kernel, tensors, window) for a step with weights, extents at run time and no
/// activations; f(operator, kernel, tensors) where the kernel has no window.
template <QuantizedElement T, std::size_t Steps, class F>
constexpr auto visit_kernel_rows(const Graph<Steps>& graph, const Step& step,
                                 const WeightPointers<T>& weights, StepRows rows, F f) {
  using W = weight_for_t<T>;
  using Kernels = select::native;
  const Shape filter = graph.filter_shape(step);
  const auto with_rows = [](Shape shape, index_t height) {
    shape.height = height;
    return run_time_extents(shape);
  };
  const Convolution<T, W, Nhwc, Ohwi, Nhwc> tensors{
      {nullptr, with_rows(graph.shape(step.input), rows.input)},
      {weights.filter, run_time_extents(filter)},
      weights.bias,
      {nullptr, with_rows(graph.shape(step.output), rows.output)}};
  const Window window = step.filter.window(graph.shape(step.input));
  if (step.op == Operator::depthwise_conv2d) {
    return f(std::integral_constant<Operator, Operator::depthwise_conv2d>{}, typename Kernels::depthwise{},
             tensors, window);
  }
  if (step.op == Operator::fully_connected) {
    using Matrix = Extents<dynamic_extent, dynamic_extent>;
    const index_t batch = graph.shape(step.input).batch;
    return f(
        std::integral_constant<Operator, Operator::fully_connected>{}, typename Kernels::fully_connected{},
        Convolution<T, W, Matrix, Matrix, Matrix>{{nullptr, Matrix{batch, filter.channels}},
                                                  {weights.filter, Matrix{filter.batch, filter.channels}},
                                                  weights.bias,
                                                  {nullptr, Matrix{batch, filter.batch}}});
  }
  const std::integral_constant<Operator, Operator::conv2d> conv2d;
  return runs_pointwise(step) ? f(conv2d, typename Kernels::pointwise{}, tensors)
                              : f(conv2d, typename Kernels::conv2d{}, tensors, window);
}

/// The same on all rows.
template <QuantizedElement T, std::size_t Steps, class F>
constexpr auto visit_kernel(const Graph<Steps>& graph, const Step& step, const WeightPointers<T>& weights,
                            F f) {
  return visit_kernel_rows<T>(graph, step, weights,
                              StepRows{graph.shape(step.input).height, graph.shape(step.output).height}, f);
}

/// Whether a step is a mean over a whole image.
template <std::size_t Steps>
constexpr bool folds(const Graph<Steps>& graph, const Step& step) noexcept {
  const Shape& in = graph.shape(step.input);
  const kinglet::pool::Pooling pooling{step.filter.window(in), step.filter.height, step.filter.width};
  return in.batch == 1 &&
         (step.op == Operator::mean || (step.op == Operator::average_pool &&
                                        stream::is_mean_of_all(pooling, run_time_extents(in),
                                                               run_time_extents(graph.shape(step.output)))));
}

/// How a step runs row by row.
template <std::size_t Steps>
constexpr stream::RowUse row_use(const Graph<Steps>& graph, const Step& step) noexcept {
  const Shape& in = graph.shape(step.input);
  if (in.batch != 1 || step.op == Operator::fully_connected || step.op == Operator::softmax) {
    return {};
  }
  if (folds(graph, step)) {
    return stream::folding_rows(in.height, in.width);
  }
  if (step.op == Operator::add) {
    return stream::elementwise_rows(in.height, in.width);
  }
  return stream::window_rows(step.filter.window(in), step.filter.height, in.height,
                             run_time_extents(graph.shape(step.output)));
}

/// Whether a step's kernel can keep activations as unsigned bytes.
template <QuantizedElement T, std::size_t Steps>
constexpr bool step_keeps_unsigned(const Graph<Steps>& graph, const Step& step) noexcept {
  return (step.op == Operator::conv2d || step.op == Operator::depthwise_conv2d) &&
         visit_kernel<T>(graph, step, {}, [](auto, auto kernel, const auto& tensors, const auto&...) {
           return kinglet::keeps_unsigned<decltype(kernel)>(tensors);
         });
}

/// Which tensors lie as unsigned bytes: all inside the network whose makers and readers can have them so.
template <QuantizedElement T, std::size_t Steps>
constexpr std::array<bool, Steps + 1> choose_unsigned(const Graph<Steps>& graph, Aim aim) noexcept {
  std::array<bool, Steps + 1> chosen{};
  for (std::size_t i = 0; i + 1 < Steps && aim != Aim::observed; ++i) {
    chosen[static_cast<std::size_t>(graph.steps[i].output)] = step_keeps_unsigned<T>(graph, graph.steps[i]);
  }
  for (const Step& step : graph.steps) {
    for (const index_t input : {step.input, step.other}) {
      if (input >= 0 && chosen[static_cast<std::size_t>(input)]) {
        chosen[static_cast<std::size_t>(input)] = step_keeps_unsigned<T>(graph, step);
      }
    }
  }
  return chosen;
}

/// Arena bytes a step's kernel needs while it makes these rows.
/// @param unsigned_input the input lies as unsigned bytes
template <QuantizedElement T, std::size_t Steps>
constexpr std::size_t scratch_bytes(const Graph<Steps>& graph, const Step& step, StepRows rows,
                                    bool unsigned_input) noexcept {
  return !has_weights(step.op)
             ? 0
             : visit_kernel_rows<T>(
                   graph, step, {}, rows, [&](auto, auto kernel, const auto& tensors, const auto&... window) {
                     if constexpr (std::same_as<T, std::int8_t>) {
                       if (unsigned_input) {
                         return decltype(kernel)::scratch_bytes(window..., as_unsigned(tensors));
                       }
                     }
                     return decltype(kernel)::scratch_bytes(window..., tensors);
                   });
}

/// Bit k: the step may write over its input k, from its beginning.
template <QuantizedElement T, std::size_t Steps>
constexpr std::uint32_t overwrites(const Graph<Steps>& graph, const Step& step) noexcept {
  if (step.op == Operator::add) {
    return 3;
  }
  if (step.op == Operator::softmax) {
    return 1;
  }
  if (step.op == Operator::conv2d && runs_pointwise(step)) {
    return visit_kernel<T>(graph, step, {}, [](auto, auto kernel, const auto& tensors, const auto&...) {
      return may_overwrite<decltype(kernel)>(tensors) ? 1U : 0U;
    });
  }
  return 0;
}

/// `StepRequest::follow_step` of a step.
template <QuantizedElement T, std::size_t Steps>
constexpr std::size_t follow_step(const Graph<Steps>& graph, const Step& step) noexcept {
  if (step.op != Operator::depthwise_conv2d) {
    return 0;
  }
  return visit_kernel<T>(graph, step, {}, [](auto, auto kernel, const auto& tensors, const auto&...) {
    const auto pixel_bytes = static_cast<std::size_t>(tensors.input.extent(3)) * sizeof(T);
    return keeps_row_order<decltype(kernel)>(tensors) ? pixel_bytes : 0;
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

/// A step as the planner sees it. Its output is tensor i + 1, its scratch the buffer behind all tensors and i others.
template <QuantizedElement T, std::size_t Steps>
constexpr StepRequest step_request(const Graph<Steps>& graph, std::size_t i, bool unsigned_input) noexcept {
  const Step& step = graph.steps[i];
  const Shape& in = graph.shape(step.input);
  const Shape& out = graph.shape(step.output);
  const stream::RowUse use = row_use(graph, step);
  StepRequest request;
  request.inputs[0] = step.input;
  request.inputs[1] = step.other;
  request.output = step.output;
  request.scratch = static_cast<std::int32_t>(Steps + 1 + i);
  request.mode = use.mode;
  request.window = use.window;
  request.input_rows = use.input_rows;
  request.rows = use.rows;
  request.takes_ring = step.op == Operator::depthwise_conv2d;
  request.overwrites = overwrites<T>(graph, step);
  request.follow_step = follow_step<T>(graph, step);
  request.whole_scratch = scratch_bytes<T>(graph, step, {in.height, out.height}, unsigned_input);
  for (std::size_t width = 0; width < row_widths; ++width) {
    const stream::RowUse rows = stream::widened(use, width);
    request.batches[width] = {
        rows.batch, rows.mode == RowMode::fold ? stream::fold_bytes(in.channels)
                    : rows.mode == RowMode::rows
                        ? scratch_bytes<T>(graph, step, {most_input_rows(rows), rows.batch}, unsigned_input)
                        : 0};
  }
  request.work = graph.macs(step) + out.size() * StepRequest::element_work;
  return request;
}

}  // namespace kinglet::inline KINGLET_TARGET::nn
