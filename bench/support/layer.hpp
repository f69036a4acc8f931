// SPDX-License-Identifier: Apache-2.0
/// @file support/layer.hpp
/// One kernel with its tensors, ready to run, and the programs that measure a list of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/peak.hpp"

namespace bench {

struct Layer {
  std::string name{};
  std::string_view kernel{};  ///< the kernel's own name
  double macs = 0;            ///< 0: measured by elements, and against a copy of `bytes`
  double elements = 0;        ///< of the output
  std::size_t element_bytes = 1;
  double bytes = 0;  ///< read and written
  std::function<void()> run{};
};

/// Counters come from the fastest run of all, the time column from their mean: other programs only ever add time.
inline void measure(benchmark::State& state, const Layer& layer, const PeakMacs& peak) {
  layer.run();
  double best = 1e9;
  for (auto _ : state) {
    const Stopwatch watch;
    layer.run();
    const double seconds = watch.seconds();
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  state.SetLabel(std::string(layer.kernel));
  state.counters["min_us"] = best * 1e6;
  if (layer.macs != 0) {
    state.counters["GMAC/s"] = layer.macs / best * 1e-9;
    state.counters["of_peak"] = layer.macs / best / peak.of(layer.element_bytes);
  } else {
    state.counters["Gelements/s"] = layer.elements / best * 1e-9;
    state.counters["of_peak"] = layer.bytes / best / measure_copy_bytes(layer.bytes);
  }
}

/// `main` of an operator's program.
inline int run_benchmarks(int argc, char** argv, const std::vector<Layer>& layers) {
  const PeakMacs peak = measure_peak_macs();
  benchmark::AddCustomContext("target", std::string(kinglet::isa::native::name));
  benchmark::AddCustomContext("peak", std::string(DotProduct::name) + ", " +
                                          std::to_string(static_cast<int>(peak.bytes * 1e-9)) + " GMAC/s");
  for (const Layer& layer : layers) {
    benchmark::RegisterBenchmark(layer.name.c_str(),
                                 [&layer, peak](auto& state) { measure(state, layer, peak); })
        ->UseManualTime()
        ->MinTime(0.1)
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
