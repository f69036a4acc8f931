// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/neon_i8mm.hpp
/// Dot products by SMMLA: 8 bytes of each of 2 rows times 8 bytes of each of 2 filters, 4 sums of 8 products.
#pragma once

#include <kinglet/kernels/pointwise/neon_rows.hpp>

#if KINGLET_HAS_NEON_I8MM

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// 8 rows x 8 filters: 4 x 4 vectors of sums, 4 of pairs of rows and 4 of weights. A single row is taken for two.
struct NeonI8mmTile {
  static constexpr std::string_view name = "neon_i8mm";
  static constexpr index_t group = 8;
  static constexpr index_t rows = 8;

  template <index_t Rows, bool Signed>
  KINGLET_NOINLINE static void dot(const NeonOperands& in, std::int32_t* sums) noexcept {
    const NeonTileRows<Rows, Signed> from(in);
    constexpr index_t pairs = (Rows + 1) / 2;
    constexpr index_t chains = Rows == 1 ? 2 : 1;  // a single row's sums would wait for each other
    int32x4_t sum[pairs * chains][4];
    KINGLET_UNROLL
    for (index_t p = 0; p < pairs * chains; ++p) {
      KINGLET_UNROLL
      for (index_t c = 0; c < 4; ++c) {
        const int32x2_t bias = vld1_s32(in.bias + c * 2);
        sum[p][c] = p < pairs ? vcombine_s32(bias, bias) : vdupq_n_s32(0);
      }
    }
    const std::int8_t* weights = in.weights;
    const auto odd_row = [](index_t p) KINGLET_INLINE_LAMBDA { return Rows == 1 ? 0 : 2 * p + 1; };
    const auto multiply = [&](const int8x16_t* x, index_t chain) KINGLET_INLINE_LAMBDA {
      KINGLET_UNROLL
      for (index_t c = 0; c < 4; ++c, weights += 16) {
        in_order();
        const int8x16_t w = vld1q_s8(weights);
        KINGLET_UNROLL
        for (index_t p = 0; p < pairs; ++p) {
          sum[chain + p][c] = vmmlaq_s32(sum[chain + p][c], x[p], w);
        }
      }
    };
    index_t k = 0;
    for (; k + 16 <= in.depth; k += 16) {
      int8x16_t low[pairs];
      int8x16_t high[pairs];
      KINGLET_UNROLL
      for (index_t p = 0; p < pairs; ++p) {
        const int64x2_t even = vreinterpretq_s64_s8(from.sixteen(2 * p, k));
        const int64x2_t odd = vreinterpretq_s64_s8(from.sixteen(odd_row(p), k));
        low[p] = vreinterpretq_s8_s64(vzip1q_s64(even, odd));
        high[p] = vreinterpretq_s8_s64(vzip2q_s64(even, odd));
      }
      multiply(low, 0);
      multiply(high, chains - 1);
    }
    const auto eight = [&](auto row) KINGLET_INLINE_LAMBDA {
      int8x16_t x[pairs];
      KINGLET_UNROLL
      for (index_t p = 0; p < pairs; ++p) {
        x[p] = vcombine_s8(row(2 * p), row(odd_row(p)));
      }
      multiply(x, 0);
    };
    if (in.depth - k >= 8) {
      eight([&](index_t m) KINGLET_INLINE_LAMBDA { return from.eight(m, k); });
    }
    if (from.rest != 0) {
      eight([&](index_t m) KINGLET_INLINE_LAMBDA { return from.last(m); });
    }
    // A vector of sums has 2 filters of 2 rows: two of them make 4 filters of each row.
    KINGLET_UNROLL
    for (index_t p = 0; p < pairs; ++p) {
      KINGLET_UNROLL
      for (index_t c = 0; c < 4; c += 2) {
        int32x4_t first = sum[p][c];
        int32x4_t second = sum[p][c + 1];
        if constexpr (chains == 2) {
          first = vaddq_s32(first, sum[1][c]);
          second = vaddq_s32(second, sum[1][c + 1]);
        }
        const int64x2_t f = vreinterpretq_s64_s32(first);
        const int64x2_t s = vreinterpretq_s64_s32(second);
        std::int32_t* const to = sums + p * 2 * neon_lanes + c * 2;
        vst1q_s32(to, vreinterpretq_s32_s64(vzip1q_s64(f, s)));
        if constexpr (Rows > 1) {
          vst1q_s32(to + neon_lanes, vreinterpretq_s32_s64(vzip2q_s64(f, s)));
        }
      }
    }
  }
};

using NeonI8mm = Packed<NeonEngine<NeonI8mmTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
