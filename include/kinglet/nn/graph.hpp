// SPDX-License-Identifier: Apache-2.0
/// @file nn/graph.hpp
/// A typed network as constant data: layers append their operators to a builder while the program is compiled.
#pragma once

#include <array>
#include <kinglet/nn/shape.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::nn {

enum class Operator : std::uint8_t {
  conv2d,
  depthwise_conv2d,
  fully_connected,
  add,
  mean,
  average_pool,
  max_pool,
  softmax,
};

constexpr std::string_view name_of(Operator op) noexcept {
  switch (op) {
    case Operator::conv2d: return "CONV_2D";
    case Operator::depthwise_conv2d: return "DEPTHWISE_CONV_2D";
    case Operator::fully_connected: return "FULLY_CONNECTED";
    case Operator::add: return "ADD";
    case Operator::mean: return "MEAN";
    case Operator::average_pool: return "AVERAGE_POOL_2D";
    case Operator::max_pool: return "MAX_POOL_2D";
    case Operator::softmax: return "SOFTMAX";
  }
  return "";
}

constexpr bool has_weights(Operator op) noexcept {
  return op == Operator::conv2d || op == Operator::depthwise_conv2d || op == Operator::fully_connected;
}

/// One operator. Tensors are numbered in the order they are made; 0 is the network's input.
struct Step {
  Operator op{};
  index_t input = -1;
  index_t other = -1;  ///< second summand of add
  index_t output = -1;
  Filter filter{};  ///< of convolutions and pools; its activation also of add and fully_connected

  friend constexpr bool operator==(const Step&, const Step&) = default;
};

/// Appends operators, each reading the last tensor unless said otherwise.
class Builder {
 public:
  static constexpr std::size_t capacity = 512;

  constexpr explicit Builder(const Shape& input) noexcept { tensors_[tensor_count_++] = input; }

  [[nodiscard]] constexpr index_t last() const noexcept { return static_cast<index_t>(tensor_count_) - 1; }
  [[nodiscard]] constexpr const Shape& shape(index_t tensor) const noexcept {
    return tensors_[static_cast<std::size_t>(tensor)];
  }
  [[nodiscard]] constexpr const Shape& shape() const noexcept { return shape(last()); }

  constexpr void append(Operator op, const Filter& filter, const Shape& output) {
    append(Step{.op = op, .input = last(), .filter = filter}, output);
  }
  constexpr void append(Step step, const Shape& output) {
    step.output = static_cast<index_t>(tensor_count_);
    tensors_[tensor_count_++] = output;
    steps_[step_count_++] = step;
  }
  constexpr void conv2d(index_t channels, const Filter& filter) {
    append(Operator::conv2d, filter, filter.output(shape(), channels));
  }
  constexpr void depthwise(index_t multiplier, const Filter& filter) {
    append(Operator::depthwise_conv2d, filter, filter.output(shape(), shape().channels * multiplier));
  }
  /// The last tensor and an earlier one of the same shape.
  constexpr void add(index_t other, Activation activation) {
    append(Step{.op = Operator::add, .input = other, .other = last(), .filter = Filter{}.with(activation)},
           shape());
  }

  [[nodiscard]] constexpr std::size_t step_count() const noexcept { return step_count_; }
  [[nodiscard]] constexpr std::size_t tensor_count() const noexcept { return tensor_count_; }
  [[nodiscard]] constexpr const std::array<Step, capacity>& steps() const noexcept { return steps_; }
  [[nodiscard]] constexpr const std::array<Shape, capacity + 1>& tensors() const noexcept { return tensors_; }

 private:
  std::array<Step, capacity> steps_{};
  std::array<Shape, capacity + 1> tensors_{};
  std::size_t step_count_ = 0;
  std::size_t tensor_count_ = 0;
};

/// The builder's lists, cut to length.
template <std::size_t Steps>
struct Graph {
  std::array<Step, Steps> steps{};
  std::array<Shape, Steps + 1> tensors{};

  [[nodiscard]] constexpr const Shape& shape(index_t tensor) const noexcept {
    return tensors[static_cast<std::size_t>(tensor)];
  }
  /// Shape of a step's filter: OHWI, or 1HWO of a depthwise one. Only for steps with weights.
  [[nodiscard]] constexpr Shape filter_shape(const Step& step) const noexcept {
    const Shape& in = shape(step.input);
    const index_t channels = shape(step.output).channels;
    switch (step.op) {
      case Operator::depthwise_conv2d: return {1, step.filter.height, step.filter.width, channels};
      case Operator::fully_connected: return {channels, 1, 1, in.height * in.width * in.channels};
      default: return {channels, step.filter.height, step.filter.width, in.channels};
    }
  }
  /// Multiply-accumulates of one step.
  [[nodiscard]] constexpr std::uint64_t macs(const Step& step) const noexcept {
    const Shape& out = shape(step.output);
    return has_weights(step.op) ? std::uint64_t{out.size()} * filter_shape(step).size() /
                                      static_cast<std::uint64_t>(out.channels)
                                : 0;
  }
};

/// Where each step's constants lie in lists by kind: for steps with weights the first of their output channels in a
/// list of all, for the others their number among their kind.
template <std::size_t Steps>
struct Slots {
  std::array<std::size_t, Steps> ordinal{};
  std::size_t channels = 0;
  std::size_t adds = 0;
  std::size_t means = 0;
  std::size_t softmaxes = 0;
};

template <std::size_t Steps>
constexpr Slots<Steps> slots_of(const Graph<Steps>& graph) noexcept {
  Slots<Steps> slots;
  for (std::size_t i = 0; i < Steps; ++i) {
    const Step& step = graph.steps[i];
    if (has_weights(step.op)) {
      slots.ordinal[i] = slots.channels;
      slots.channels += static_cast<std::size_t>(graph.shape(step.output).channels);
    } else if (step.op == Operator::add) {
      slots.ordinal[i] = slots.adds++;
    } else if (step.op == Operator::mean) {
      slots.ordinal[i] = slots.means++;
    } else if (step.op == Operator::softmax) {
      slots.ordinal[i] = slots.softmaxes++;
    }
  }
  return slots;
}

/// 1x1 with stride 1: the pointwise kernel.
constexpr bool runs_pointwise(const Step& step) noexcept {
  return step.op == Operator::conv2d && step.filter.height == 1 && step.filter.width == 1 &&
         step.filter.stride_h == 1 && step.filter.stride_w == 1;
}

}  // namespace kinglet::inline KINGLET_TARGET::nn
