// SPDX-License-Identifier: Apache-2.0
/// @file nn/plan.hpp
/// The arena of a typed network, planned by the compiler with the planner that files use.
#pragma once

#include <kinglet/isa/target.hpp>
#include <kinglet/memory/stream_planner.hpp>
#include <kinglet/nn/step_request.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

/// Offsets in the arena: the tensors, then each step's scratch; and the chains that run row by row.
template <std::size_t Steps>
struct Plan {
  std::array<std::size_t, Steps + 1> tensors{};
  std::array<std::size_t, Steps> scratch{};
  std::array<RowLink, Steps> links{};             ///< of steps in chains
  std::array<std::int32_t, Steps> chain_first{};  ///< the chain a step is in begins there; no_buffer: in none
  std::array<std::int32_t, Steps> chain_length{};  ///< of the chain that begins with a step
  std::array<bool, Steps + 1>
      unsigned_bytes{};  ///< tensors of int8 that lie as kernels/unsigned_bytes.hpp says
  std::size_t bytes = 0;
};

/// A graph as the planner sees it, and what planning knows so far.
template <std::size_t Steps>
struct GraphRequests {
  static constexpr std::size_t tensors = Steps + 1;
  Aim aim;
  std::array<StepRequest, Steps> steps{};
  std::array<LineRequest, tensors> lines{};
  std::array<BufferRequest, tensors + Steps> buffers{};
  std::array<RowLink, Steps> links{};
  std::array<bool, tensors> unsigned_bytes{};
  GroupLimits limits{};   ///< of the groups
  std::size_t bytes = 0;  ///< of the arena
  bool again = false;     ///< groups are settled again

  constexpr StreamNetwork network() noexcept {
    return {steps, lines, buffers, links, isa::register_bytes, isa::call_work};
  }
};

template <QuantizedElement T, std::size_t Steps>
constexpr GraphRequests<Steps> describe_graph(const Graph<Steps>& graph, Aim aim) noexcept {
  GraphRequests<Steps> requests{aim};
  auto& [given, steps, lines, buffers, links, unsigned_bytes, limits, arena, again] = requests;
  unsigned_bytes = choose_unsigned<T>(graph, aim);
  for (std::size_t t = 0; t < lines.size(); ++t) {
    const Shape& shape = graph.tensors[t];
    const std::size_t bytes = shape.size() * sizeof(T);
    lines[t].made = static_cast<std::int32_t>(t) - 1;
    lines[t].rows = shape.batch == 1 ? shape.height : 0;
    lines[t].row_bytes = bytes / static_cast<std::size_t>(shape.height);
    use_buffer(buffers[t], bytes, lines[t].made);
  }
  for (std::size_t i = 0; i < Steps; ++i) {
    steps[i] = step_request<T>(graph, i, unsigned_bytes[static_cast<std::size_t>(graph.steps[i].input)]);
    for (const std::int32_t input : steps[i].inputs) {
      if (input != no_buffer) {
        buffers[static_cast<std::size_t>(input)].lifetime.include(static_cast<std::int32_t>(i));
      }
    }
    use_buffer(buffers[lines.size() + i], steps[i].whole_scratch, static_cast<std::int32_t>(i));
  }
  buffers[Steps].lifetime.include(static_cast<std::int32_t>(Steps));  // the output outlives the last step
  return requests;
}

/// What is known when one more part of planning is done. @param part (GraphRequests&)
template <std::size_t Steps, class Part>
constexpr GraphRequests<Steps> after(GraphRequests<Steps> requests, Part part) noexcept {
  part(requests);
  return requests;
}

template <std::size_t Steps>
constexpr Plan<Steps> plan_graph(GraphRequests<Steps> requests) noexcept {
  Plan<Steps> plan;
  plan.bytes = requests.again
                   ? place_groups_again(requests.network(), requests.aim, requests.limits, requests.bytes)
                   : requests.bytes;
  plan.links = requests.links;
  plan.unsigned_bytes = requests.unsigned_bytes;
  for (std::size_t t = 0; t < plan.tensors.size(); ++t) {
    plan.tensors[t] = requests.buffers[t].offset;
  }
  for (std::size_t i = 0; i < Steps; ++i) {
    const StepRequest& step = requests.steps[i];
    plan.scratch[i] = requests.buffers[plan.tensors.size() + i].offset;
    plan.chain_first[i] = step.chain_first;
    plan.chain_length[i] = step.chain_last - step.chain_first + 1;
  }
  return plan;
}

/// A graph's plan, as constants one after the other: compilers bound what each may compute.
template <QuantizedElement T, const auto& G, Aim A>
struct PlannedGraph {
  static constexpr auto described = describe_graph<T>(G, A);
  static constexpr auto cut =
      after(described, [](auto& r) { r.limits = cut_into_groups(r.network(), r.aim); });
  static constexpr auto settled = after(cut, [](auto& r) { settle_groups(r.network()); });
  static constexpr auto placed =
      after(settled, [](auto& r) { r.bytes = place_groups(r.network(), r.limits); });
  static constexpr auto decided =
      after(placed, [](auto& r) { r.again = settle_groups_again(r.network(), r.limits, r.bytes); });
  static constexpr auto plan = plan_graph(decided);
};

}  // namespace kinglet::inline KINGLET_TARGET::nn
