// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/owning_any_executor.hpp
/// An executor of a chosen target that brings its own memory.
#pragma once

#include <kinglet/dispatch/backend.hpp>
#include <kinglet/runtime/owning.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// The model's bytes must outlive it.
class OwningAnyExecutor : public Owning<AnyExecutor> {
 public:
  static Result<OwningAnyExecutor> create(const Model& model, const Backend& backend,
                                          Aim aim = Aim::automatic) noexcept {
    auto made = make(
        model, [&](std::span<std::byte> workspace) { return backend.plan(model, workspace, aim); },
        [&](const MemoryPlan& plan, const ExecutorMemory& memory) {
          return backend.create(model, plan, memory);
        });
    return made ? Result<OwningAnyExecutor>(OwningAnyExecutor(*std::move(made))) : made.status();
  }

 private:
  explicit OwningAnyExecutor(Owning&& made) noexcept : Owning(std::move(made)) {}
};

}  // namespace kinglet::inline KINGLET_TARGET
