// SPDX-License-Identifier: Apache-2.0
/// @file runtime/owning_executor.hpp
/// An executor that brings its own memory.
#pragma once

#include <kinglet/runtime/owning.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// The model's bytes must outlive it.
template <Profile P = profile::tflm, class Kernels = select::native,
          class Operators = AllOperators<P, Kernels>>
class OwningExecutor : public Owning<Executor<P, Kernels, Operators>> {
 public:
  using Runs = Executor<P, Kernels, Operators>;

  static Result<OwningExecutor> create(const Model& model, Aim aim = Aim::automatic) noexcept {
    auto made = Owning<Runs>::make(
        model, [&](std::span<std::byte> workspace) { return Runs::plan(model, workspace, aim); },
        [&](const MemoryPlan& plan, const ExecutorMemory& memory) {
          return Runs::create(model, plan, memory);
        });
    return made ? Result<OwningExecutor>(OwningExecutor(*std::move(made))) : made.status();
  }

 private:
  explicit OwningExecutor(Owning<Runs>&& made) noexcept : Owning<Runs>(std::move(made)) {}
};

}  // namespace kinglet::inline KINGLET_TARGET
