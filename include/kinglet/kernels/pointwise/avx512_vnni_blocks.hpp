// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_blocks.hpp
/// Rows times packed filters: blocks of filters outside, so that one block's weights stay in the nearest cache, rows
/// inside, a tile at a time.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_overlapped.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows to multiply, without the types of their elements.
struct ByteRows {
  const std::uint8_t* rows = nullptr;
  std::ptrdiff_t row_stride = 0;      ///< bytes
  std::ptrdiff_t segment_stride = 0;  ///< bytes
  index_t count = 0;
  // Of 8-bit activations, which are unsigned.
  bool away = false;                          ///< double_rounding where negative outputs are kept
  std::int32_t d = 0;                         ///< 128 - zf of unsigned weights
  index_t depth = 0;                          ///< bytes of a segment, which the shape may round up
  const std::int32_t* row_offsets = nullptr;  ///< d * sum u of each row, where d is not 0
};

namespace detail {

/// `tiles` of Rows rows; moves on behind them.
template <index_t Rows, index_t Vectors, class Ending>
void advance(TileInput& in, Ending& ending, index_t tiles) noexcept {
  if (tiles > 0) {
    run_tiles<Rows, Vectors>(in, ending, tiles);
    in.rows += std::ptrdiff_t{tiles} * Rows * in.row_stride;
    ending.skip(tiles * Rows);
  }
}

/// As many rows as make whole overlapped tiles. @return the rest
template <index_t Rows, index_t Vectors, class Ending>
index_t advance_overlapped(TileInput& in, Ending& ending, index_t count) noexcept {
  if (const index_t tiles = count / Rows; tiles > 0) {
    if constexpr (Ending::may_be_plain && Vectors == 4) {
      ending.out.is_plain ? run_overlapped<Rows, Vectors, true>(in, ending, tiles)
                          : run_overlapped<Rows, Vectors, false>(in, ending, tiles);
    } else {
      run_overlapped<Rows, Vectors, false>(in, ending, tiles);
    }
    in.rows += std::ptrdiff_t{tiles} * Rows * in.row_stride;
    ending.skip(tiles * Rows);
  }
  return count % Rows;
}

/// Overlapped tiles where they are faster (bench/pointwise.cpp on Zen 5). Those of 4 vectors are half as high as other ones
/// at most and load their weights twice as often, which deep rows, whose weights are in the second cache, would wait for;
/// and few rows are better cut into higher tiles as even as possible. @return the rest
template <index_t Vectors, class Ending>
index_t run_overlapped_rows(TileInput& in, Ending& ending, index_t count) noexcept {
  const index_t groups = in.quads * in.segments;  // of four bytes
  if (!overlaps(in) || (Vectors == 4 && (groups > 32 || (groups > 8 && count < 24)))) {
    return count;
  }
  if constexpr (Vectors == 1) {
    return advance_overlapped<6, 1>(in, ending, count);
  } else if constexpr (Vectors == 2) {
    return advance_overlapped<6, 2>(in, ending, count);
  } else {
    return groups <= 8 ? advance_overlapped<2, 4>(in, ending, count)
                       : advance_overlapped<3, 4>(in, ending, count);
  }
}

/// What is not overlapped: tiles of 4 vectors are of two heights, as even as possible; others are as high as possible.
template <index_t Vectors, class Ending>
void run_rows(TileInput& in, Ending& ending, index_t count) noexcept {
  if constexpr (Ending::template overlaps<Vectors>) {
    count = run_overlapped_rows<Vectors>(in, ending, count);
  }
  if constexpr (Vectors == 4) {
    const index_t tiles = std::max((count + 5) / 6, 1);
    const index_t rows = count / tiles;
    const index_t higher = count % tiles;
    switch (rows) {
      case 0: break;
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

}  // namespace detail

/// All rows with all blocks. `output.channels` are all channels.
/// @tparam Output has `is_plain`, `channels`, `next_block`, and a `run_block<Vectors>(TileInput&, output, rows)`
template <class Output>
void run_blocks(const PackedRows& shape, const std::byte* packed, const ByteRows& rows,
                const Output& output) noexcept {
  const index_t segment_bytes = shape.segment_bytes();
  Output out = output;
  const std::byte* at = packed + aligned_offset(packed);
  for (index_t b = 0; b < shape.blocks(); ++b) {
    const index_t vectors = shape.vectors_of(b);
    TileInput in{
        rows.rows, rows.row_stride, shape.segments, segment_bytes / 4, segment_bytes % 4, rows.segment_stride,
        {at}};
    const bool halves = shape.group == 4 && in.block.halves();
    out.is_plain = output.is_plain && out.channels >= vectors * PackedRows::lanes - (halves ? half_lanes : 0);
    switch (vectors) {
      case 1: run_block<1>(in, out, rows); break;
      case 2: run_block<2>(in, out, rows); break;
      default: run_block<4>(in, out, rows); break;
    }
    at += shape.bytes_of(vectors);
    out.next_block(vectors * PackedRows::lanes);
    out.channels -= vectors * PackedRows::lanes;
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
