// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/owning_any_executor.hpp
/// An executor of a chosen target that brings its own memory: one allocation when it is made, none later.
#pragma once

#include <kinglet/dispatch/backend.hpp>
#include <kinglet/memory/heap.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Same use as AnyExecutor, which `operator->` gives. The model's bytes must outlive it.
class OwningAnyExecutor {
 public:
  static Result<OwningAnyExecutor> create(const Model& model, const Backend& backend,
                                          Aim aim = Aim::automatic) noexcept {
    const std::size_t work = workspace_bytes(model);
    const auto workspace = allocate_aligned(work);
    if (!workspace) {
      return out_of_memory(work);
    }
    const auto needs = backend.measure(model, aim, {workspace.get(), work});
    if (!needs) {
      return needs.status();
    }
    // The arena is a multiple of the alignment, so the storage behind it is aligned as well.
    auto memory = allocate_aligned(needs->total_bytes());
    if (!memory) {
      return out_of_memory(needs->total_bytes());
    }
    std::byte* const storage = memory.get() + needs->arena_bytes;
    const auto executor =
        backend.create(model, {{memory.get(), needs->arena_bytes}, {storage, needs->storage_bytes()}}, aim);
    if (!executor) {
      return executor.status();
    }
    return OwningAnyExecutor(std::move(memory), *executor, *needs);
  }

  AnyExecutor* operator->() noexcept { return &executor_; }
  const AnyExecutor* operator->() const noexcept { return &executor_; }
  AnyExecutor& operator*() noexcept { return executor_; }
  [[nodiscard]] const MemoryNeeds& needs() const noexcept { return needs_; }

 private:
  OwningAnyExecutor(AlignedBytes memory, const AnyExecutor& executor, const MemoryNeeds& needs) noexcept
      : memory_(std::move(memory)), executor_(executor), needs_(needs) {}

  static Status out_of_memory(std::size_t bytes) noexcept {
    return Status::failure(Errc::arena_too_small, "the heap has not this many bytes", 0,
                           static_cast<std::int64_t>(bytes));
  }

  AlignedBytes memory_;
  AnyExecutor executor_;
  MemoryNeeds needs_;
};

}  // namespace kinglet::inline KINGLET_TARGET
