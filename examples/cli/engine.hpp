// SPDX-License-Identifier: Apache-2.0
/// @file engine.hpp
/// An executor behind an interface, so that the profile can be chosen when the command runs.
#pragma once

#include <functional>
#include <kinglet/runtime/executor.hpp>
#include <memory>
#include <string>

#include "commands.hpp"
#include "model_file.hpp"

namespace cli {

/// Called after every operator with its index and its output's bytes.
using Observer = std::function<void(std::int32_t, std::span<const std::byte>)>;

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::span<std::byte> input(std::size_t i) = 0;
  virtual std::span<const std::byte> output(std::size_t i) = 0;
  virtual void run() = 0;
  virtual void run(const Observer& observe) = 0;
  virtual const kinglet::MemoryNeeds& needs() const = 0;
};

/// Ready to run, or a Failure that names the first operator that cannot run and counts the others.
std::unique_ptr<Engine> make_engine(const ModelFile& file, const EngineChoice& choice);

std::span<const kinglet::OperatorEntry> operator_table(const EngineChoice& choice);

kinglet::Aim aim_of(const EngineChoice& choice);

}  // namespace cli
