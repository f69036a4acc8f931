// SPDX-License-Identifier: Apache-2.0
/// @file bench.cpp
/// `kinglet bench`
#include <algorithm>
#include <chrono>
#include <cstring>

#include "commands.hpp"
#include "engine.hpp"
#include "failure.hpp"
#include "json.hpp"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Bytes from xorshift32, or floats in [-1, 1): arbitrary bytes would be floats that are no numbers.
std::vector<std::byte> random_input(const kinglet::TensorInfo& tensor) {
  std::vector<std::byte> bytes(tensor.bytes());
  std::uint32_t state = 12345;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
  };
  if (tensor.type == kinglet::ElementType::float32) {
    for (std::size_t i = 0; i < tensor.elements(); ++i) {
      const float value = static_cast<float>(next() >> 8) / float{1 << 23} - 1.0F;
      std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
  } else {
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(next() >> 24);
    }
  }
  return bytes;
}

/// Times of all runs, sorted. Inputs are written before each one, as their memory is used again.
std::vector<double> measure(Engine& engine, const kinglet::Model& model, int runs) {
  std::vector<std::vector<std::byte>> inputs;
  for (const std::int32_t tensor : model.inputs()) {
    inputs.push_back(random_input(model.tensor(tensor)));
  }
  std::vector<double> times;
  for (int i = 0; i <= runs; ++i) {
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      std::copy(inputs[k].begin(), inputs[k].end(), engine->input_bytes(k).begin());
    }
    const auto start = Clock::now();
    engine->run();
    if (i != 0) {  // the first one warms up
      times.push_back(ms_since(start));
    }
  }
  std::sort(times.begin(), times.end());
  return times;
}

/// The smallest time that at least this share of all runs does not exceed.
double quantile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()) + 0.999999);
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

double median(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace

int bench(const BenchOptions& options) {
  const ModelFile file = ModelFile::read_or_generate(options.model);
  // Loading is what the library does with bytes in memory: verify, plan, pack.
  const auto start = Clock::now();
  static_cast<void>(kinglet::Model::open(file.bytes()));
  Engine engine = make_engine(file, options.engine);
  const double load_ms = ms_since(start);
  const std::vector<double> times = measure(engine, file.model(), options.runs);
  const kinglet::MemoryNeeds& needs = engine.needs();
  const double gmacs = static_cast<double>(needs.macs) / (median(times) * 1e6);
  if (options.json) {
    print_json(Json{{"model", file.name()},
                    {"profile", options.engine.profile},
                    {"aim", options.engine.aim},
                    {"weights", options.engine.weights},
                    {"target", engine->target()},
                    {"runs", options.runs},
                    {"load_ms", load_ms},
                    {"min_ms", times.front()},
                    {"median_ms", median(times)},
                    {"p90_ms", quantile(times, 0.9)},
                    {"macs", needs.macs},
                    {"gmacs", gmacs},
                    {"arena_bytes", needs.arena_bytes}});
    return 0;
  }
  std::string text = one_line(file.name()) + ", profile " + options.engine.profile + ", aim " +
                     options.engine.aim + ", target " + std::string(engine->target()) + "\n";
  text += format("load %.3f ms\n", load_ms);
  text += format("run: min %.3f ms, median %.3f ms, p90 %.3f ms (%d runs)\n", times.front(), median(times),
                 quantile(times, 0.9), options.runs);
  text += format("%.2f GMAC/s at the median, %.1f million MACs\narena: %zu bytes\n", gmacs,
                 static_cast<double>(needs.macs) / 1e6, needs.arena_bytes);
  print(text);
  return 0;
}

}  // namespace cli
