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

namespace detail {

/// The offsets d * sum u of a tile's rows, for unsigned activations.
inline void sum_rows(const TileInput& in, index_t rows, std::int32_t d, std::int32_t* offsets) noexcept {
  const __m512i ones = _mm512_set1_epi8(1);
  for (index_t m = 0; m < rows; ++m) {
    const std::uint8_t* const row = in.rows + m * in.row_stride;
    __m512i sum = _mm512_setzero_si512();
    index_t k = 0;
    for (; k + 64 <= in.depth; k += 64) {
      sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(row + k), ones);
    }
    const __mmask64 rest = (__mmask64{1} << (in.depth - k)) - 1;
    sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(rest, row + k), ones);
    offsets[m] = static_cast<std::int32_t>(static_cast<std::uint32_t>(d) *
                                           static_cast<std::uint32_t>(_mm512_reduce_add_epi32(sum)));
  }
}

template <index_t Vectors, class T>
void finish(const Finish& how, const TileOutput<T>& out, const isa::RequantizeBlock16* constants,
            const std::int32_t* sums) noexcept {
  if (how.is_short) {
    how.away ? finish_tile<Vectors, true, true>(out, constants, sums)
             : finish_tile<Vectors, false, true>(out, constants, sums);
  } else {
    how.away ? finish_tile<Vectors, true, false>(out, constants, sums)
             : finish_tile<Vectors, false, false>(out, constants, sums);
  }
}

/// What all tiles of a layer share.
struct Layer {
  index_t depth;
  std::int32_t d;  ///< 128 - zf of unsigned weights
  Finish finish;
  const OutputStage* stage;
};

/// All rows of a run with one block. The last tile is moved back to be a whole one: rows it shares are computed
/// twice, to the same result.
template <index_t Vectors, class T>
void run_block(const Layer& layer, const RowRun<T>& run, const PackedBlock& block,
               index_t channels) noexcept {
  constexpr index_t tile = tile_rows_for(Vectors);
  alignas(64) std::int32_t sums[tile * Vectors * PackedRows::lanes];
  std::int32_t offsets[tile];
  const index_t step = run.count >= tile ? tile : 1;
  for (std::ptrdiff_t at = 0; at < run.count; at += step) {
    const std::ptrdiff_t first = step == 1 ? at : std::min<std::ptrdiff_t>(at, run.count - tile);
    const TileInput in{reinterpret_cast<const std::uint8_t*>(run.rows + first * run.row_stride),
                       run.row_stride, layer.depth, block, offsets};
    if constexpr (!std::is_signed_v<T>) {
      sum_rows(in, step, layer.d, offsets);
    }
    if (step == 1) {
      dot_tile<1, Vectors, std::is_signed_v<T>>(in, sums);
    } else {
      dot_tile<tile, Vectors, std::is_signed_v<T>>(in, sums);
    }
    const TileOutput<T> out{run.output + first * run.output_stride, run.output_stride, step, channels,
                            layer.stage};
    finish<Vectors>(layer.finish, out, block.stage, sums);
  }
}

}  // namespace detail

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
    const std::byte* at = memory.packed + aligned_offset(memory.packed);
    const detail::Layer layer{depth, (std::is_signed_v<W> ? 0 : 128) - q.filter_zero_point,
                              Finish::of<R>(q.output, *at != std::byte{0}), &q.output};
    at += packed_alignment;
    RowRun<T> block_run = run;
    index_t left = outputs;
    for (index_t b = 0; b < blocks(); ++b) {
      const index_t vectors = vectors_of(b);
      const PackedBlock block(at, vectors);
      switch (vectors) {
        case 1: detail::run_block<1>(layer, block_run, block, left); break;
        case 2: detail::run_block<2>(layer, block_run, block, left); break;
        case 3: detail::run_block<3>(layer, block_run, block, left); break;
        default: detail::run_block<4>(layer, block_run, block, left); break;
      }
      at += bytes_of(vectors);
      left -= vectors * lanes;
      block_run.output += vectors * lanes;
    }
  }
};

using Avx512Vnni = Packed<Avx512VnniRows>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
