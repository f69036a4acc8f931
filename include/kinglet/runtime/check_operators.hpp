// SPDX-License-Identifier: Apache-2.0
/// @file runtime/check_operators.hpp
/// Which operators of a model can run.
#pragma once

#include <kinglet/runtime/operator_table.hpp>

namespace kinglet::inline KINGLET_TARGET {

namespace detail {

/// Operator `index` of the model as row of the table; a failure names it when there is no row for it.
inline Result<const OperatorEntry*> lookup(std::span<const OperatorEntry> table,
                                           const OperatorInfo& info) noexcept {
  const OperatorEntry* const entry = find_operator(table, info.code);
  if (entry == nullptr) {
    return Status::failure(Errc::unsupported_operator).at_operator(info.index, info.name);
  }
  if (info.version > entry->max_version) {
    return Status::failure(Errc::unsupported_version, "version", info.version, entry->max_version)
        .at_operator(info.index, info.name);
  }
  return entry;
}

}  // namespace detail

/// Finds everything that keeps a model from running, not only the first thing: calls `report(const Status&)` for
/// each operator that is unknown, too new, or not able to run as it stands. @return how many there were.
template <class Report>
std::size_t check_operators(const Model& model, std::span<const OperatorEntry> table,
                            Report report) noexcept {
  std::size_t failures = 0;
  for (std::int32_t step = 0; step < model.operator_count(); ++step) {
    const OperatorInfo info = model.op(step);
    const auto entry = detail::lookup(table, info);
    Status status = entry.status();
    if (entry) {
      Arena packed;
      const TensorAddresses nowhere{};
      Preparation preparation(model, info, packed, nowhere);
      status = (*entry)->prepare(preparation);
    }
    if (!status.ok()) {
      ++failures;
      report(status);
    }
  }
  return failures;
}

}  // namespace kinglet::inline KINGLET_TARGET
