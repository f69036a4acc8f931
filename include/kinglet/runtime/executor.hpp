// SPDX-License-Identifier: Apache-2.0
/// @file runtime/executor.hpp
/// Runs a model in memory that the caller brings. Nothing is allocated, ever.
///
/// 1. `Model::open(bytes)` verifies the file.
/// 2. `Executor<>::measure(model)` says how much memory it needs.
/// 3. `Executor<>::create(model, {arena, storage})` checks every operator, plans, prepares.
/// 4. Write `input<T>(0)`, call `run()`, read `output<T>(0)`; again and again. `run()` cannot fail.
/// The model's bytes, the arena and the storage must outlive the executor. Inputs must be written before every
/// run: their memory is used again once they have been read. Between runs the arena may serve other purposes.
#pragma once

#include <kinglet/kernels/select.hpp>
#include <kinglet/runtime/memory_plan.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Memory for an executor, aligned to `buffer_alignment`; an arena aligned to `isa::register_bytes` is faster.
struct ExecutorMemory {
  std::span<std::byte> arena;    ///< MemoryNeeds::arena_bytes
  std::span<std::byte> storage;  ///< MemoryNeeds::storage_bytes(): tables and packed constants
};

/// @tparam P whose bits to equal: profile::tflm, profile::tflite, profile::single.
/// @tparam Kernels a row of kernels/select.hpp.
/// @tparam Operators has `table`, the operators to link in.
template <Profile P = profile::tflm, class Kernels = select::native,
          class Operators = AllOperators<P, Kernels>>
class Executor {
 public:
  /// Checks the model and says what it needs.
  /// @param workspace temporary memory of at least `workspace_bytes(model)`; without one, 64 KiB of stack serve, enough
  /// for more than 100 operators: give one where the stack is small, or the model larger.
  static Result<MemoryNeeds> measure(const Model& model, Aim aim = Aim::automatic,
                                     std::span<std::byte> workspace = {}) noexcept {
    if (workspace.empty()) {
      alignas(buffer_alignment) std::byte stack[65536];
      return measure(model, aim, stack);
    }
    const auto made = plan(model, workspace, aim);
    if (!made) {
      return made.status();
    }
    MemoryNeeds needs = made->needs;
    // While loading, the planner works in the arena, which has no other use yet.
    needs.arena_bytes = std::max(needs.arena_bytes, workspace_bytes(model));
    return needs;
  }

  /// For those who make the executor right behind it: planning once, in memory of its own.
  /// @param workspace at least `workspace_bytes(model)`, aligned to `buffer_alignment`; the plan lies in it
  static Result<MemoryPlan> plan(const Model& model, std::span<std::byte> workspace,
                                 Aim aim = Aim::automatic) noexcept {
    return plan_model(model, Operators::table, workspace, aim);
  }

  /// Makes a model ready to run.
  static Result<Executor> create(const Model& model, const ExecutorMemory& memory,
                                 Aim aim = Aim::automatic) noexcept {
    if (const Status status = check_alignment(memory); !status.ok()) {
      return status;
    }
    if (const Status status = check_arena(memory, workspace_bytes(model)); !status.ok()) {
      return status;
    }
    const auto made = plan(model, memory.arena, aim);
    return made ? create(model, *made, memory) : made.status();
  }
  /// The same by a plan that is there, whose `needs` are all that it takes.
  /// @param made for this model, by `plan` of this very type of executor; as it was made, and its workspace too
  static Result<Executor> create(const Model& model, const MemoryPlan& made,
                                 const ExecutorMemory& memory) noexcept {
    if (const Status status = check_alignment(memory); !status.ok()) {
      return status;
    }
    if (const Status status = check_arena(memory, made.needs.arena_bytes); !status.ok()) {
      return status;
    }
    const std::size_t storage_needed = made.needs.storage_bytes();
    if (memory.storage.size() < storage_needed) {
      return Status::failure(Errc::storage_too_small, "bytes",
                             static_cast<std::int64_t>(memory.storage.size()),
                             static_cast<std::int64_t>(storage_needed));
    }
    Executor executor(model);
    executor.prepare(made, memory);
    return executor;
  }

  /// One inference.
  void run() noexcept {
    run([](std::int32_t, std::span<const std::byte>) {});
  }
  /// One inference; calls `observe(operator index, output bytes)` after every operator whose whole output is in the
  /// arena, before anything else may write over it. Plan for Aim::observed to see all: else there are none inside chains
  /// that run row by row, nor of PADs that are part of a convolution (runtime/folded_pad.hpp), and the bytes are empty
  /// where int8 outputs lie as unsigned ones (kernels/unsigned_bytes.hpp).
  template <class Observer>
  void run(Observer observe) {
    std::span<RowLink> links = links_;
    for (std::size_t i = 0; i < steps_.size();) {
      const std::size_t count = steps_[i].chain_length;
      if (count == 0) {
        steps_[i].run(steps_[i].state);
        show(observe, i++);
        continue;
      }
      const std::span<const Step> chain = steps_.subspan(i, count);
      stream::run_chain(
          links.first(count), [chain](std::size_t k) { return chain[k].line; },
          [chain](std::size_t k, const stream::RowSlice& slice) {
            chain[k].run_rows(chain[k].state, slice);
          });
      for (std::size_t k = 0; k < count; ++k, ++i) {
        if (links[k].whole_output) {
          show(observe, i);
        }
      }
      links = links.subspan(count);
    }
  }

  [[nodiscard]] const Model& model() const noexcept { return model_; }
  [[nodiscard]] std::size_t input_count() const noexcept { return inputs_.size(); }
  [[nodiscard]] std::size_t output_count() const noexcept { return outputs_.size(); }
  [[nodiscard]] TensorInfo input_info(std::size_t i) const noexcept {
    return model_.tensor(model_.inputs()[i]);
  }
  [[nodiscard]] TensorInfo output_info(std::size_t i) const noexcept {
    return model_.tensor(model_.outputs()[i]);
  }

  /// Bytes of input i; empty when there is no such input.
  [[nodiscard]] std::span<std::byte> input_bytes(std::size_t i) noexcept {
    return i < inputs_.size() ? inputs_[i] : std::span<std::byte>{};
  }
  /// Bytes of output i, valid until the next run; empty when there is no such output.
  [[nodiscard]] std::span<const std::byte> output_bytes(std::size_t i) const noexcept {
    return i < outputs_.size() ? outputs_[i] : std::span<const std::byte>{};
  }
  /// Input i as elements; empty when there is no such input or its type is not T.
  template <class T>
  [[nodiscard]] std::span<T> input(std::size_t i) noexcept {
    const auto bytes = input_bytes(i);
    return bytes.empty() || input_info(i).type != element_type_of<T>
               ? std::span<T>{}
               : std::span<T>(reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T));
  }
  /// Output i as elements; empty when there is no such output or its type is not T.
  template <class T>
  [[nodiscard]] std::span<const T> output(std::size_t i) const noexcept {
    const auto bytes = output_bytes(i);
    return bytes.empty() || output_info(i).type != element_type_of<T>
               ? std::span<const T>{}
               : std::span<const T>(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
  }

 private:
  explicit Executor(const Model& model) noexcept : model_(model) {}

  template <class Observer>
  void show(Observer& observe, std::size_t i) const {
    const std::int32_t op = steps_[i].op;
    const std::size_t bytes = steps_[i].makes_unsigned ? 0 : model_.tensor(model_.op(op).outputs[0]).bytes();
    observe(op, std::span<const std::byte>(steps_[i].line.memory, bytes));
  }

  static Status check_alignment(const ExecutorMemory& memory) noexcept {
    return is_aligned(memory.arena.data()) && is_aligned(memory.storage.data())
               ? Status{}
               : Status::failure(Errc::misaligned_memory, "arena and storage must be aligned to 16 bytes");
  }
  static Status check_arena(const ExecutorMemory& memory, std::size_t bytes) noexcept {
    return memory.arena.size() >= bytes ? Status{}
                                        : Status::failure(Errc::arena_too_small, "bytes",
                                                          static_cast<std::int64_t>(memory.arena.size()),
                                                          static_cast<std::int64_t>(bytes));
  }

  /// Second pass over the operators, with memory. The plan may lie in the arena, which operators only point into.
  void prepare(const MemoryPlan& plan, const ExecutorMemory& memory) noexcept {
    const std::size_t state_bytes = plan.needs.state_bytes;
    Arena state(memory.storage.first(state_bytes));
    Arena packed(memory.storage.subspan(state_bytes));
    const TensorAddresses addresses{memory.arena.data(), plan.buffers(), plan.activations,
                                    plan.unsigned_bytes};
    const auto bytes_of = [&](std::int32_t tensor) {
      const TensorInfo info = model_.tensor(tensor);
      return std::span<std::byte>(addresses.find(tensor), info.bytes());
    };
    const std::size_t steps = plan.network.steps.size();
    steps_ = {state.make<Step>(steps), steps};
    links_ = {state.make<RowLink>(count_streamed(plan)), count_streamed(plan)};
    std::size_t links = 0;
    for (std::size_t i = 0; i < steps; ++i) {
      const OperatorInfo info = model_.op(plan.operators[i]);
      Preparation preparation(model_, info, packed, addresses, plan.pad(model_, i));
      preparation.set_scratch_address(memory.arena.data() + plan.buffers()[plan.activations + i].offset);
      static_cast<void>(
          find_operator(Operators::table, info.code)->prepare(preparation));  // checked by the plan
      steps_[i] = preparation.step();
      steps_[i].op = info.index;
      const StepRequest& request = plan.step(i);
      if (request.streams()) {
        links_[links++] = plan.network.links[i];
      }
      steps_[i].line = {addresses.find(info.outputs[0]),
                        request.output == no_buffer
                            ? 0
                            : plan.network.lines[static_cast<std::size_t>(request.output)].row_bytes};
      steps_[i].chain_length = request.chain_first == static_cast<std::int32_t>(i)
                                   ? static_cast<std::uint16_t>(request.chain_last - request.chain_first + 1)
                                   : 0;
      steps_[i].makes_unsigned = addresses.is_unsigned(info.outputs[0]);
    }
    inputs_ = {state.make<std::span<std::byte>>(model_.inputs().size()), model_.inputs().size()};
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i] = bytes_of(model_.inputs()[i]);
    }
    outputs_ = {state.make<std::span<const std::byte>>(model_.outputs().size()), model_.outputs().size()};
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const TensorInfo info = model_.tensor(model_.outputs()[i]);
      outputs_[i] = info.constant.empty() ? bytes_of(info.index) : info.constant;
    }
  }

  Model model_;
  std::span<Step> steps_{};
  std::span<RowLink> links_{};  ///< of operators in chains
  std::span<std::span<std::byte>> inputs_{};
  std::span<std::span<const std::byte>> outputs_{};
};

/// Arena bytes of a model in profile P: what `Executor<P>::create` wants as `arena`.
template <Profile P = profile::tflm>
Result<std::size_t> arena_bytes(const Model& model, Aim aim = Aim::automatic,
                                std::span<std::byte> workspace = {}) noexcept {
  const auto needs = Executor<P>::measure(model, aim, workspace);
  return needs ? Result<std::size_t>(needs->arena_bytes) : Result<std::size_t>(needs.status());
}

/// Storage bytes of a model in profile P: what `Executor<P>::create` wants as `storage`.
template <Profile P = profile::tflm>
Result<std::size_t> storage_bytes(const Model& model, Aim aim = Aim::automatic,
                                  std::span<std::byte> workspace = {}) noexcept {
  const auto needs = Executor<P>::measure(model, aim, workspace);
  return needs ? Result<std::size_t>(needs->storage_bytes()) : Result<std::size_t>(needs.status());
}

}  // namespace kinglet::inline KINGLET_TARGET
