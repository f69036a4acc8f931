// SPDX-License-Identifier: Apache-2.0
/// @file inspection.cpp
#include "inspection.hpp"

#include <algorithm>

#include "engine.hpp"
#include "failure.hpp"

namespace cli {

using kinglet::BuiltinOperator;

std::uint64_t count_macs(const kinglet::Model& model, const kinglet::OperatorInfo& op) {
  if (op.input(0) < 0 || op.input(1) < 0 || op.output(0) < 0) {
    return 0;
  }
  const kinglet::TensorInfo filter = model.tensor(op.input(1));
  const kinglet::TensorInfo output = model.tensor(op.output(0));
  if (filter.elements() == 0) {
    return 0;
  }
  // Each element of the output (of a transposed convolution: of the input) meets the filter's elements that belong
  // to its channel.
  const auto per_channel = [&](std::size_t dimension) -> std::uint64_t {
    return dimension < filter.rank() ? filter.elements() / static_cast<std::uint64_t>(filter.shape[dimension])
                                     : 0;
  };
  switch (op.code) {
    case BuiltinOperator::conv_2d:
    case BuiltinOperator::fully_connected: return output.elements() * per_channel(0);
    case BuiltinOperator::depthwise_conv_2d: return output.elements() * per_channel(3);
    case BuiltinOperator::transpose_conv:
      return op.input(2) < 0 ? 0 : model.tensor(op.input(2)).elements() * per_channel(3);
    default: return 0;
  }
}

std::uint64_t weight_bytes(const kinglet::Model& model, const kinglet::OperatorInfo& op) {
  std::uint64_t bytes = 0;
  for (const std::int32_t tensor : op.inputs) {
    bytes += tensor < 0 ? 0 : model.tensor(tensor).constant.size();
  }
  return bytes;
}

namespace {

/// The planner counts steps, people operators.
Plan make_plan(const kinglet::MemoryPlan& from, const kinglet::Model& model) {
  const auto operator_of = [&](std::int32_t step) {
    const auto i = static_cast<std::size_t>(step);
    return step < 0 ? step : i < from.operators.size() ? from.operators[i] : model.operator_count();
  };
  Plan plan{from.needs};
  for (std::size_t i = 0; i < from.network.steps.size(); ++i) {
    if (from.step(i).chain_first == static_cast<std::int32_t>(i)) {
      plan.chains.push_back({operator_of(from.step(i).chain_first), operator_of(from.step(i).chain_last)});
    }
  }
  for (std::size_t i = 0; i < from.operators.size(); ++i) {
    if (from.pad(model, i).exists()) {
      plan.folded.push_back({from.operators[i] - 1, from.operators[i]});
    }
  }
  for (std::size_t i = 0; i < from.buffers().size(); ++i) {
    kinglet::BufferRequest request = from.buffers()[i];
    if (request.bytes != 0) {
      request.lifetime = {operator_of(request.lifetime.first), operator_of(request.lifetime.last)};
      const bool scratch = i >= from.activations;
      plan.buffers.push_back({scratch ? -1 : request.owner,
                              scratch ? operator_of(static_cast<std::int32_t>(i - from.activations)) : -1,
                              scratch ? 0 : from.network.lines[i].stored, request});
    }
  }
  std::stable_sort(plan.buffers.begin(), plan.buffers.end(),
                   [](const PlannedBuffer& a, const PlannedBuffer& b) {
                     return a.request.lifetime.first < b.request.lifetime.first;
                   });
  return plan;
}

}  // namespace

Inspection make_inspection(const ModelFile& file, const EngineChoice& choice) {
  const kinglet::Model& model = file.model();
  const kinglet::Backend backend = choose_backend(choice);
  Inspection inspection{file, choice, backend.target()};
  for (std::int32_t i = 0; i < model.operator_count(); ++i) {
    inspection.macs += count_macs(model, model.op(i));
  }
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    inspection.constant_bytes += model.tensor(i).constant.size();
  }
  // The planner wants aligned memory; `operator new` aligns at least as much for these objects.
  std::vector<std::max_align_t> workspace(kinglet::workspace_bytes(model) / sizeof(std::max_align_t) + 1);
  const auto plan = backend.plan(model, std::as_writable_bytes(std::span(workspace)), aim_of(choice));
  if (plan) {
    inspection.plan = make_plan(*plan, model);
    return inspection;
  }
  backend.check(model,
                [&](const kinglet::Status& status) { inspection.problems.push_back(text_of(status)); });
  if (inspection.problems.empty()) {
    inspection.problems.push_back(text_of(plan.status()));
  }
  return inspection;
}

}  // namespace cli
