// SPDX-License-Identifier: Apache-2.0
/// @file runtime/memory_plan.hpp
/// From a model to a placed arena: check every operator, take lifetimes, run the planner.
#pragma once

#include <kinglet/runtime/check_operators.hpp>
#include <kinglet/runtime/model_steps.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Bytes of temporary memory `plan_model` wants, a multiple of `buffer_alignment`.
inline std::size_t workspace_bytes(const Model& model) noexcept {
  Arena counter;
  detail::make_plan(counter, detail::count_activations(model),
                    static_cast<std::size_t>(model.operator_count()));
  return counter.used();
}

/// Most buffers that are planned: the planner's time is quadratic, a fraction of a second for this many, and no file
/// may hang it.
inline constexpr std::size_t max_planned_buffers = 8'192;

/// Checks and plans. @param workspace at least `workspace_bytes(model)`, aligned to `buffer_alignment`; the result
/// points into it.
inline Result<MemoryPlan> plan_model(const Model& model, std::span<const OperatorEntry> table,
                                     std::span<std::byte> workspace, Aim aim = Aim::automatic) noexcept {
  const std::size_t activations = detail::count_activations(model);
  const auto operators = static_cast<std::size_t>(model.operator_count());
  if (!is_aligned(workspace.data())) {
    return Status::failure(Errc::misaligned_memory, "the workspace must be aligned to 16 bytes");
  }
  if (workspace.size() < workspace_bytes(model)) {
    return Status::failure(Errc::workspace_too_small, "bytes", static_cast<std::int64_t>(workspace.size()),
                           static_cast<std::int64_t>(workspace_bytes(model)));
  }
  if (activations + operators > max_planned_buffers) {
    return Status::failure(Errc::unsupported_model, "too many activations and operators",
                           static_cast<std::int64_t>(activations + operators),
                           static_cast<std::int64_t>(max_planned_buffers));
  }
  Arena room(workspace);
  MemoryPlan plan = detail::make_plan(room, activations, operators);
  StreamNetwork& network = plan.network;

  std::size_t next = 0;
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    if (detail::is_activation(model.tensor(i))) {
      network.buffers[next++].owner = i;
    }
  }
  const auto touch_end = [&](std::int32_t tensor, std::int32_t step) noexcept {
    const std::int32_t buffer = detail::find_buffer(network, tensor);
    if (buffer != no_buffer) {
      const TensorInfo info = model.tensor(tensor);
      use_buffer(network.buffers[static_cast<std::size_t>(buffer)], info.bytes(), step);
      if (is_image(info)) {
        LineRequest& line = network.lines[static_cast<std::size_t>(buffer)];
        line.rows = info.shape[1];
        line.row_bytes = info.bytes() / static_cast<std::size_t>(line.rows);
      }
    }
  };
  detail::count_uses(network, model);
  Arena state;
  Arena packed;
  for (const std::int32_t tensor : model.inputs()) {
    touch_end(tensor, before_first_step);
  }
  std::size_t steps = 0;
  for (std::int32_t op = 0; op < model.operator_count(); ++op) {
    const OperatorInfo info = model.op(op);
    const auto entry = detail::lookup(table, info);
    if (!entry) {
      return entry.status();
    }
    plan.operators[steps] = op;
    const bool folded = aim != Aim::observed && detail::is_folded_pad(network, model, op);
    Arena unused;
    const TensorAddresses nowhere{};
    Preparation preparation(model, info, folded ? unused : packed, nowhere, plan.pad(model, steps));
    if (const Status status = (*entry)->prepare(preparation); !status.ok()) {
      return status;
    }
    if (!folded) {
      plan.unsigned_uses[steps] = {preparation.keeps_unsigned(), preparation.unsigned_scratch_bytes()};
      detail::describe_step(network, model, steps++, preparation);
      plan.needs.macs += preparation.macs();
    }
  }
  plan.operators = plan.operators.first(steps);
  network.steps = network.steps.first(steps);
  network.links = network.links.first(steps);
  network.buffers = network.buffers.first(activations + steps);
  state.make<Step>(steps);
  for (const std::int32_t tensor : model.outputs()) {
    if (const TensorInfo info = model.tensor(tensor); info.is_variable) {
      return info.fail(Status::failure(Errc::unsupported_model, "a variable tensor"));
    }
    touch_end(tensor, static_cast<std::int32_t>(steps));
  }
  if (aim != Aim::observed) {
    detail::choose_unsigned(plan, model);
  }
  plan.needs.arena_bytes = plan_streams(network, aim);
  if (plan.needs.arena_bytes == unplannable) {
    return Status::failure(Errc::bad_shape, "the activations are larger than an address space");
  }
  plan.needs.lower_bound = memory_lower_bound(network.buffers);
  state.make<RowLink>(count_streamed(plan));
  state.make<std::span<std::byte>>(model.inputs().size());
  state.make<std::span<const std::byte>>(model.outputs().size());
  plan.needs.state_bytes = state.used();
  plan.needs.packed_weight_bytes = packed.used();
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    plan.needs.constant_bytes += model.tensor(i).constant.size();
  }
  return plan;
}

}  // namespace kinglet::inline KINGLET_TARGET
