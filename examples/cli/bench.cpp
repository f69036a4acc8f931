// SPDX-License-Identifier: Apache-2.0
/// @file bench.cpp
/// `kinglet bench`
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

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

/// Calls run(0), which warms up, to run(runs). Inputs are written before each one, as their memory is used again.
template <class Run>
void repeat(Engine& engine, const kinglet::Model& model, int runs, Run run) {
  std::vector<std::vector<std::byte>> inputs;
  for (const std::int32_t tensor : model.inputs()) {
    inputs.push_back(random_input(model.tensor(tensor)));
  }
  for (int i = 0; i <= runs; ++i) {
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      std::copy(inputs[k].begin(), inputs[k].end(), engine->input_bytes(k).begin());
    }
    run(i);
  }
}

/// Times of all runs in ms, sorted.
std::vector<double> measure(Engine& engine, const kinglet::Model& model, int runs) {
  std::vector<double> times;
  repeat(engine, model, runs, [&](int i) {
    const auto start = Clock::now();
    engine->run();
    if (i != 0) {
      times.push_back(ms_since(start));
    }
  });
  std::sort(times.begin(), times.end());
  return times;
}

/// An operator, or several up to the next one whose whole output is in the arena: a chain, or a PAD and what it is part of.
/// A chain that leaves several whole tensors is cut there, and all its time counts for the first part.
struct Step {
  std::int32_t first = 0;
  std::int32_t last = 0;
  double min_ms = std::numeric_limits<double>::infinity();
};

/// The least time of each step in all runs.
std::vector<Step> measure_steps(Engine& engine, const kinglet::Model& model, int runs) {
  std::vector<Step> steps;
  repeat(engine, model, runs, [&](int i) {
    std::size_t at = 0;
    std::int32_t next = 0;
    auto start = Clock::now();
    engine->run([&](std::int32_t op, std::span<const std::byte>) {
      const double ms = ms_since(start);
      if (i == 0) {
        steps.push_back({next, op});
      } else {
        steps[at].min_ms = std::min(steps[at].min_ms, ms);
      }
      ++at;
      next = op + 1;
      start = Clock::now();
    });
  });
  return steps;
}

double sum_of(const std::vector<Step>& steps) {
  return std::accumulate(steps.begin(), steps.end(), 0.0,
                         [](double sum, const Step& step) { return sum + step.min_ms; });
}

Json steps_json(const std::vector<Step>& steps) {
  Json all = Json::array();
  for (const Step& step : steps) {
    all.push_back({{"first_operator", step.first}, {"last_operator", step.last}, {"min_ms", step.min_ms}});
  }
  return all;
}

/// A line a step, with a bar of its share.
std::string steps_text(const std::vector<Step>& steps, const kinglet::Model& model) {
  const double sum = sum_of(steps);
  std::string text = format("steps, least time of each: %.3f ms\n", sum);
  for (const Step& step : steps) {
    const double share = sum > 0 ? step.min_ms / sum : 0;  // a coarse clock may have seen nothing pass
    const std::string last = one_line(model.op(step.last).name);
    const std::string name = step.first == step.last
                                 ? format("%d %s", step.last, last.c_str())
                                 : format("%d-%d %s to %s", step.first, step.last,
                                          one_line(model.op(step.first).name).c_str(), last.c_str());
    text += format("  %-40s %9.4f ms %5.1f %%  ", name.c_str(), step.min_ms, 100 * share) +
            std::string(static_cast<std::size_t>(std::lround(40 * share)), '#') + "\n";
  }
  return text;
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
  const std::vector<Step> steps =
      options.steps ? measure_steps(engine, file.model(), options.runs) : std::vector<Step>{};
  const kinglet::MemoryNeeds& needs = engine.needs();
  const double gmacs = static_cast<double>(needs.macs) / (median(times) * 1e6);
  if (options.json) {
    Json json{{"model", file.name()},
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
              {"arena_bytes", needs.arena_bytes}};
    if (options.steps) {
      json["steps_min_ms"] = sum_of(steps);
      json["steps"] = steps_json(steps);
    }
    print_json(json);
    return 0;
  }
  std::string text = one_line(file.name()) + ", profile " + options.engine.profile + ", aim " +
                     options.engine.aim + ", target " + std::string(engine->target()) + "\n";
  text += format("load %.3f ms\n", load_ms);
  text += format("run: min %.3f ms, median %.3f ms, p90 %.3f ms (%d runs)\n", times.front(), median(times),
                 quantile(times, 0.9), options.runs);
  text += format("%.2f GMAC/s at the median, %.1f million MACs\narena: %zu bytes\n", gmacs,
                 static_cast<double>(needs.macs) / 1e6, needs.arena_bytes);
  if (options.steps) {
    text += steps_text(steps, file.model());
  }
  print(text);
  return 0;
}

}  // namespace cli
