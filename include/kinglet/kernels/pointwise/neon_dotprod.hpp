// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/neon_dotprod.hpp
/// Dot products by SDOT: 4 products for each of 4 filters. 16 bytes of a row are loaded once, and SDOT takes its second
/// operand's 4 bytes from any lane of them, so that nothing is broadcast.
#pragma once

#include <kinglet/kernels/pointwise/neon_rows.hpp>

#if KINGLET_HAS_NEON_DOTPROD

#include <utility>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// 8 rows x 8 filters: 16 vectors of sums, 8 of rows and 2 of weights.
struct NeonDotprodTile {
  static constexpr std::string_view name = "neon_dotprod";
  static constexpr index_t group = 4;
  static constexpr index_t rows = 8;

  template <int Lane>
  KINGLET_ALWAYS_INLINE static int32x4_t dot_lane(int32x4_t sum, int8x16_t w, int8x16_t x) noexcept {
    return vdotq_laneq_s32(sum, w, x, Lane);
  }
  template <int Lane>
  KINGLET_ALWAYS_INLINE static int32x4_t dot_lane(int32x4_t sum, int8x16_t w, int8x8_t x) noexcept {
    return vdotq_lane_s32(sum, w, x, Lane);
  }

  template <index_t Rows, bool Signed>
  KINGLET_NOINLINE static void dot(const NeonOperands& in, std::int32_t* sums) noexcept {
    const NeonTileRows<Rows, Signed> from(in);
    // A single row has two chains of sums only: four lanes give it eight.
    constexpr index_t chains = Rows == 1 ? 4 : 1;
    int32x4_t sum[Rows * chains][2];
    KINGLET_UNROLL
    for (index_t m = 0; m < Rows * chains; ++m) {
      sum[m][0] = m < Rows ? vld1q_s32(in.bias) : vdupq_n_s32(0);
      sum[m][1] = m < Rows ? vld1q_s32(in.bias + 4) : vdupq_n_s32(0);
    }
    const std::int8_t* weights = in.weights;
    // 4 bytes of all rows with all filters.
    const auto quad = [&]<int Lane>(std::integral_constant<int, Lane>, const auto* x) KINGLET_INLINE_LAMBDA {
      const int8x16_t low = vld1q_s8(weights);
      const int8x16_t high = vld1q_s8(weights + 16);
      weights += 4 * neon_lanes;
      KINGLET_UNROLL
      for (index_t m = 0; m < Rows; ++m) {
        int32x4_t* const to = sum[chains == 1 ? m : Lane];
        to[0] = dot_lane<Lane>(to[0], low, x[m]);
        to[1] = dot_lane<Lane>(to[1], high, x[m]);
      }
    };
    index_t k = 0;
    for (; k + 16 <= in.depth; k += 16) {
      int8x16_t x[Rows];
      KINGLET_UNROLL
      for (index_t m = 0; m < Rows; ++m) {
        x[m] = from.sixteen(m, k);
      }
      quad(std::integral_constant<int, 0>{}, x);
      quad(std::integral_constant<int, 1>{}, x);
      quad(std::integral_constant<int, 2>{}, x);
      quad(std::integral_constant<int, 3>{}, x);
    }
    const auto half = [&](bool both, auto row) KINGLET_INLINE_LAMBDA {
      int8x8_t x[Rows];
      KINGLET_UNROLL
      for (index_t m = 0; m < Rows; ++m) {
        x[m] = row(m);
      }
      quad(std::integral_constant<int, 0>{}, x);
      if (both) {
        quad(std::integral_constant<int, 1>{}, x);
      }
    };
    if (in.depth - k >= 8) {
      half(true, [&](index_t m) KINGLET_INLINE_LAMBDA { return from.eight(m, k); });
    }
    if (from.rest != 0) {
      half(from.rest > 4, [&](index_t m) KINGLET_INLINE_LAMBDA { return from.last(m); });
    }
    KINGLET_UNROLL
    for (index_t m = 0; m < Rows; ++m) {
      KINGLET_UNROLL
      for (index_t v = 0; v < 2; ++v) {
        int32x4_t all = sum[m][v];
        if constexpr (chains == 4) {
          all = vaddq_s32(vaddq_s32(all, sum[1][v]), vaddq_s32(sum[2][v], sum[3][v]));
        }
        vst1q_s32(sums + m * neon_lanes + v * 4, all);
      }
    }
  }
};

using NeonDotprod = Packed<NeonEngine<NeonDotprodTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
