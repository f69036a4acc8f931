// SPDX-License-Identifier: Apache-2.0
/// @file runtime/memory_plan.hpp
/// From a model to a placed arena: check every operator, take lifetimes, share dead inputs, run the planner.
#pragma once

#include <kinglet/runtime/operator_table.hpp>
#include <utility>

namespace kinglet::inline KINGLET_TARGET {

/// How much memory a model needs, and of what kind.
struct MemoryNeeds {
  std::size_t arena_bytes = 0;          ///< activations and scratch, inputs and outputs included
  std::size_t state_bytes = 0;          ///< the executor's tables: steps and operator states
  std::size_t packed_weight_bytes = 0;  ///< per-channel multipliers, tables and copies of constants
  std::size_t constant_bytes = 0;       ///< used in place from the file
  std::size_t lower_bound = 0;          ///< most activation bytes alive at one time: no plan is smaller
  std::uint64_t macs = 0;               ///< multiply-accumulates of one run

  /// What the executor keeps besides the arena.
  [[nodiscard]] constexpr std::size_t storage_bytes() const noexcept {
    return state_bytes + packed_weight_bytes;
  }
  [[nodiscard]] constexpr std::size_t total_bytes() const noexcept { return arena_bytes + storage_bytes(); }
};

/// The checked and placed buffers of a model. `buffers` lies in the workspace: first the activations, by rising
/// tensor index (`owner`), then the scratch of operator k at `activations + k`, with that operator's tensor -1.
struct MemoryPlan {
  std::span<BufferRequest> buffers{};
  std::size_t activations = 0;
  MemoryNeeds needs{};
};

namespace detail {

/// Activations are what operators and the graph's ends touch; constants stay in the file.
inline bool is_activation(const TensorInfo& tensor) noexcept {
  return tensor.constant.empty();
}

inline std::size_t count_activations(const Model& model) noexcept {
  std::size_t count = 0;
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    count += is_activation(model.tensor(i)) ? 1 : 0;
  }
  return count;
}

/// Operator `index` of the model as row of the table; a failure names it when there is no row for it.
inline Result<const OperatorEntry*> lookup(std::span<const OperatorEntry> table,
                                           const OperatorInfo& info) noexcept {
  const OperatorEntry* const entry = find_operator(table, info.code);
  if (entry == nullptr) {
    return Status::failure(Errc::unsupported_operator).at_operator(info.index, info.name);
  }
  if (info.version > entry->max_version) {
    return Status::failure(Errc::unsupported_version, "version", info.version, entry->max_version)
        .at_operator(info.index, info.name);
  }
  return entry;
}

}  // namespace detail

/// Bytes of temporary memory `plan_model` wants, a multiple of `buffer_alignment`.
inline std::size_t workspace_bytes(const Model& model) noexcept {
  const std::size_t buffers =
      detail::count_activations(model) + static_cast<std::size_t>(model.operator_count());
  return align_up(buffers * sizeof(BufferRequest));
}

/// Most buffers that are planned: the planner's time is quadratic, a fraction of a second for this many, and no file may hang it.
inline constexpr std::size_t max_planned_buffers = 8'192;

/// Checks and plans. @param workspace at least `workspace_bytes(model)`, aligned to `buffer_alignment`; the result
/// points into it.
inline Result<MemoryPlan> plan_model(const Model& model, std::span<const OperatorEntry> table,
                                     std::span<std::byte> workspace) noexcept {
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
  BufferRequest* const requests = room.make<BufferRequest>(activations + operators);
  MemoryPlan plan{{requests, activations + operators}, activations, {}};

  std::size_t next = 0;
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    const TensorInfo tensor = model.tensor(i);
    if (detail::is_activation(tensor)) {
      requests[next++].owner = i;
    }
  }
  const auto index_of = [&](std::int32_t tensor) noexcept {
    std::size_t low = 0;
    for (std::size_t high = activations; low < high;) {
      const std::size_t middle = (low + high) / 2;
      if (requests[middle].owner < tensor) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < activations && requests[low].owner == tensor ? static_cast<std::int32_t>(low) : no_buffer;
  };
  const auto touch = [&](std::int32_t tensor, std::int32_t step) noexcept {
    const std::int32_t index = tensor < 0 ? no_buffer : index_of(tensor);
    if (index == no_buffer) {
      return;  // absent or constant
    }
    use_buffer(requests[index], model.tensor(tensor).bytes(), step);
  };

  // Lifetimes, and what operators ask for.
  Arena state;
  Arena packed;
  state.make<Step>(operators);
  for (const std::int32_t tensor : model.inputs()) {
    touch(tensor, before_first_step);
  }
  for (std::int32_t step = 0; step < model.operator_count(); ++step) {
    const OperatorInfo info = model.op(step);
    const auto entry = detail::lookup(table, info);
    if (!entry) {
      return entry.status();
    }
    const TensorAddresses nowhere{};
    Preparation preparation(model, info, state, packed, nowhere);
    if (const Status status = (*entry)->prepare(preparation); !status.ok()) {
      return status;
    }
    for (const std::int32_t tensor : info.inputs) {
      touch(tensor, step);
    }
    for (const std::int32_t tensor : info.outputs) {
      touch(tensor, step);
    }
    BufferRequest& scratch = requests[activations + static_cast<std::size_t>(step)];
    scratch.bytes = preparation.scratch_bytes();
    scratch.lifetime = {step, step};
    plan.needs.macs += preparation.macs();
    scratch.owner = static_cast<std::int32_t>(preparation.overwrites());  // until lifetimes are final, below
  }
  for (const std::int32_t tensor : model.outputs()) {
    if (const TensorInfo info = model.tensor(tensor); info.is_variable) {
      return info.fail(Status::failure(Errc::unsupported_model, "a variable tensor"));
    }
    touch(tensor, model.operator_count());
  }
  for (std::int32_t step = 0; step < model.operator_count(); ++step) {
    const OperatorInfo info = model.op(step);
    BufferRequest& scratch = requests[activations + static_cast<std::size_t>(step)];
    const auto overwrites = static_cast<std::uint32_t>(std::exchange(scratch.owner, -1));
    for (std::size_t k = 0; k < info.inputs.size() && k < 32; ++k) {
      const std::int32_t input = ((overwrites >> k) & 1U) != 0 ? index_of(info.inputs[k]) : no_buffer;
      if (input != no_buffer && share_if_dead(plan.buffers, input, index_of(info.outputs[0]), step)) {
        break;
      }
    }
  }

  plan.needs.arena_bytes = plan_memory(plan.buffers);
  if (plan.needs.arena_bytes == unplannable) {
    return Status::failure(Errc::bad_shape, "the activations are larger than an address space");
  }
  plan.needs.lower_bound = memory_lower_bound(plan.buffers);
  plan.needs.state_bytes = state.used();
  plan.needs.packed_weight_bytes = packed.used();
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    plan.needs.constant_bytes += model.tensor(i).constant.size();
  }
  return plan;
}

/// Finds everything that keeps a model from running, not only the first thing: calls `report(const Status&)` for
/// each operator that is unknown, too new, or not able to run as it stands. @return how many there were.
template <class Report>
std::size_t check_operators(const Model& model, std::span<const OperatorEntry> table,
                            Report report) noexcept {
  std::size_t failures = 0;
  for (std::int32_t step = 0; step < model.operator_count(); ++step) {
    const OperatorInfo info = model.op(step);
    const auto entry = detail::lookup(table, info);
    Status status = entry.status();
    if (entry) {
      Arena state;
      Arena packed;
      const TensorAddresses nowhere{};
      Preparation preparation(model, info, state, packed, nowhere);
      status = (*entry)->prepare(preparation);
    }
    if (!status.ok()) {
      ++failures;
      report(status);
    }
  }
  return failures;
}

}  // namespace kinglet::inline KINGLET_TARGET
