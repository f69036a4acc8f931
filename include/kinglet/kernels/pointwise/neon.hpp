// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/neon.hpp
/// Dot products on Advanced SIMD without dot product instructions: SMULL makes 8 products of 16 bits, SMLAL2 adds 8 more,
/// SADALP adds pairs of them to 4 sums of 32 bits, 16 products in three instructions.
/// Two products fit 16 bits but for 2 x (-128)(-128) = 2^15: where some weight is -128, each is added by itself.
#pragma once

#include <kinglet/kernels/pointwise/neon_rows.hpp>

#if KINGLET_HAS_NEON

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// 4 rows x 4 filters at once: 16 vectors of sums; the block's other 4 filters follow.
struct NeonTile {
  static constexpr std::string_view name = "neon";
  static constexpr index_t group = 16;
  static constexpr index_t rows = 4;

  template <index_t Rows, bool Signed>
  static void dot(const NeonOperands& in, std::int32_t* sums) noexcept {
    in.has_lowest ? dot_pairs<Rows, Signed, false>(in, sums) : dot_pairs<Rows, Signed, true>(in, sums);
  }

  /// @tparam InPairs no weight is -128
  template <index_t Rows, bool Signed, bool InPairs>
  KINGLET_NOINLINE static void dot_pairs(const NeonOperands& in, std::int32_t* sums) noexcept {
    const NeonTileRows<Rows, Signed> from(in);
    for (index_t first = 0; first < neon_lanes; first += 4) {
      int32x4_t sum[Rows][4];
      KINGLET_UNROLL
      for (index_t m = 0; m < Rows; ++m) {
        KINGLET_UNROLL
        for (index_t c = 0; c < 4; ++c) {
          sum[m][c] = vdupq_n_s32(0);
        }
      }
      const std::int8_t* weights = in.weights + first * group;
      index_t k = 0;
      for (; k + group <= in.depth; k += group, weights += neon_lanes * group) {
        int8x16_t x[Rows];
        KINGLET_UNROLL
        for (index_t m = 0; m < Rows; ++m) {
          x[m] = from.sixteen(m, k);
        }
        KINGLET_UNROLL
        for (index_t c = 0; c < 4; ++c) {
          in_order();
          const int8x16_t w = vld1q_s8(weights + c * group);
          KINGLET_UNROLL
          for (index_t m = 0; m < Rows; ++m) {
            const int16x8_t low = vmull_s8(vget_low_s8(x[m]), vget_low_s8(w));
            if constexpr (InPairs) {
              sum[m][c] = vpadalq_s16(sum[m][c], vmlal_high_s8(low, x[m], w));
            } else {
              sum[m][c] = vpadalq_s16(vpadalq_s16(sum[m][c], low), vmull_high_s8(x[m], w));
            }
          }
        }
      }
      const auto half = [&](auto row) KINGLET_INLINE_LAMBDA {
        KINGLET_UNROLL
        for (index_t c = 0; c < 4; ++c) {
          const int8x8_t w = vld1_s8(weights + c * group);
          KINGLET_UNROLL
          for (index_t m = 0; m < Rows; ++m) {
            sum[m][c] = vpadalq_s16(sum[m][c], vmull_s8(row(m), w));
          }
        }
        weights += 8;
      };
      if (in.depth - k >= 8) {
        half([&](index_t m) KINGLET_INLINE_LAMBDA { return from.eight(m, k); });
      }
      if (from.rest != 0) {
        half([&](index_t m) KINGLET_INLINE_LAMBDA { return from.last(m); });
      }
      const int32x4_t bias = vld1q_s32(in.bias + first);
      KINGLET_UNROLL
      for (index_t m = 0; m < Rows; ++m) {
        const int32x4_t all = vpaddq_s32(vpaddq_s32(sum[m][0], sum[m][1]), vpaddq_s32(sum[m][2], sum[m][3]));
        vst1q_s32(sums + m * neon_lanes + first, vaddq_s32(all, bias));
      }
    }
  }
};

using Neon = Packed<NeonEngine<NeonTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
