// SPDX-License-Identifier: Apache-2.0
/// @file run_tensors.cpp
/// `kinglet run --input`: N samples in, N samples out.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

#include "dump.hpp"
#include "failure.hpp"
#include "run.hpp"
#include "text.hpp"

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace cli {
namespace {

/// On stderr, and only when that is a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::size_t total) : total_(total) {
#if __has_include(<unistd.h>)
    shown_ = total > 1 && isatty(STDERR_FILENO) == 1;
#endif
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (shown_) {
      std::fputs("\r\x1b[K", stderr);
    }
  }
  void update(std::size_t done) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) {
      return;
    }
    last_ = now;
    constexpr std::size_t width = 40;
    const std::size_t filled = width * done / total_;
    std::fprintf(stderr, "\r[%s%s] %zu of %zu", std::string(filled, '#').c_str(),
                 std::string(width - filled, ' ').c_str(), done, total_);
    std::fflush(stderr);
  }

 private:
  std::size_t total_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

/// Samples of one file: of one of the model's inputs, or of all of them back to back.
struct Source {
  std::vector<std::byte> bytes;
  std::size_t sample_bytes;
  [[nodiscard]] std::size_t samples() const noexcept { return bytes.size() / sample_bytes; }
};

std::size_t input_bytes(const kinglet::Model& model, std::size_t i) {
  return model.tensor(model.inputs()[i]).bytes();
}

std::vector<Source> read_sources(const RunOptions& options, const kinglet::Model& model) {
  const std::size_t inputs = model.inputs().size();
  const std::size_t count = options.inputs.size();
  if (count > inputs || (count > 1 && count != inputs)) {
    throw Failure("the model has " + std::to_string(inputs) + (inputs == 1 ? " input" : " inputs") +
                  ", but " + std::to_string(count) +
                  (count == 1 ? " --input file is" : " --input files are") + " given");
  }
  std::vector<Source> sources;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t sample = 0;
    for (std::size_t k = 0; k < inputs; ++k) {
      sample += count == 1 || k == i ? input_bytes(model, k) : 0;
    }
    if (sample == 0) {
      throw Failure("the model's input has elements of no fixed size");
    }
    const std::string& path = options.inputs[i];
    sources.push_back({read_file(path, static_cast<std::size_t>(-1) / 4), sample});
    const Source& source = sources.back();
    if (source.bytes.empty() || source.bytes.size() % sample != 0) {
      throw Failure("'" + path + "' has " + std::to_string(source.bytes.size()) +
                    " bytes, which is no multiple of the model's input, " + std::to_string(sample) +
                    " bytes");
    }
    if (source.samples() != sources.front().samples()) {
      throw Failure("'" + options.inputs.front() + "' has " + std::to_string(sources.front().samples()) +
                    " samples, but '" + path + "' has " + std::to_string(source.samples()));
    }
  }
  return sources;
}

void write_inputs(Engine& engine, const std::vector<Source>& sources, const kinglet::Model& model,
                  std::size_t sample) {
  std::size_t offset = 0;  // inside a source that holds all inputs
  for (std::size_t i = 0; i < model.inputs().size(); ++i) {
    const Source& source = sources[sources.size() == 1 ? 0 : i];
    const std::span<std::byte> input = engine->input_bytes(i);
    std::memcpy(input.data(), source.bytes.data() + sample * source.sample_bytes + offset, input.size());
    offset += sources.size() == 1 ? input.size() : 0;
  }
}

}  // namespace

void run_on_tensors(const RunOptions& options, const ModelFile& file) {
  const kinglet::Model& model = file.model();
  Engine engine = make_engine(file, engine_for(options));
  const std::vector<Source> sources = read_sources(options, model);
  std::vector<OutputFile> outputs = open_outputs(options, model);
  std::optional<Dump> dump;
  Observer observe;
  if (!options.dump.empty()) {
    dump.emplace(options.dump, model);
    observe = [&](std::int32_t op, std::span<const std::byte> output) { dump->write(op, output); };
  }
  const std::size_t samples = sources.front().samples();
  double total_ms = 0;
  {
    ProgressBar progress(samples);
    for (std::size_t sample = 0; sample < samples; ++sample) {
      write_inputs(engine, sources, model, sample);
      total_ms += run_once(engine, observe);
      write_outputs(engine, outputs, model);
      progress.update(sample + 1);
    }
  }
  for (OutputFile& output : outputs) {
    output.commit();
  }
  if (dump) {
    dump->commit();
  }
  print((file.is_generated() ? "model: " + file.name() + "; its outputs mean nothing\n" : "") +
        format("%zu %s, %.3f ms each, arena %zu bytes\n", samples, samples == 1 ? "sample" : "samples",
               total_ms / static_cast<double>(samples), engine.needs().arena_bytes));
}

}  // namespace cli
