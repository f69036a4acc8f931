// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/interface.hpp
/// What units of one program that are compiled for different targets know of each other: plain data and addresses of
/// functions. The only names that all of them share, so there is no inline function here: one compiled for AVX-512
/// could take the place of another's.
///
/// Objects of the library cross as addresses: their types' names differ from unit to unit, their bytes do not, as all
/// units include the same headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kinglet::abi {

/// A cell of the table in kernels/select.hpp.
struct KernelName {
  std::string_view op;
  std::string_view kernel;
};

/// Called after an operator, with its output, or without (Executor::run).
struct Observer {
  void* context;
  void (*observe)(void* context, std::int32_t op, std::span<const std::byte> output);
};

/// Called with a Status.
struct Reporter {
  void* context;
  void (*report)(void* context, const void* status);
};

/// A Model, and what its memory is planned for (an Aim); to create an executor, a MemoryPlan may be there.
struct Subject {
  const void* model;
  std::uint8_t aim;
  const void* memory_plan = nullptr;
};

/// The executor in one profile and with one way to keep weights. A Model comes in, a Status and a result come out where
/// there is room for them; the result is written when the status is ok.
struct Executors {
  std::string_view profile;
  std::string_view weights;
  void (*plan)(Subject subject, std::span<std::byte> workspace, void* memory_plan,
               void* status) noexcept = nullptr;
  void (*measure)(Subject subject, std::span<std::byte> workspace, void* memory_needs,
                  void* status) noexcept = nullptr;
  void (*create)(Subject subject, const void* executor_memory, void* executor,
                 void* status) noexcept = nullptr;
  std::size_t (*check)(const void* model, Reporter reporter) = nullptr;
  void (*run)(void* executor) noexcept = nullptr;
  void (*run_observed)(void* executor, Observer observer) = nullptr;
};

/// All that one unit offers.
struct Unit {
  std::string_view target;
  std::span<const KernelName> kernels;
  std::span<const Executors> executors;
};

struct Entry {
  const Unit* unit;
  bool runnable;  ///< by this processor and system
};

/// The units of a program.
struct Registry {
  std::span<const Entry> entries;  ///< best first
  std::string_view compiled_in;    ///< their names, as words of a message
  std::string_view runnable;       ///< of those that run here
};

}  // namespace kinglet::abi

/// Defined by the library that kinglet_add_dispatch makes (cmake/dispatch.cmake).
extern "C" const kinglet::abi::Registry* kinglet_registry() noexcept;
