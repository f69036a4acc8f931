// SPDX-License-Identifier: Apache-2.0
/// @file runtime/model_steps.hpp
/// A model's plan, and what the planner is told of the model: its operators as steps, its activations and their uses, and
/// which of these lie as unsigned bytes.
#pragma once

#include <kinglet/isa/target.hpp>
#include <kinglet/kernels/unsigned_bytes.hpp>
#include <kinglet/runtime/folded_pad.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// How much memory a model needs, and of what kind.
struct MemoryNeeds {
  std::size_t arena_bytes = 0;  ///< activations and scratch, inputs and outputs included
  std::size_t state_bytes = 0;  ///< the executor's tables: steps, rows made of chains, inputs and outputs
  std::size_t packed_weight_bytes =
      0;  ///< constant once loaded: weights as kernels want them, multipliers, kernels' arguments
  std::size_t constant_bytes = 0;  ///< used in place from the file
  std::size_t lower_bound = 0;     ///< most activation bytes alive at one time: no plan is smaller
  std::uint64_t macs = 0;          ///< multiply-accumulates of one run

  /// What the executor keeps besides the arena.
  [[nodiscard]] constexpr std::size_t storage_bytes() const noexcept {
    return state_bytes + packed_weight_bytes;
  }
  [[nodiscard]] constexpr std::size_t total_bytes() const noexcept { return arena_bytes + storage_bytes(); }
};

/// Whether a step's kernel can keep activations as unsigned bytes, and what it needs if its input lies so.
struct UnsignedUse {
  bool keeps = false;
  ScratchBytes scratch{};
};

/// The checked and placed buffers of a model. All lies in the workspace. Steps are the operators that run: all but PADs
/// that are folded into convolutions (runtime/folded_pad.hpp). Buffers are first the activations, by rising tensor index
/// (`owner`), with a line each, then the scratch of step k at `activations + k`, with owner -1.
struct MemoryPlan {
  StreamNetwork network{};
  std::span<std::int32_t> operators{};     ///< of the model, one a step, rising
  std::span<UnsignedUse> unsigned_uses{};  ///< of each step
  std::span<bool>
      unsigned_bytes{};  ///< of each activation: int8, and lies as kernels/unsigned_bytes.hpp says
  std::size_t activations = 0;
  MemoryNeeds needs{};

  [[nodiscard]] std::span<BufferRequest> buffers() const noexcept { return network.buffers; }
  /// Steps [chain_first, chain_last] run row by row together.
  [[nodiscard]] const StepRequest& step(std::size_t i) const noexcept { return network.steps[i]; }
  /// What step i does for a PAD right before it that is no step. While planning, i may be the step that is looked at.
  [[nodiscard]] FoldedPad pad(const Model& model, std::size_t i) const noexcept {
    const bool runs = i > 0 && operators[i - 1] == operators[i] - 1;
    return runs ? FoldedPad{} : folded_pad_of(model, operators[i]);
  }
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

}  // namespace detail

/// Steps in chains.
inline std::size_t count_streamed(const MemoryPlan& plan) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(plan.network.steps, &StepRequest::streams));
}

namespace detail {

/// What planning works with, for as many steps as operators.
inline MemoryPlan make_plan(Arena& room, std::size_t activations, std::size_t operators) noexcept {
  const std::size_t buffers = activations + operators;
  const StreamNetwork network{{room.make<StepRequest>(operators), operators},
                              {room.make<LineRequest>(activations), activations},
                              {room.make<BufferRequest>(buffers), buffers},
                              {room.make<RowLink>(operators), operators},
                              isa::register_bytes,
                              isa::call_work};
  return {network,
          {room.make<std::int32_t>(operators), operators},
          {room.make<UnsignedUse>(operators), operators},
          {room.make<bool>(activations), activations},
          activations,
          {}};
}

/// Index of an activation among the buffers.
inline std::int32_t find_buffer(const StreamNetwork& network, std::int32_t tensor) noexcept {
  std::size_t low = 0;
  for (std::size_t high = network.lines.size(); low < high;) {
    const std::size_t middle = (low + high) / 2;
    if (network.buffers[middle].owner < tensor) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return tensor >= 0 && low < network.lines.size() && network.buffers[low].owner == tensor
             ? static_cast<std::int32_t>(low)
             : no_buffer;
}

/// Sets every activation's `readers` to how often operators and the graph's ends read and write it.
inline void count_uses(const StreamNetwork& network, const Model& model) noexcept {
  const auto count = [&](std::span<const std::int32_t> tensors) {
    for (const std::int32_t tensor : tensors) {
      if (const std::int32_t buffer = find_buffer(network, tensor); buffer != no_buffer) {
        ++network.lines[static_cast<std::size_t>(buffer)].readers;
      }
    }
  };
  count(model.inputs());
  count(model.outputs());
  for (std::int32_t op = 0; op < model.operator_count(); ++op) {
    count(model.op(op).inputs);
    count(model.op(op).outputs);
  }
}

/// Operator `op` is a PAD that only the convolution right behind it reads.
inline bool is_folded_pad(const StreamNetwork& network, const Model& model, std::int32_t op) noexcept {
  if (model.op(op).code != BuiltinOperator::pad || op + 1 == model.operator_count() ||
      !folded_pad_of(model, op + 1).exists()) {
    return false;
  }
  const auto padded = static_cast<std::size_t>(find_buffer(network, model.op(op).outputs[0]));
  return network.lines[padded].readers == 2;
}

/// Takes down what the operator that is step `index` reads, writes and asks for.
inline void describe_step(const StreamNetwork& network, const Model& model, std::size_t index,
                          const Preparation& preparation) noexcept {
  const OperatorInfo& info = preparation.info();
  const auto position = static_cast<std::int32_t>(index);
  StepRequest& step = network.steps[index];
  const stream::RowUse& use = preparation.rows();
  step.mode = use.mode;
  step.window = use.window;
  step.input_rows = use.input_rows;
  step.rows = use.rows;
  step.takes_ring = use.takes_ring;
  step.whole_scratch = preparation.scratch_bytes().whole;
  for (std::size_t width = 0; width < row_widths; ++width) {
    step.batches[width] = {stream::widened(use, width).batch, preparation.scratch_bytes().rows[width]};
  }
  step.follow_step = preparation.follow_step();
  step.scratch = static_cast<std::int32_t>(network.lines.size() + index);
  std::size_t inputs = 0;
  for (std::size_t k = 0; k < info.inputs.size(); ++k) {
    const std::int32_t tensor = preparation.has_input(k) ? preparation.source(k).index : -1;
    const std::int32_t buffer = find_buffer(network, tensor);
    if (buffer == no_buffer) {
      continue;  // absent or constant
    }
    use_buffer(network.buffers[static_cast<std::size_t>(buffer)], model.tensor(tensor).bytes(), position);
    if (inputs < 2) {
      step.inputs[inputs] = buffer;
      step.overwrites |= k < 32 && ((preparation.overwrites() >> k) & 1U) != 0 ? 1U << inputs : 0U;
    } else {
      step.mode = RowMode::none;
    }
    ++inputs;
  }
  for (const std::int32_t tensor : info.outputs) {
    const std::int32_t buffer = find_buffer(network, tensor);
    if (buffer == no_buffer) {
      continue;
    }
    const TensorInfo output = model.tensor(tensor);
    BufferRequest& request = network.buffers[static_cast<std::size_t>(buffer)];
    LineRequest& line = network.lines[static_cast<std::size_t>(buffer)];
    // Streaming follows rows from their one maker to readers behind it.
    line.made = request.bytes == 0 ? position : LineRequest::ambiguous;
    use_buffer(request, output.bytes(), position);
    if (is_image(output)) {
      line.rows = output.shape[1];
      line.row_bytes = output.bytes() / static_cast<std::size_t>(line.rows);
    }
    step.output = buffer;
    step.work = preparation.macs() + output.elements() * StepRequest::element_work;
  }
  BufferRequest& scratch = network.buffers[static_cast<std::size_t>(step.scratch)];
  scratch.bytes = step.whole_scratch;
  scratch.lifetime = {position, position};
}

/// Decides which activations lie as unsigned bytes: those that one step makes and others read, all of which can have them
/// so.
inline void choose_unsigned(MemoryPlan& plan, const Model& model) noexcept {
  const StreamNetwork& network = plan.network;
  for (std::size_t i = 0; i < plan.activations; ++i) {
    plan.unsigned_bytes[i] = network.lines[i].made >= 0;
  }
  const auto keep_signed = [&](std::int32_t buffer) {
    if (buffer != no_buffer) {
      plan.unsigned_bytes[static_cast<std::size_t>(buffer)] = false;
    }
  };
  const auto keep_all_signed = [&](std::span<const std::int32_t> tensors) {
    for (const std::int32_t tensor : tensors) {
      keep_signed(find_buffer(network, tensor));
    }
  };
  keep_all_signed(model.outputs());
  for (std::size_t i = 0; i < network.steps.size(); ++i) {
    const OperatorInfo info = model.op(plan.operators[i]);
    if (plan.unsigned_uses[i].keeps) {  // input 0 and output 0
      keep_all_signed(info.inputs.subspan(1));
      keep_all_signed(info.outputs.subspan(1));
    } else {
      keep_all_signed(info.inputs);
      keep_all_signed(info.outputs);
      keep_signed(network.steps[i].inputs[0]);  // what a folded PAD would have read, too
    }
  }
  for (std::size_t i = 0; i < network.steps.size(); ++i) {
    StepRequest& step = network.steps[i];
    const std::int32_t input = step.inputs[0];
    if (plan.unsigned_uses[i].keeps && input != no_buffer &&
        plan.unsigned_bytes[static_cast<std::size_t>(input)]) {
      step.whole_scratch = plan.unsigned_uses[i].scratch.whole;
      for (std::size_t width = 0; width < row_widths; ++width) {
        step.batches[width].scratch = plan.unsigned_uses[i].scratch.rows[width];
      }
      network.buffers[static_cast<std::size_t>(step.scratch)].bytes = step.whole_scratch;
    }
  }
}

}  // namespace detail

}  // namespace kinglet::inline KINGLET_TARGET
