// SPDX-License-Identifier: Apache-2.0
/// @file run.hpp
/// The two ways to run a model: on a picture, and on raw tensors.
#pragma once

#include "commands.hpp"
#include "engine.hpp"

namespace cli {

/// Runs a loaded model with an observer for `--dump` where one is asked for. @return milliseconds of the run
double run_once(Engine& engine, const Observer& observe);

/// How to run: with `--dump`, every operator at once, whose output then is there to be written.
EngineChoice engine_for(const RunOptions& options);

void run_on_image(const RunOptions& options, const ModelFile& file);
void run_on_tensors(const RunOptions& options, const ModelFile& file);

/// The files that `--output` names, or a Failure when their number does not fit the model.
std::vector<OutputFile> open_outputs(const RunOptions& options, const kinglet::Model& model);
/// Appends the engine's outputs to them: one each, or all to a single file.
void write_outputs(Engine& engine, std::vector<OutputFile>& files, const kinglet::Model& model);

}  // namespace cli
