// SPDX-License-Identifier: Apache-2.0
/// @file engine.hpp
/// An executor whose target, profile and kind of weights are chosen when the command runs.
#pragma once

#include <functional>
#include <kinglet/dispatch/owning_any_executor.hpp>
#include <string>

#include "commands.hpp"
#include "model_file.hpp"

namespace cli {

/// Called after every operator with its index and its output's bytes.
using Observer = std::function<void(std::int32_t, std::span<const std::byte>)>;

using Engine = kinglet::OwningAnyExecutor;

/// A BadUsage when something of that name is not there, a Failure when it cannot run here.
kinglet::Backend choose_backend(const EngineChoice& choice);

kinglet::Aim aim_of(const EngineChoice& choice);

/// Ready to run, or a Failure that names the first operator that cannot run and counts the others.
Engine make_engine(const ModelFile& file, const EngineChoice& choice);

}  // namespace cli
