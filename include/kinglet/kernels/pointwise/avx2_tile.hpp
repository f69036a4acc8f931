// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx2_tile.hpp
/// A few widened rows times one widened block of filters: dot products by vpmaddwd, 16 exact products an instruction,
/// then the output stage.
///
/// Both halves are functions of their own with sums in memory between them: the sums are in the nearest cache, and the
/// processor overlaps one tile's output stage with the next one's dot products.
#pragma once

#include <kinglet/kernels/pointwise/avx2_pack.hpp>

#if defined(__AVX2__)

#include <array>
#include <cstring>
#include <utility>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// 6 x 2 sums, 2 vectors of weights, an activation and a product fill the 16 registers.
inline constexpr index_t pair_tile_rows = 6;

/// Widened rows and filters of one block.
struct PairTile {
  const std::int16_t* rows;  ///< 2 x `pairs` elements each, one after another
  const std::int16_t* weights;
  const std::int32_t* bias;
  index_t pairs;
};

/// Two neighbouring numbers in all lanes.
KINGLET_ALWAYS_INLINE __m256i broadcast_pair(const std::int16_t* at) noexcept {
  std::int32_t pair;
  std::memcpy(&pair, at, sizeof pair);
  return _mm256_set1_epi32(pair);
}

/// sums[(m * Vectors + v) * 8 + lane] = bias + sum x w.
template <index_t Rows, index_t Vectors>
KINGLET_NOINLINE void dot_pairs(const PairTile& in, std::int32_t* sums) noexcept {
  __m256i sum[Rows][Vectors];
  const std::int16_t* row[Rows];
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    row[m] = in.rows + std::ptrdiff_t{m} * in.pairs * 2;
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      sum[m][v] = _mm256_load_si256(reinterpret_cast<const __m256i*>(in.bias) + v);
    }
  }
  const auto* weights = reinterpret_cast<const __m256i*>(in.weights);
  const std::ptrdiff_t end = std::ptrdiff_t{in.pairs} * 2;
  for (std::ptrdiff_t k = 0; k < end; k += 2, weights += Vectors) {
    __m256i w[Vectors];
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      w[v] = _mm256_load_si256(weights + v);
    }
    KINGLET_UNROLL
    for (index_t m = 0; m < Rows; ++m) {
      const __m256i x = broadcast_pair(row[m] + k);
      KINGLET_UNROLL
      for (index_t v = 0; v < Vectors; ++v) {
        sum[m][v] = _mm256_add_epi32(sum[m][v], _mm256_madd_epi16(x, w[v]));
      }
    }
  }
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums) + m * Vectors + v, sum[m][v]);
    }
  }
}

/// clamp(sums scaled + zero_point) as bytes. Four vectors, that is 4 / Vectors rows, become 32 bytes: narrowing works
/// within 128-bit parts, one permutation of 32-bit parts puts the bytes in order.
/// @param sums room for a multiple of 4 vectors
template <index_t Vectors, bool Away, bool Short, class T>
KINGLET_NOINLINE void finish_pairs(const TileOutput<T>& out, const isa::RequantizeBlock8* constants,
                                   const std::int32_t* sums) noexcept {
  using Stage = isa::Requantize8<Away, Short>;
  const auto stages = [&]<std::size_t... V>(std::index_sequence<V...>) {
    return std::array<Stage, sizeof...(V)>{Stage(constants[V])...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(Vectors)>{});
  constexpr bool is_signed = std::is_signed_v<T>;
  constexpr index_t rows = 4 / Vectors;
  constexpr index_t width = Vectors * PairRows::lanes;
  // |y| is at most 2^30 on the short way, and narrowing saturates: the zero point can be added to 16 bits. On the
  // longer way y + zero point wraps as in OutputStage.
  const __m256i zero_point = Short ? _mm256_set1_epi16(static_cast<short>(out.stage->zero_point))
                                   : _mm256_set1_epi32(out.stage->zero_point);
  const __m256i least = _mm256_set1_epi8(static_cast<char>(out.stage->min));
  const __m256i most = _mm256_set1_epi8(static_cast<char>(out.stage->max));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const auto scaled = [&](index_t i) KINGLET_INLINE_LAMBDA {
    const __m256i y = stages[static_cast<std::size_t>(i % Vectors)](
        _mm256_load_si256(reinterpret_cast<const __m256i*>(sums) + i));
    return Short ? y : _mm256_add_epi32(y, zero_point);
  };
  const auto narrowed = [&](index_t i) KINGLET_INLINE_LAMBDA {
    const __m256i y = _mm256_packs_epi32(scaled(i), scaled(i + 1));
    return Short ? _mm256_adds_epi16(y, zero_point) : y;
  };
  T* to = out.rows;
  for (index_t m = 0; m < out.count; m += rows, sums += 32) {
    const __m256i low = narrowed(0);
    const __m256i high = narrowed(2);
    __m256i bytes = is_signed ? _mm256_packs_epi16(low, high) : _mm256_packus_epi16(low, high);
    bytes = is_signed ? _mm256_min_epi8(_mm256_max_epi8(bytes, least), most)
                      : _mm256_min_epu8(_mm256_max_epu8(bytes, least), most);
    bytes = _mm256_permutevar8x32_epi32(bytes, order);
    if (m + rows <= out.count && out.channels >= width) {
      const __m128i parts[] = {_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)};
      for (const __m128i part : parts) {
        if constexpr (Vectors == 2) {
          _mm_storeu_si128(reinterpret_cast<__m128i*>(to), part);
        } else {
          _mm_storel_epi64(reinterpret_cast<__m128i*>(to), part);
          to += out.row_stride;
          _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_unpackhi_epi64(part, part));
        }
        to += out.row_stride;
      }
    } else {
      alignas(32) T whole[32];
      _mm256_store_si256(reinterpret_cast<__m256i*>(whole), bytes);
      for (index_t i = 0; i < std::min(rows, out.count - m); ++i, to += out.row_stride) {
        std::memcpy(to, whole + i * width, static_cast<std::size_t>(std::min(out.channels, width)));
      }
    }
  }
}

template <index_t Vectors, class T>
void finish_tile(const Finish& how, const TileOutput<T>& out, const isa::RequantizeBlock8* constants,
                 const std::int32_t* sums) noexcept {
  if (how.is_short) {
    how.away ? finish_pairs<Vectors, true, true>(out, constants, sums)
             : finish_pairs<Vectors, false, true>(out, constants, sums);
  } else {
    how.away ? finish_pairs<Vectors, true, false>(out, constants, sums)
             : finish_pairs<Vectors, false, false>(out, constants, sums);
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
