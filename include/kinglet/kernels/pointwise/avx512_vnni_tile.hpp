// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_tile.hpp
/// A few rows times one packed block of filters: dot products by vpdpbusd, then the output stage.
///
/// Both halves are functions of their own with sums in memory between them: the sums are in the nearest cache, and the
/// processor overlaps one tile's output stage with the next one's dot products, which need other instructions.
#pragma once

#include <kinglet/kernels/pointwise/pack.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <array>
#include <cstring>
#include <utility>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows of a tile: as many as keep rows x vectors sums, the vectors' weights and one activation in 32 registers.
constexpr index_t tile_rows_for(index_t vectors) noexcept {
  return vectors <= 2 ? 12 : 24 / vectors;
}
inline constexpr index_t most_tile_rows = 12;

/// Rows of a tile and what they are multiplied with.
struct TileInput {
  const std::uint8_t* rows;
  std::ptrdiff_t row_stride;  ///< bytes
  index_t depth;
  PackedBlock block;
  const std::int32_t* row_offsets;  ///< d * sum u of each row; null for signed activations
};

/// Four neighbouring activations, or the `count` < 4 that are left; never reads further.
KINGLET_ALWAYS_INLINE std::int32_t load_quad(const std::uint8_t* at, index_t count = 4) noexcept {
  std::int32_t quad = 0;
  std::memcpy(&quad, at, static_cast<std::size_t>(count));
  return quad;
}

/// sums[(m * Vectors + v) * 16 + lane] = bias + sum u w.
template <index_t Rows, index_t Vectors, bool Signed>
KINGLET_NOINLINE void dot_tile(const TileInput& in, std::int32_t* sums) noexcept {
  __m512i sum[Rows][Vectors];
  KINGLET_UNROLL
  for (index_t v = 0; v < Vectors; ++v) {
    const __m512i bias = _mm512_loadu_si512(in.block.bias + v * PackedRows::lanes);
    KINGLET_UNROLL
    for (index_t m = 0; m < Rows; ++m) {
      sum[m][v] = Signed ? bias : _mm512_add_epi32(bias, _mm512_set1_epi32(in.row_offsets[m]));
    }
  }
  const auto multiply = [&](const std::int8_t* weights, const std::uint8_t* at, auto load)
                            KINGLET_INLINE_LAMBDA {
                              __m512i w[Vectors];
                              KINGLET_UNROLL
                              for (index_t v = 0; v < Vectors; ++v) {
                                w[v] = _mm512_loadu_si512(weights + v * 64);
                              }
                              KINGLET_UNROLL
                              for (index_t m = 0; m < Rows; ++m) {
                                __m512i u = _mm512_set1_epi32(load(at + m * in.row_stride));
                                if constexpr (Signed) {
                                  u = _mm512_xor_si512(u, _mm512_set1_epi8(-128));
                                }
                                KINGLET_UNROLL
                                for (index_t v = 0; v < Vectors; ++v) {
                                  sum[m][v] = _mm512_dpbusd_epi32(sum[m][v], u, w[v]);
                                }
                              }
                            };
  const index_t whole = in.depth / 4;
  const std::int8_t* weights = in.block.weights;
  const std::uint8_t* at = in.rows;
  for (index_t k = 0; k < whole; ++k, weights += Vectors * 64, at += 4) {
    multiply(weights, at, [](const std::uint8_t* p) KINGLET_INLINE_LAMBDA { return load_quad(p); });
  }
  if (const index_t rest = in.depth % 4; rest != 0) {
    multiply(weights, at, [rest](const std::uint8_t* p) KINGLET_INLINE_LAMBDA { return load_quad(p, rest); });
  }
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      _mm512_store_si512(sums + (m * Vectors + v) * PackedRows::lanes, sum[m][v]);
    }
  }
}

/// clamp(sums scaled + zero_point) as bytes. Scaled by less than one half, |y| <= 2^30: the zero point may be added behind
/// a narrowing that saturates. On the longer way y can be anything, and the sum has to wrap as it does in 32 bits.
template <index_t Vectors, bool Away, bool Short, class T>
KINGLET_NOINLINE void finish_tile(const TileOutput<T>& out, const isa::RequantizeBlock16* constants,
                                  const std::int32_t* sums) noexcept {
  using Stage = isa::Requantize16<Away, Short>;
  const auto stages = [&]<std::size_t... V>(std::index_sequence<V...>) {
    return std::array<Stage, sizeof...(V)>{Stage(constants[V])...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(Vectors)>{});
  constexpr bool is_signed = std::is_signed_v<T>;
  const OutputStage& stage = *out.stage;
  if constexpr (Vectors == 4) {
    const __m512i zero_point = _mm512_set1_epi32(Short ? 0 : stage.zero_point);
    const __m512i narrow_zero_point = _mm512_set1_epi16(static_cast<short>(Short ? stage.zero_point : 0));
    const __m512i least = _mm512_set1_epi8(static_cast<char>(stage.min));
    const __m512i most = _mm512_set1_epi8(static_cast<char>(stage.max));
    const __mmask64 mask = out.channels >= 64 ? ~__mmask64{0} : (__mmask64{1} << out.channels) - 1;
    for (index_t m = 0; m < out.count; ++m) {
      const std::int32_t* const row = sums + m * 64;
      const auto scaled = [&](std::size_t v) KINGLET_INLINE_LAMBDA {
        const __m512i y = stages[v](_mm512_load_si512(row + v * 16));
        return Short ? y : _mm512_add_epi32(y, zero_point);
      };
      const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(scaled(0), scaled(1)), narrow_zero_point);
      const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(scaled(2), scaled(3)), narrow_zero_point);
      __m512i bytes = is_signed ? _mm512_packs_epi16(low, high) : _mm512_packus_epi16(low, high);
      bytes = is_signed ? _mm512_min_epi8(_mm512_max_epi8(bytes, least), most)
                        : _mm512_min_epu8(_mm512_max_epu8(bytes, least), most);
      _mm512_mask_storeu_epi8(out.rows + m * out.row_stride, mask, bytes);
    }
  } else {
    const __m512i zero_point = _mm512_set1_epi32(stage.zero_point);
    const __m512i least = _mm512_set1_epi32(stage.min);
    const __m512i most = _mm512_set1_epi32(stage.max);
    for (index_t m = 0; m < out.count; ++m) {
      KINGLET_UNROLL
      for (index_t v = 0; v < Vectors; ++v) {
        const index_t left = out.channels - v * 16;
        const auto mask = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1 << (left < 0 ? 0 : left)) - 1);
        __m512i y = stages[static_cast<std::size_t>(v)](_mm512_load_si512(sums + (m * Vectors + v) * 16));
        y = _mm512_min_epi32(_mm512_max_epi32(_mm512_add_epi32(y, zero_point), least), most);
        _mm512_mask_cvtepi32_storeu_epi8(out.rows + m * out.row_stride + v * 16, mask, y);
      }
    }
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
