// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/damage.hpp
/// Damaged files through the whole library: refused, or run to an answer. Shared by the test and the fuzzer.
#pragma once

#include <array>
#include <kinglet/core/message.hpp>

#include "operators.hpp"

namespace test {

/// How far a file got.
enum class Fate { refused, too_much_work, ran };

/// About how many element operations one run takes; convolutions count themselves, pools do not.
inline std::uint64_t work_of(const kinglet::Model& model, const kinglet::MemoryNeeds& needs) {
  std::uint64_t work = needs.macs;
  for (std::int32_t i = 0; i < model.operator_count(); ++i) {
    const kinglet::OperatorInfo op = model.op(i);
    const std::uint64_t elements =
        model.tensor(op.outputs[0]).elements() + model.tensor(op.inputs[0]).elements();
    std::uint64_t each = 1;
    if (op.code == kinglet::BuiltinOperator::average_pool_2d ||
        op.code == kinglet::BuiltinOperator::max_pool_2d) {
      const auto options = op.pool2d_options();
      const auto shape = model.tensor(op.inputs[0]).shape;
      each = static_cast<std::uint64_t>(std::min(options->filter_h, shape[1])) *
             static_cast<std::uint64_t>(std::min(options->filter_w, shape[2]));
    }
    work += elements * each;
  }
  return work;
}

/// Opens, checks, plans, prepares and runs. What would take more than `most_work` operations or `most_bytes` of
/// memory is not run: damage can ask for hours, and an allocation of 1 TB is no error of the library.
template <class P>
Fate try_file(std::span<const std::byte> bytes, std::uint64_t most_work, std::size_t most_bytes,
              kinglet::Aim aim = kinglet::Aim::small) {
  using Executor = Executor<P>;
  const auto model = kinglet::Model::open(bytes);
  std::array<char, kinglet::message_capacity> text{};
  if (!model) {
    static_cast<void>(kinglet::message(model.status(), text));
    return Fate::refused;
  }
  const std::size_t failures = kinglet::check_operators(
      *model, Operators<P>::table,
      [&](const kinglet::Status& status) { static_cast<void>(kinglet::message(status, text)); });
  const auto workspace = kinglet::allocate_aligned(kinglet::workspace_bytes(*model));
  const auto needs = Executor::measure(*model, aim, {workspace.get(), kinglet::workspace_bytes(*model)});
  if (!needs) {
    static_cast<void>(kinglet::message(needs.status(), text));
    return Fate::refused;
  }
  if (failures != 0) {
    std::abort();  // check_operators and the plan disagree
  }
  if (needs->total_bytes() > most_bytes || work_of(*model, *needs) > most_work) {
    return Fate::too_much_work;
  }
  auto executor = OwningExecutor<P>::create(*model, aim);
  if (!executor) {
    std::abort();  // what can be measured can be made
  }
  for (std::size_t i = 0; i < (*executor)->input_count(); ++i) {
    std::uint8_t value = 1;
    for (std::byte& b : (*executor)->input_bytes(i)) {
      b = static_cast<std::byte>(value = static_cast<std::uint8_t>(value * 5 + 3));
    }
  }
  (*executor)->run();
  unsigned sum = 0;  // reads every byte of every answer
  for (std::size_t i = 0; i < (*executor)->output_count(); ++i) {
    for (const std::byte b : (*executor)->output_bytes(i)) {
      sum += static_cast<unsigned>(b);
    }
  }
  return sum == 0xffffffffU ? Fate::refused : Fate::ran;
}

}  // namespace test
