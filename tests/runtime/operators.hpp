// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/operators.hpp
/// Executors whose operators are compiled once a profile, in operators.cpp, instead of in every file of tests.
#pragma once

#include <kinglet/runtime/owning_executor.hpp>

namespace test {

/// What AllOperators<P, select::native> is.
template <class P>
struct Operators {
  static const std::span<const kinglet::OperatorEntry> table;
};
template <>
const std::span<const kinglet::OperatorEntry> Operators<kinglet::profile::tflm>::table;
template <>
const std::span<const kinglet::OperatorEntry> Operators<kinglet::profile::tflite>::table;
template <>
const std::span<const kinglet::OperatorEntry> Operators<kinglet::profile::single>::table;

template <class P = kinglet::profile::tflm>
using Executor = kinglet::Executor<P, kinglet::select::native, Operators<P>>;
template <class P = kinglet::profile::tflm>
using OwningExecutor = kinglet::OwningExecutor<P, kinglet::select::native, Operators<P>>;

}  // namespace test

namespace kinglet::inline KINGLET_TARGET {

extern template Result<std::size_t> arena_bytes<profile::tflm>(const Model&, Aim,
                                                               std::span<std::byte>) noexcept;
extern template Result<std::size_t> arena_bytes<profile::tflite>(const Model&, Aim,
                                                                 std::span<std::byte>) noexcept;
extern template Result<std::size_t> storage_bytes<profile::tflm>(const Model&, Aim,
                                                                 std::span<std::byte>) noexcept;

}  // namespace kinglet::inline KINGLET_TARGET
