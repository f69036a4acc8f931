// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni.hpp
/// Pointwise convolution on AVX-512 with VNNI. Blocks of filters outside, so that one block's weights stay in the
/// nearest cache, pixels inside, a tile at a time.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_tile.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows to multiply, without the types of their elements.
struct ByteRows {
  const std::uint8_t* rows;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t segment_stride;
  index_t count;
  bool is_signed;  ///< bytes are still signed
  bool away;       ///< double_rounding where negative outputs are kept
  std::int32_t d;  ///< 128 - zf of unsigned weights
  index_t depth;   ///< bytes of a segment, which the shape may round up
};

namespace detail {

/// Rows whose activations are summed together: whole tiles of every kind.
inline constexpr index_t chunk_rows = 48;

/// The offsets d * sum u of rows, for unsigned activations.
inline void sum_rows(const ByteRows& in, index_t segments, std::int32_t* offsets) noexcept {
  const __m512i ones = _mm512_set1_epi8(1);
  for (index_t m = 0; m < in.count; ++m) {
    __m512i sum = _mm512_setzero_si512();
    for (index_t s = 0; s < segments; ++s) {
      const std::uint8_t* const row = in.rows + m * in.row_stride + s * in.segment_stride;
      index_t k = 0;
      for (; k + 64 <= in.depth; k += 64) {
        sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(row + k), ones);
      }
      const __mmask64 rest = (__mmask64{1} << (in.depth - k)) - 1;
      sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(rest, row + k), ones);
    }
    offsets[m] = static_cast<std::int32_t>(static_cast<std::uint32_t>(in.d) *
                                           static_cast<std::uint32_t>(_mm512_reduce_add_epi32(sum)));
  }
}

/// `tiles` of Rows rows; moves on behind them.
template <index_t Rows, index_t Vectors, class Ending>
void advance(TileInput& in, Ending& ending, index_t tiles) noexcept {
  if (tiles > 0) {
    run_tiles<Rows, Vectors>(in, ending, tiles);
    in.rows += std::ptrdiff_t{tiles} * Rows * in.row_stride;
    in.row_offsets = in.row_offsets == nullptr ? nullptr : in.row_offsets + tiles * Rows;
    ending.out.rows += std::ptrdiff_t{tiles} * Rows * ending.out.row_stride;
  }
}

/// Tiles of 4 vectors are of two heights, as even as possible; others are as high as possible.
template <index_t Vectors, class Ending>
void run_rows(TileInput& in, Ending& ending, index_t count) noexcept {
  if constexpr (Vectors == 4) {
    const index_t tiles = (count + 5) / 6;
    const index_t rows = count / tiles;
    const index_t higher = count % tiles;
    switch (rows) {
      case 1:
        advance<2, 4>(in, ending, higher);
        advance<1, 4>(in, ending, tiles - higher);
        break;
      case 2:
        advance<3, 4>(in, ending, higher);
        advance<2, 4>(in, ending, tiles - higher);
        break;
      case 3:
        advance<4, 4>(in, ending, higher);
        advance<3, 4>(in, ending, tiles - higher);
        break;
      case 4:
        advance<5, 4>(in, ending, higher);
        advance<4, 4>(in, ending, tiles - higher);
        break;
      case 5:
        advance<6, 4>(in, ending, higher);
        advance<5, 4>(in, ending, tiles - higher);
        break;
      default: advance<6, 4>(in, ending, tiles); break;
    }
  } else if constexpr (Vectors == 2) {
    advance<8, 2>(in, ending, count / 8);
    advance<4, 2>(in, ending, count % 8 / 4);
    advance<2, 2>(in, ending, count % 4 / 2);
    advance<1, 2>(in, ending, count % 2);
  } else {
    advance<12, 1>(in, ending, count / 12);
    advance<4, 1>(in, ending, count % 12 / 4);
    advance<1, 1>(in, ending, count % 4);
  }
}

template <index_t Vectors>
void run_block(TileInput& in, const ByteOutput& out, const ByteRows& rows) noexcept {
  switch (in.block.scaling()) {
    case Scaling::floating: {
      FloatEnding<false> ending{in.block, out};
      run_rows<Vectors>(in, ending, rows.count);
      break;
    }
    case Scaling::floating_away: {
      FloatEnding<true> ending{in.block, out};
      run_rows<Vectors>(in, ending, rows.count);
      break;
    }
    default: {
      IntegerEnding ending{in.block, out, rows.away};
      run_rows<Vectors>(in, ending, rows.count);
    }
  }
}

/// All rows with all blocks. `out.channels` are all channels.
inline void run_blocks(const PackedRows& shape, const std::byte* packed, const ByteRows& rows,
                       const ByteOutput& output, const std::int32_t* offsets) noexcept {
  ByteOutput out = output;
  const std::byte* at = packed + aligned_offset(packed);
  for (index_t b = 0; b < shape.blocks(); ++b) {
    const index_t vectors = shape.vectors_of(b);
    TileInput in{rows.rows,
                 rows.row_stride,
                 shape.segments,
                 shape.depth / 4,
                 shape.depth % 4,
                 rows.segment_stride,
                 {at},
                 offsets,
                 _mm512_set1_epi8(rows.is_signed ? -128 : 0)};
    out.is_plain = output.is_plain && out.channels >= vectors * PackedRows::lanes;
    switch (vectors) {
      case 1: run_block<1>(in, out, rows); break;
      case 2: run_block<2>(in, out, rows); break;
      default: run_block<4>(in, out, rows); break;
    }
    at += shape.bytes_of(vectors);
    out.rows += vectors * PackedRows::lanes;
    out.channels -= vectors * PackedRows::lanes;
  }
}

}  // namespace detail

/// Rows times packed filters.
KINGLET_NOINLINE inline void multiply_bytes(const PackedRows& shape, const std::byte* packed,
                                            const ByteRows& rows, const ByteOutput& output) noexcept {
  if (rows.d == 0) {
    detail::run_blocks(shape, packed, rows, output, nullptr);
    return;
  }
  std::int32_t offsets[detail::chunk_rows];
  ByteRows chunk = rows;
  ByteOutput out = output;
  for (index_t left = rows.count; left > 0; left -= detail::chunk_rows) {
    chunk.count = std::min(left, detail::chunk_rows);
    detail::sum_rows(chunk, shape.segments, offsets);
    detail::run_blocks(shape, packed, chunk, out, offsets);
    chunk.rows += chunk.count * chunk.row_stride;
    out.rows += chunk.count * out.row_stride;
  }
}

/// The engine that kernels on packed rows are made of (kernels/pointwise/packed.hpp).
struct Avx512VnniRows : PackedRows {
  static constexpr std::string_view name = "avx512_vnni";

  [[nodiscard]] constexpr std::size_t scratch_bytes(std::ptrdiff_t) const noexcept { return 0; }
  /// 24 divides into whole tiles of every kind; where that is much memory, one tile.
  [[nodiscard]] constexpr index_t gathered_rows() const noexcept {
    return depth <= 128 ? 24 : tile_rows_for(vectors_of(0));
  }

  template <Rounding R, class T, class W>
  constexpr void pack(const RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_rows<R, T>(*this, from, q, packed);
  }

  template <Rounding R, class T, class W>
  void multiply(const RowRun<T>& run, const ConvolutionQuantization& q,
                const KernelMemory& memory) const noexcept {
    const Narrowing narrowing = Narrowing::of<T>(q.output);
    ByteRows rows{reinterpret_cast<const std::uint8_t*>(run.rows),
                  run.row_stride,
                  0,
                  0,
                  std::is_signed_v<T>,
                  Finish::of<R>(q.output, false).away,
                  (std::is_signed_v<W> ? 0 : 128) - q.filter_zero_point,
                  depth};
    ByteOutput output{reinterpret_cast<std::uint8_t*>(run.output), run.output_stride, outputs, &narrowing,
                      Narrowing::is_identity<T>(q.output)};
    for (std::ptrdiff_t left = run.count; left > 0; left -= rows.count) {
      rows.count = static_cast<index_t>(std::min<std::ptrdiff_t>(left, index_t{1} << 24));
      multiply_bytes(*this, memory.packed, rows, output);
      rows.rows += rows.count * rows.row_stride;
      output.rows += rows.count * output.row_stride;
    }
  }
};

using Avx512Vnni = Packed<Avx512VnniRows>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
