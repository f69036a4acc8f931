// SPDX-License-Identifier: Apache-2.0
/// @file runtime/owning.hpp
/// An executor with its memory, for machines with a heap: one allocation when it is made, none later.
#pragma once

#include <kinglet/memory/heap.hpp>
#include <kinglet/runtime/executor.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Same use as the executor, which `operator->` gives.
/// @tparam Runs Executor, or AnyExecutor of dispatch/
template <class Runs>
class Owning {
 public:
  Runs* operator->() noexcept { return &executor_; }
  const Runs* operator->() const noexcept { return &executor_; }
  Runs& operator*() noexcept { return executor_; }
  [[nodiscard]] const MemoryNeeds& needs() const noexcept { return needs_; }

 protected:
  /// @param plan (workspace): Result<MemoryPlan>  @param create (const MemoryPlan&, const ExecutorMemory&): Result<Runs>
  template <class Plan, class Create>
  static Result<Owning> make(const Model& model, Plan plan, Create create) noexcept {
    const std::size_t work = workspace_bytes(model);
    const AlignedBytes workspace = allocate_aligned(work);
    if (!workspace) {
      return out_of_memory(work);
    }
    const Result<MemoryPlan> made = plan(std::span(workspace.get(), work));
    if (!made) {
      return made.status();
    }
    const MemoryNeeds& needs = made->needs;
    // The arena is a multiple of the alignment, so the storage behind it is aligned as well.
    AlignedBytes memory = allocate_aligned(needs.total_bytes());
    if (!memory) {
      return out_of_memory(needs.total_bytes());
    }
    std::byte* const storage = memory.get() + needs.arena_bytes;
    const Result<Runs> executor =
        create(*made, ExecutorMemory{{memory.get(), needs.arena_bytes}, {storage, needs.storage_bytes()}});
    if (!executor) {
      return executor.status();
    }
    return Owning(std::move(memory), *executor, needs);
  }

 private:
  Owning(AlignedBytes memory, const Runs& executor, const MemoryNeeds& needs) noexcept
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
