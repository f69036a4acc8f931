// SPDX-License-Identifier: Apache-2.0
/// @file runtime/owning_executor.hpp
/// An executor that brings its own memory, for machines with a heap: one allocation when it is made, none later.
#pragma once

#include <kinglet/memory/heap.hpp>
#include <kinglet/runtime/executor.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Same use as Executor, which `operator->` gives. The model's bytes must outlive it.
template <Profile P = profile::tflm, class Kernels = select::native,
          class Operators = AllOperators<P, Kernels>>
class OwningExecutor {
 public:
  using Runs = Executor<P, Kernels, Operators>;

  static Result<OwningExecutor> create(const Model& model, Aim aim = Aim::automatic) noexcept {
    const std::size_t work = workspace_bytes(model);
    const auto workspace = allocate_aligned(work);
    if (!workspace) {
      return out_of_memory(work);
    }
    const auto needs = Runs::measure(model, aim, {workspace.get(), work});
    if (!needs) {
      return needs.status();
    }
    // The arena is a multiple of the alignment, so the storage behind it is aligned as well.
    auto memory = allocate_aligned(needs->total_bytes());
    if (!memory) {
      return out_of_memory(needs->total_bytes());
    }
    std::byte* const storage = memory.get() + needs->arena_bytes;
    auto executor =
        Runs::create(model, {{memory.get(), needs->arena_bytes}, {storage, needs->storage_bytes()}}, aim);
    if (!executor) {
      return executor.status();
    }
    return OwningExecutor(std::move(memory), *executor, *needs);
  }

  Runs* operator->() noexcept { return &executor_; }
  const Runs* operator->() const noexcept { return &executor_; }
  Runs& operator*() noexcept { return executor_; }
  [[nodiscard]] const MemoryNeeds& needs() const noexcept { return needs_; }

 private:
  OwningExecutor(AlignedBytes memory, const Runs& executor, const MemoryNeeds& needs) noexcept
      : memory_(std::move(memory)), executor_(executor), needs_(needs) {}

  static Status out_of_memory(std::size_t bytes) noexcept {
    return Status::failure(Errc::arena_too_small, "the heap has not this many bytes", 0,
                           static_cast<std::int64_t>(bytes));
  }

  AlignedBytes memory_;
  Runs executor_;
  MemoryNeeds needs_;
};

}  // namespace kinglet::inline KINGLET_TARGET
