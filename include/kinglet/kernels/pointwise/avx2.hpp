// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx2.hpp
/// Rows times packed filters on AVX2:
///   for a chunk of rows: widen them into scratch
///     for each block of filters: widen it into scratch
///       for a tile of rows: dot products, output stage
/// Weights lie in memory as bytes, half of what vpmaddwd takes, since widening a block is little work beside
/// multiplying it with a chunk of rows.
#pragma once

#include <kinglet/kernels/pointwise/avx2_tile.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

namespace detail {

/// to[k] = from[k], 16 bits wide; an element behind an odd `count` is 0.
template <class T>
inline void widen_pairs(const T* from, index_t count, std::int16_t* to) noexcept {
  const auto step = [&](index_t k) KINGLET_INLINE_LAMBDA {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + k));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + k),
                        std::is_signed_v<T> ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x));
  };
  index_t k = 0;
  for (; k + 16 <= count; k += 16) {
    step(k);
  }
  if (k < count && count >= 16) {
    step(count - 16);
    k = count;
  }
  for (; k < count; ++k) {
    to[k] = from[k];
  }
  if (count % 2 != 0) {
    to[count] = 0;
  }
}

/// `vectors` x 16 weights less their zero point, 16 bits wide.
inline void widen_weights(const std::int8_t* from, std::ptrdiff_t vectors, std::int32_t zero_point,
                          std::int16_t* to) noexcept {
  const __m256i zero = _mm256_set1_epi16(static_cast<short>(zero_point));
  for (std::ptrdiff_t i = 0; i < vectors; ++i, from += 16, to += 16) {
    const __m256i w = _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm256_sub_epi16(w, zero));
  }
}

template <index_t Vectors, index_t Rows = pair_tile_rows>
void dot_rows(index_t rows, const PairTile& in, std::int32_t* sums) noexcept {
  if (rows >= Rows) {
    dot_pairs<Rows, Vectors>(in, sums);
  } else if constexpr (Rows > 1) {
    dot_rows<Vectors, Rows - 1>(rows, in, sums);
  }
}

/// Widened rows with one block; `out` has all of them.
template <index_t Vectors, class T>
void multiply_block(const Finish& how, PairTile tile, TileOutput<T> out,
                    const isa::RequantizeBlock8* constants) noexcept {
  // Tiles fill no multiple of 4 vectors: the rest is read and not used.
  alignas(32) std::int32_t sums[(pair_tile_rows * Vectors + 2) * PairRows::lanes];
  index_t left = out.count;
  for (; left > 0; left -= pair_tile_rows) {
    out.count = std::min(left, pair_tile_rows);
    dot_rows<Vectors>(out.count, tile, sums);
    finish_tile<Vectors>(how, out, constants, sums);
    tile.rows += std::ptrdiff_t{pair_tile_rows} * tile.pairs * 2;
    out.rows += pair_tile_rows * out.row_stride;
  }
}

}  // namespace detail

/// The engine that kernels on packed rows are made of (kernels/pointwise/packed.hpp).
struct Avx2Rows : PairRows {
  static constexpr std::string_view name = "avx2";

  /// The widened block, then the widened chunk, and room to align them.
  [[nodiscard]] constexpr std::size_t scratch_bytes(std::ptrdiff_t rows) const noexcept {
    return block_bytes() + static_cast<std::size_t>(chunk_rows(rows)) * row_bytes() + packed_alignment;
  }
  /// Rows that should come together where they are copied first.
  [[nodiscard]] constexpr index_t gathered_rows() const noexcept { return 8 * pair_tile_rows; }

  template <Rounding R, class T, class W>
  constexpr void pack(const RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_pairs<R>(*this, from, q, packed);
  }

  template <Rounding R, class T, class W>
  void multiply(const RowRun<T>& run, const ConvolutionQuantization& q,
                const KernelMemory& memory) const noexcept {
    const std::byte* const head = memory.packed + aligned_offset(memory.packed);
    const Finish how = Finish::of<R>(q.output, *head != std::byte{0});
    std::byte* const scratch = memory.scratch + aligned_offset(memory.scratch);
    auto* const weights = reinterpret_cast<std::int16_t*>(scratch);
    auto* const rows = reinterpret_cast<std::int16_t*>(scratch + block_bytes());
    const index_t chunk = chunk_rows(run.count);
    for (std::ptrdiff_t first = 0; first < run.count; first += chunk) {
      const auto count = static_cast<index_t>(std::min<std::ptrdiff_t>(chunk, run.count - first));
      for (index_t m = 0; m < count; ++m) {
        detail::widen_pairs(run.rows + (first + m) * run.row_stride, depth,
                            rows + std::ptrdiff_t{m} * pairs() * 2);
      }
      const std::byte* at = head + packed_alignment;
      TileOutput<T> out{run.output + first * run.output_stride, run.output_stride, count, outputs, &q.output};
      for (index_t b = 0; b < blocks(); ++b) {
        const index_t vectors = vectors_of(b);
        const PairBlock block(at, vectors);
        detail::widen_weights(block.weights, std::ptrdiff_t{pairs()} * vectors, packed_zero_point<W>(q),
                              weights);
        const PairTile tile{rows, weights, block.bias, pairs()};
        vectors == 2 ? detail::multiply_block<2>(how, tile, out, block.stage)
                     : detail::multiply_block<1>(how, tile, out, block.stage);
        at += bytes_of(vectors);
        out.rows += most_vectors * lanes;
        out.channels -= most_vectors * lanes;
      }
    }
  }

 private:
  [[nodiscard]] constexpr std::size_t row_bytes() const noexcept {
    return static_cast<std::size_t>(pairs()) * 4;
  }
  [[nodiscard]] constexpr std::size_t block_bytes() const noexcept {
    return static_cast<std::size_t>(pairs()) * most_vectors * lanes * 4;
  }
  /// 64 rows, so that a chunk is much more work than widening a block; up to 32 KiB of shorter ones. As even as
  /// whole tiles allow.
  [[nodiscard]] constexpr index_t chunk_rows(std::ptrdiff_t rows) const noexcept {
    const std::ptrdiff_t most =
        std::max<std::ptrdiff_t>(64, 32768 / static_cast<std::ptrdiff_t>(row_bytes()));
    const std::ptrdiff_t chunks = (rows + most - 1) / most;
    const std::ptrdiff_t even = (rows + chunks - 1) / chunks;
    return static_cast<index_t>((even + pair_tile_rows - 1) / pair_tile_rows * pair_tile_rows);
  }
};

using Avx2 = Packed<Avx2Rows>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
