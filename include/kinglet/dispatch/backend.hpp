// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/backend.hpp
/// The choice of a target when the program runs. Needs a library made by kinglet_add_dispatch (cmake/dispatch.cmake).
///
/// 1. `Backend::choose()` takes the best target that is compiled in and that the machine can run; or the one in the
///    request; or else the one that the environment variable KINGLET_TARGET names.
/// 2. `Model::open(bytes)` as always.
/// 3. `backend->create(*model, {arena, storage})`, sized by `backend->measure(*model)`; or, with a heap,
///    `OwningAnyExecutor::create(*model, *backend)` (dispatch/owning_any_executor.hpp).
#pragma once

#include <array>
#include <cstdlib>
#include <kinglet/dispatch/any_executor.hpp>

namespace kinglet::inline KINGLET_TARGET {

struct BackendRequest {
  std::string_view target{};  ///< a name of isa/target.hpp; empty: KINGLET_TARGET, or the best
  std::string_view profile = profile::tflm::name;
  std::string_view weights = "packed";  ///< or "in-place": used as they lie in the file, without a copy
};

/// One target's executors in one profile.
class Backend {
 public:
  static Result<Backend> choose(const BackendRequest& request = {}) noexcept {
    return choose(request, *kinglet_registry());
  }
  /// @param registry instead of the program's own
  static Result<Backend> choose(const BackendRequest& request, const abi::Registry& registry) noexcept {
    const auto entry = find(request.target.empty() ? target_in_environment() : request.target, registry);
    if (!entry) {
      return entry.status();
    }
    const abi::Unit& unit = *(*entry)->unit;
    bool has_profile = false;
    for (const abi::Executors& executors : unit.executors) {
      if (executors.profile == request.profile) {
        has_profile = true;
        if (executors.weights == request.weights) {
          return Backend(unit, executors);
        }
      }
    }
    return has_profile ? Status::failure(Errc::unknown_weights).asking_for(request.weights)
                       : Status::failure(Errc::unknown_profile).asking_for(request.profile);
  }

  /// What KINGLET_TARGET says; empty when it is not set, or to nothing.
  static std::string_view target_in_environment() noexcept {
    const char* const value = std::getenv("KINGLET_TARGET");
    return value == nullptr ? std::string_view{} : std::string_view(value);
  }

  [[nodiscard]] std::string_view target() const noexcept { return unit_->target; }
  [[nodiscard]] std::string_view profile() const noexcept { return executors_->profile; }
  [[nodiscard]] std::string_view weights() const noexcept { return executors_->weights; }
  /// Which kernel every operator takes where weights are packed.
  [[nodiscard]] std::span<const abi::KernelName> kernels() const noexcept { return unit_->kernels; }

  /// See Executor::measure.
  [[nodiscard]] Result<MemoryNeeds> measure(const Model& model, Aim aim = Aim::automatic,
                                            std::span<std::byte> workspace = {}) const noexcept {
    MemoryNeeds needs;
    Status status;
    executors_->measure(subject(model, aim), workspace, &needs, &status);
    return status.ok() ? Result<MemoryNeeds>(needs) : status;
  }

  /// See Executor::plan.
  [[nodiscard]] Result<MemoryPlan> plan(const Model& model, std::span<std::byte> workspace,
                                        Aim aim = Aim::automatic) const noexcept {
    MemoryPlan plan;
    Status status;
    executors_->plan(subject(model, aim), workspace, &plan, &status);
    return status.ok() ? Result<MemoryPlan>(plan) : status;
  }

  /// See check_operators.
  template <class Report>
  std::size_t check(const Model& model, Report report) const {
    return executors_->check(&model, {&report, [](void* context, const void* status) {
                                        (*static_cast<Report*>(context))(*static_cast<const Status*>(status));
                                      }});
  }

  /// See Executor::create.
  [[nodiscard]] Result<AnyExecutor> create(const Model& model, const ExecutorMemory& memory,
                                           Aim aim = Aim::automatic) const noexcept {
    return create(subject(model, aim), memory);
  }
  /// The same by a plan that is there. @param made for this model, by this backend's `plan`
  [[nodiscard]] Result<AnyExecutor> create(const Model& model, const MemoryPlan& made,
                                           const ExecutorMemory& memory) const noexcept {
    abi::Subject planned = subject(model, Aim::automatic);  // an aim is not asked for: the plan has been made
    planned.memory_plan = &made;
    return create(planned, memory);
  }

 private:
  Backend(const abi::Unit& unit, const abi::Executors& executors) noexcept
      : unit_(&unit), executors_(&executors) {}

  [[nodiscard]] Result<AnyExecutor> create(const abi::Subject& subject,
                                           const ExecutorMemory& memory) const noexcept {
    static_assert(std::is_trivially_copyable_v<AnyExecutor::Members>);
    alignas(AnyExecutor::Members) std::array<std::byte, sizeof(AnyExecutor::Members)> executor{};
    Status status;
    executors_->create(subject, &memory, executor.data(), &status);
    return status.ok() ? Result<AnyExecutor>(
                             AnyExecutor(*unit_, *executors_, std::bit_cast<AnyExecutor::Members>(executor)))
                       : status;
  }

  static abi::Subject subject(const Model& model, Aim aim) noexcept {
    return {&model, static_cast<std::uint8_t>(aim)};
  }
  static bool is_target(std::string_view name) noexcept {
    for (const isa::TargetInfo& target : isa::targets) {
      if (target.name == name) {
        return true;
      }
    }
    return false;
  }
  static Result<const abi::Entry*> find(std::string_view asked, const abi::Registry& registry) noexcept {
    for (const abi::Entry& entry : registry.entries) {
      if (asked.empty() ? entry.runnable : entry.unit->target == asked) {
        return entry.runnable
                   ? Result<const abi::Entry*>(&entry)
                   : Status::failure(Errc::target_not_runnable, registry.runnable).asking_for(asked);
      }
    }
    if (asked.empty()) {
      return Status::failure(Errc::no_target, registry.compiled_in);
    }
    return Status::failure(is_target(asked) ? Errc::target_not_compiled_in : Errc::unknown_target,
                           registry.compiled_in)
        .asking_for(asked);
  }

  const abi::Unit* unit_;
  const abi::Executors* executors_;
};

}  // namespace kinglet::inline KINGLET_TARGET
