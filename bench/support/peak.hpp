// SPDX-License-Identifier: Apache-2.0
/// @file support/peak.hpp
/// What a target could do at best, measured on the machine at hand: the numbers that `of_peak` is a fraction of.
#pragma once

#include <benchmark/benchmark.h>
#include <algorithm>
#include <cstring>
#include <kinglet/isa/intrinsics_x86.hpp>
#include <kinglet/isa/target.hpp>
#include <vector>

#include "support/stopwatch.hpp"

namespace bench {

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

/// The next sum, in a register: left alone, compilers copy some sums to memory and back.
KINGLET_ALWAYS_INLINE void advance(DotProduct::Vector& sum, DotProduct::Vector x) {
  sum = DotProduct::step(sum, x);
#if defined(__GNUC__) && defined(__SSE2__)
  asm volatile("" : "+x"(sum));
#else
  benchmark::DoNotOptimize(sum);
#endif
}

/// Multiply-accumulates per second. VNNI's dot products of pairs of 16 bits take as long as those of fours of bytes;
/// targets without it multiply both as 16 bits.
struct PeakMacs {
  double bytes = 0;  ///< of 8-bit elements

  [[nodiscard]] double of(std::size_t element_bytes) const {
    constexpr bool has_fours = DotProduct::macs == sizeof(DotProduct::Vector);
    return element_bytes == 2 && has_fours ? bytes / 2 : bytes;
  }
};

/// Best of many short runs, as the machine may be busy.
inline PeakMacs measure_peak_macs() {
  // Latency is 4 to 6 cycles, at two a cycle: 12 chains keep both units busy, and fit 16 registers. They have names
  // because arrays are kept in memory.
  constexpr int chains = 12;
  constexpr int steps = 20'000;
  using Vector = DotProduct::Vector;
  double best = 0;
  for (int run = 0; run < 200; ++run) {
    Vector x;
    std::memset(&x, run, sizeof x);
    Vector a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
    const Stopwatch watch;
    for (int step = 0; step < steps; ++step) {
      advance(a, x);
      advance(b, x);
      advance(c, x);
      advance(d, x);
      advance(e, x);
      advance(f, x);
      advance(g, x);
      advance(h, x);
      advance(i, x);
      advance(j, x);
      advance(k, x);
      advance(l, x);
    }
    const double seconds = watch.seconds();
    best = std::max(best, double{chains} * steps * DotProduct::macs / seconds);
  }
  return {best};
}

/// Bytes read and written per second by a copy that reads and writes this many altogether.
inline double measure_copy_bytes(double bytes) {
  const auto half = static_cast<std::size_t>(bytes / 2);
  std::vector<char> from(half, 1);
  std::vector<char> to(half);
  double best = 0;
  for (int run = 0; run < 200; ++run) {
    const Stopwatch watch;
    std::memcpy(to.data(), from.data(), half);
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
    best = std::max(best, bytes / watch.seconds());
  }
  return best;
}

}  // namespace bench
