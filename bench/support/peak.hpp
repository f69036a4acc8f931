// SPDX-License-Identifier: Apache-2.0
/// @file support/peak.hpp
/// What a target could do at best, measured on the machine at hand: the numbers that `of_peak` is a fraction of.
#pragma once

#include <benchmark/benchmark.h>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <kinglet/isa/intrinsics_x86.hpp>
#include <kinglet/isa/target.hpp>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The instruction a target multiplies 8-bit (VNNI) or 16-bit elements with, and adds to 32-bit sums. Each step
/// depends on its own sum only, and no compiler knows how to shorten it.
#if defined(__AVX512VNNI__)
struct DotProduct {
  static constexpr std::string_view name = "vpdpbusd zmm";
  static constexpr int macs = 64;
  using Vector = __m512i;
  static Vector step(Vector sum, Vector x) { return _mm512_dpbusd_epi32(sum, x, x); }
};
#elif defined(__AVX512BW__)
struct DotProduct {
  static constexpr std::string_view name = "vpmaddwd zmm";
  static constexpr int macs = 32;
  using Vector = __m512i;
  static Vector step(Vector sum, Vector x) { return _mm512_add_epi32(sum, _mm512_madd_epi16(sum, x)); }
};
#elif defined(__AVXVNNI__)
struct DotProduct {
  static constexpr std::string_view name = "vpdpbusd ymm";
  static constexpr int macs = 32;
  using Vector = __m256i;
  static Vector step(Vector sum, Vector x) { return _mm256_dpbusd_avx_epi32(sum, x, x); }
};
#elif defined(__AVX2__)
struct DotProduct {
  static constexpr std::string_view name = "vpmaddwd ymm";
  static constexpr int macs = 16;
  using Vector = __m256i;
  static Vector step(Vector sum, Vector x) { return _mm256_add_epi32(sum, _mm256_madd_epi16(sum, x)); }
};
#elif defined(__SSE2__)  // "scalar" on x86-64, too: every such machine has it, and compilers use it
struct DotProduct {
  static constexpr std::string_view name = "pmaddwd xmm";
  static constexpr int macs = 8;
  using Vector = __m128i;
  static Vector step(Vector sum, Vector x) { return _mm_add_epi32(sum, _mm_madd_epi16(sum, x)); }
};
#else
struct DotProduct {
  static constexpr std::string_view name = "32-bit multiply-add";
  static constexpr int macs = 1;
  using Vector = std::uint32_t;
  static Vector step(Vector sum, Vector x) { return sum + sum * x; }
};
#endif

/// Multiply-accumulates per second: best of many short runs, as the machine may be busy.
inline double measure_peak_macs() {
  // Latency is 4 to 6 cycles, at two a cycle: 12 chains keep both units busy, and fit 16 registers.
  constexpr int chains = 12;
  constexpr int steps = 20'000;
  using Vector = DotProduct::Vector;
  double best = 0;
  for (int run = 0; run < 200; ++run) {
    std::int32_t seed = run + 3;
    benchmark::DoNotOptimize(seed);
    Vector x;
    Vector sums[chains];
    std::memset(&x, seed, sizeof x);
    std::memset(sums, seed, sizeof sums);
    const auto start = Clock::now();
    for (int i = 0; i < steps; ++i) {
      KINGLET_UNROLL
      for (int k = 0; k < chains; ++k) {
        sums[k] = DotProduct::step(sums[k], x);
      }
    }
    const double seconds = seconds_since(start);
    for (Vector& sum : sums) {
      benchmark::DoNotOptimize(sum);
    }
    best = std::max(best, double{chains} * steps * DotProduct::macs / seconds);
  }
  return best;
}

/// Bytes read and written per second by a copy that reads and writes this many altogether.
inline double measure_copy_bytes(double bytes) {
  const auto half = static_cast<std::size_t>(bytes / 2);
  std::vector<char> from(half, 1);
  std::vector<char> to(half);
  double best = 0;
  for (int run = 0; run < 200; ++run) {
    const auto start = Clock::now();
    std::memcpy(to.data(), from.data(), half);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
    best = std::max(best, bytes / seconds_since(start));
  }
  return best;
}

}  // namespace bench
