// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/unit.hpp
/// A unit: the executor compiled for one target, behind dispatch/interface.hpp. Included by sources that
/// kinglet_add_dispatch writes, once a target.
#pragma once

#include <array>
#include <cstring>
#include <kinglet/dispatch/interface.hpp>
#include <kinglet/runtime/executor.hpp>

namespace kinglet::inline KINGLET_TARGET::dispatch {

/// An object of another unit as this unit's own.
template <class T>
T received(const void* from) noexcept {
  static_assert(std::is_trivially_copyable_v<T>, "kinglet: it crosses between units as bytes");
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  return std::bit_cast<T>(bytes);
}

template <class T>
void sent(const Result<T>& result, void* value, void* status) noexcept {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_copyable_v<Status>,
                "kinglet: it crosses between units as bytes");
  if (result) {
    std::memcpy(value, &*result, sizeof(T));
  }
  std::memcpy(status, &result.status(), sizeof(Status));
}

/// Ways to keep weights.
struct packed {
  static constexpr std::string_view name = "packed";
  using kernels = select::native;
};
struct in_place {
  static constexpr std::string_view name = "in-place";
  using kernels = select::in_place;
};

/// @tparam W packed or in_place
template <Profile P, class W>
struct ExecutorsOf {
  using Operators = AllOperators<P, typename W::kernels>;
  using Runs = Executor<P, typename W::kernels, Operators>;

  static void plan(abi::Subject subject, std::span<std::byte> workspace, void* memory_plan,
                   void* status) noexcept {
    sent(Runs::plan(received<Model>(subject.model), workspace, Aim{subject.aim}), memory_plan, status);
  }
  static void measure(abi::Subject subject, std::span<std::byte> workspace, void* needs,
                      void* status) noexcept {
    sent(Runs::measure(received<Model>(subject.model), Aim{subject.aim}, workspace), needs, status);
  }
  static void create(abi::Subject subject, const void* executor_memory, void* executor,
                     void* status) noexcept {
    const auto model = received<Model>(subject.model);
    const auto memory = received<ExecutorMemory>(executor_memory);
    sent(subject.memory_plan == nullptr
             ? Runs::create(model, memory, Aim{subject.aim})
             : Runs::create(model, received<MemoryPlan>(subject.memory_plan), memory),
         executor, status);
  }
  static std::size_t check(const void* model, abi::Reporter reporter) {
    return check_operators(received<Model>(model), Operators::table,
                           [reporter](const Status& status) { reporter.report(reporter.context, &status); });
  }
  static void run(void* executor) noexcept { received<Runs>(executor).run(); }
  static void run_observed(void* executor, abi::Observer observer) {
    received<Runs>(executor).run([observer](std::int32_t op, std::span<const std::byte> output) {
      observer.observe(observer.context, op, output);
    });
  }

  static constexpr abi::Executors entry{P::name, W::name, plan, measure, create, check, run, run_observed};
};

/// A row of kernels/select.hpp as text.
template <class Row>
inline constexpr abi::KernelName kernel_names[] = {
    {"add", Row::add::name},
    {"average_pool", Row::average_pool::name},
    {"conv2d", Row::conv2d::name},
    {"depthwise", Row::depthwise::name},
    {"dequantize", Row::dequantize::name},
    {"fully_connected", Row::fully_connected::name},
    {"max_pool", Row::max_pool::name},
    {"mean", Row::mean::name},
    {"pad", Row::pad::name},
    {"pointwise", Row::pointwise::name},
    {"quantize", Row::quantize::name},
    {"reshape", Row::reshape::name},
    {"softmax", Row::softmax::name},
};

template <class... List>
inline constexpr abi::Executors executors[] = {List::entry...};

/// @tparam List ExecutorsOf
template <class... List>
inline constexpr abi::Unit unit{isa::native::name, kernel_names<select::native>, executors<List...>};

}  // namespace kinglet::inline KINGLET_TARGET::dispatch
