// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_overlapped.hpp
/// Tiles whose output stage stands among the dot products of the next tile. Of shallow rows it is as long as the dot
/// products are, and a processor that meets the one behind the other does not look far enough ahead to do both at once.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_tile.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// The first groups of four bytes of a row are multiplied in so many steps, with a part of the output stage behind each.
inline constexpr index_t overlapped_steps = 3;

/// Whether tiles with this input may be overlapped.
inline bool overlaps(const TileInput& in) noexcept {
  return in.quads >= overlapped_steps && in.rest == 0;
}

/// `tiles` times `Rows` rows of an input that `overlaps`. The sums of two tiles are in registers.
/// @tparam Plain the output is  @tparam Ending finishes a row at a time
template <index_t Rows, index_t Vectors, bool Plain, class Ending>
KINGLET_NOINLINE void run_overlapped(const TileInput& in, const Ending& given, index_t tiles) noexcept {
  using Dots = typename Ending::Dots;
  using Sums = __m512i[Rows][Vectors];
  constexpr index_t steps = std::min(Rows, overlapped_steps);
  Ending ending = given;  // a member at a time: see run_tiles
  const std::ptrdiff_t stride = in.row_stride;

  const typename Ending::template Constants<Vectors> constants(
      in.block, std::bool_constant<2 * Rows * Vectors + Vectors <= 28>{});
  const auto multiply = [&](Sums& sum, const std::uint8_t* at,
                            const std::int8_t* weights) KINGLET_INLINE_LAMBDA {
    __m512i w[Vectors];
    unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
      __m512i loaded = Dots::load(weights + v * Dots::group_bytes);
      isa::settle(loaded);  // once: gcc would have every dot product load it
      w[v] = loaded;
    });
    unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA {
      const __m512i u = _mm512_set1_epi32(load_quad(at + m * stride));
      unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA { sum[m][v] = Dots::add(sum[m][v], u, w[v]); });
    });
  };
  // The sums of a tile; behind step i, between(i).
  const auto run = [&](Sums& sum, const std::uint8_t* rows, const auto& between) KINGLET_INLINE_LAMBDA {
    unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
      const __m512i bias = _mm512_load_si512(in.block.bias<Vectors>() + v * PackedRows::lanes);
      unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA { sum[m][v] = bias; });
    });
    const std::int8_t* weights = in.block.weights<Vectors>();
    const std::uint8_t* at = rows;
    const auto next = [&]() KINGLET_INLINE_LAMBDA {
      multiply(sum, at, weights);
      weights += Vectors * Dots::group_bytes;
      at += 4;
    };
    unrolled<steps>([&](auto step) KINGLET_INLINE_LAMBDA {
      next();
      between(step);
    });
    index_t left = in.quads - steps;
    for (index_t s = in.segments;;) {
      for (; left > 0; --left) {
        next();
      }
      if (--s == 0) {
        break;
      }
      rows += in.segment_stride;
      at = rows;
      left = in.quads;
    }
    unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA {
      unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
        __m512i settled = sum[m][v];  // see run_tiles
        isa::settle(settled);
        sum[m][v] = settled;
      });
    });
  };
  const auto finish = [&](const Sums& sum, auto step) KINGLET_INLINE_LAMBDA {
    constexpr index_t first = step * Rows / steps;
    unrolled<(step + 1) * Rows / steps - first>(
        [&](auto i) KINGLET_INLINE_LAMBDA { ending.template finish<Plain>(sum[first + i], constants); });
  };
  const auto finish_all = [&](const Sums& sum) KINGLET_INLINE_LAMBDA {
    unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA { ending.template finish<Plain>(sum[m], constants); });
  };

  const std::uint8_t* rows = in.rows;
  Sums even;
  Sums odd;
  run(even, rows, [](auto) KINGLET_INLINE_LAMBDA {});
  while (true) {
    if (--tiles == 0) {
      finish_all(even);
      return;
    }
    rows += Rows * stride;
    run(odd, rows, [&](auto step) KINGLET_INLINE_LAMBDA { finish(even, step); });
    if (--tiles == 0) {
      finish_all(odd);
      return;
    }
    rows += Rows * stride;
    run(even, rows, [&](auto step) KINGLET_INLINE_LAMBDA { finish(odd, step); });
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
