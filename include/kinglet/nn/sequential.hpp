// SPDX-License-Identifier: Apache-2.0
/// @file nn/sequential.hpp
/// A network as a type: layers one behind the other, every shape and every byte of the arena known to the compiler.
#pragma once

#include <kinglet/nn/plan.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

/// What a network reads: N H W C elements of type T, which all its activations have.
template <QuantizedElement T, index_t Height, index_t Width, index_t Channels, index_t Batch = 1>
struct Input {
  using element_type = T;
  static constexpr Shape shape{Batch, Height, Width, Channels};
};

/// A layer can read a tensor with these extents: batch, height, width, channels.
template <class Layer, class InputExtents>
concept AcceptsInput = Layer::accepts(Shape{InputExtents::static_extent(0), InputExtents::static_extent(1),
                                            InputExtents::static_extent(2), InputExtents::static_extent(3)});

namespace detail {

/// Shape behind a layer.
template <Shape S, class Layer>
inline constexpr Shape shape_behind = [] {
  Builder b(S);
  Layer::append(b);
  return b.shape();
}();

template <Shape S, class... Layers>
struct fits {
  static constexpr bool value = true;
};
template <Shape S, class Layer, class... Rest>
struct fits<S, Layer, Rest...> {
  static_assert(
      AcceptsInput<Layer, extents_of<S>>,
      "kinglet: a layer does not accept its input: AcceptsInput<layer, extents of the input> names both");
  static constexpr bool value = fits<shape_behind<S, Layer>, Rest...>::value;
};

template <class In, class... Layers>
constexpr Builder build() {
  Builder b(In::shape);
  (Layers::append(b), ...);
  return b;
}

template <class In, class... Layers>
inline constexpr auto graph_of = [] {
  constexpr std::size_t steps = build<In, Layers...>().step_count();
  const Builder b = build<In, Layers...>();
  Graph<steps> g;
  std::copy_n(b.steps().begin(), g.steps.size(), g.steps.begin());
  std::copy_n(b.tensors().begin(), g.tensors.size(), g.tensors.begin());
  return g;
}();

}  // namespace detail

/// @tparam In an Input.  @tparam Layers from nn/layers.hpp and nn/inverted_residual.hpp, or anything with the same
/// two functions.
template <class In, class... Layers>
struct Sequential {
  static_assert(sizeof...(Layers) > 0, "kinglet: Sequential needs a layer");
  static_assert(detail::fits<In::shape, Layers...>::value);

  using element_type = typename In::element_type;
  using weight_type = weight_for_t<element_type>;

  /// The network's operators and the shapes of its tensors. Tensor 0 is the input, the last one the output.
  static constexpr const auto& graph = detail::graph_of<In, Layers...>;
  static constexpr std::size_t step_count = graph.steps.size();
  static constexpr std::size_t tensor_count = graph.tensors.size();
  using input_extents = extents_of<detail::graph_of<In, Layers...>.tensors[0]>;
  using output_extents = extents_of<detail::graph_of<In, Layers...>.tensors[step_count]>;

  static constexpr Slots<step_count> slots = slots_of(graph);
  static_assert(slots.softmaxes == 0 || sizeof(element_type) == 1,
                "kinglet: Softmax is for 8-bit elements: leave it out of a network with int16 activations");
  /// The smallest plan that costs little time.
  static constexpr const Plan<step_count>& plan =
      PlannedGraph<element_type, detail::graph_of<In, Layers...>, Aim::automatic>::plan;
  /// Where each step's packed weights lie in a network's own memory.
  static constexpr std::array<std::size_t, step_count + 1> packed = packed_offsets<element_type>(graph);
  /// Activations and scratch, input and output included.
  static constexpr std::size_t arena_bytes = plan.bytes;

  /// Multiply-accumulates of one run.
  static constexpr std::uint64_t macs = [] {
    std::uint64_t sum = 0;
    for (const Step& step : detail::graph_of<In, Layers...>.steps) {
      sum += detail::graph_of<In, Layers...>.macs(step);
    }
    return sum;
  }();
};

}  // namespace kinglet::inline KINGLET_TARGET::nn
