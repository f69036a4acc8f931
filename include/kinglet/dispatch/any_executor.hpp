// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/any_executor.hpp
/// An executor whose target and profile were chosen when the program ran. Same use as Executor (runtime/executor.hpp);
/// made by a Backend.
#pragma once

#include <kinglet/dispatch/interface.hpp>
#include <kinglet/runtime/executor.hpp>

namespace kinglet::inline KINGLET_TARGET {

class AnyExecutor {
 public:
  /// One inference.
  void run() noexcept { executors_->run(&executor_); }
  /// One inference; see Executor::run(observe).
  template <class Observer>
  void run(Observer observe) {
    executors_->run_observed(
        &executor_, {&observe, [](void* context, std::int32_t op, std::span<const std::byte> output) {
                       (*static_cast<Observer*>(context))(op, output);
                     }});
  }

  [[nodiscard]] std::string_view target() const noexcept { return unit_->target; }
  [[nodiscard]] std::string_view profile() const noexcept { return executors_->profile; }

  [[nodiscard]] const Model& model() const noexcept { return executor_.model(); }
  [[nodiscard]] std::size_t input_count() const noexcept { return executor_.input_count(); }
  [[nodiscard]] std::size_t output_count() const noexcept { return executor_.output_count(); }
  [[nodiscard]] TensorInfo input_info(std::size_t i) const noexcept { return executor_.input_info(i); }
  [[nodiscard]] TensorInfo output_info(std::size_t i) const noexcept { return executor_.output_info(i); }
  [[nodiscard]] std::span<std::byte> input_bytes(std::size_t i) noexcept { return executor_.input_bytes(i); }
  [[nodiscard]] std::span<const std::byte> output_bytes(std::size_t i) const noexcept {
    return executor_.output_bytes(i);
  }
  template <class T>
  [[nodiscard]] std::span<T> input(std::size_t i) noexcept {
    return executor_.template input<T>(i);
  }
  template <class T>
  [[nodiscard]] std::span<const T> output(std::size_t i) const noexcept {
    return executor_.template output<T>(i);
  }

 private:
  friend class Backend;
  struct NoOperators {
    static constexpr std::span<const OperatorEntry> table{};
  };
  /// Executors of all profiles and targets have the same members; this one is only looked at.
  using Members = Executor<profile::tflm, select::native, NoOperators>;

  AnyExecutor(const abi::Unit& unit, const abi::Executors& executors, const Members& executor) noexcept
      : unit_(&unit), executors_(&executors), executor_(executor) {}

  const abi::Unit* unit_;
  const abi::Executors* executors_;
  Members executor_;
};

}  // namespace kinglet::inline KINGLET_TARGET
