// SPDX-License-Identifier: Apache-2.0
/// @file run.cpp
/// `kinglet run`
#include "run.hpp"

#include <chrono>
#include <set>

#include "failure.hpp"

namespace cli {

double run_once(Engine& engine, const Observer& observe) {
  const auto start = std::chrono::steady_clock::now();
  if (observe) {
    engine->run(std::cref(observe));
  } else {
    engine->run();
  }
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

EngineChoice engine_for(const RunOptions& options) {
  EngineChoice choice = options.engine;
  choice.observed = !options.dump.empty();
  return choice;
}

std::vector<OutputFile> open_outputs(const RunOptions& options, const kinglet::Model& model) {
  const std::size_t count = options.outputs.size();
  const std::size_t expected = model.outputs().size();
  if (count > 1 && count != expected) {
    throw Failure("the model has " + std::to_string(expected) + (expected == 1 ? " output" : " outputs") +
                  ", but " + std::to_string(count) +
                  " --output files are given: give one for all, or one for each");
  }
  if (std::set(options.outputs.begin(), options.outputs.end()).size() != count) {
    throw BadUsage("two --output options name the same file");
  }
  std::vector<OutputFile> files;
  for (const std::string& path : options.outputs) {
    files.emplace_back(path);
  }
  return files;
}

void write_outputs(Engine& engine, std::vector<OutputFile>& files, const kinglet::Model& model) {
  for (std::size_t i = 0; !files.empty() && i < model.outputs().size(); ++i) {
    files[files.size() == 1 ? 0 : i].write(engine->output_bytes(i));
  }
}

int run(const RunOptions& options) {
  if (!options.inputs.empty()) {
    if (options.outputs.empty() && options.dump.empty()) {
      throw BadUsage("--input needs --output FILE or --dump DIR");
    }
    if (!options.labels.empty() || !options.mean.empty()) {
      throw BadUsage("--labels, --mean and --std are for pictures, not for --input");
    }
  } else if (options.image.empty() && !options.model.empty()) {
    throw BadUsage("give --image FILE to classify a picture, or --input FILE --output FILE for raw tensors");
  }
  const ModelFile file = ModelFile::read_or_generate(options.model);
  options.inputs.empty() ? run_on_image(options, file) : run_on_tensors(options, file);
  return 0;
}

}  // namespace cli
