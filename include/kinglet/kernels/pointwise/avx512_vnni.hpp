// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni.hpp
/// Pointwise convolution on AVX-512 with VNNI.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_words.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

template <index_t Vectors>
void run_block(TileInput& in, const ByteOutput& out, const ByteRows& rows) noexcept {
  switch (in.block.scaling()) {
    case Scaling::floating: {
      FloatEnding<false> ending{in.block, out};
      detail::run_rows<Vectors>(in, ending, rows.count);
      break;
    }
    case Scaling::floating_away: {
      FloatEnding<true> ending{in.block, out};
      detail::run_rows<Vectors>(in, ending, rows.count);
      break;
    }
    default: {
      IntegerEnding ending{in.block, out, rows.away};
      detail::run_rows<Vectors>(in, ending, rows.count);
    }
  }
}

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

}  // namespace detail

/// Rows times packed filters.
KINGLET_NOINLINE inline void multiply_bytes(const PackedRows& shape, const std::byte* packed,
                                            const ByteRows& rows, const ByteOutput& output) noexcept {
  if (rows.d == 0) {
    run_blocks(shape, packed, rows, output, nullptr);
    return;
  }
  std::int32_t offsets[detail::chunk_rows];
  ByteRows chunk = rows;
  ByteOutput out = output;
  for (index_t left = rows.count; left > 0; left -= detail::chunk_rows) {
    chunk.count = std::min(left, detail::chunk_rows);
    detail::sum_rows(chunk, shape.segments, offsets);
    run_blocks(shape, packed, chunk, out, offsets);
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

using Avx512Vnni = Packed<Avx512VnniRows, Avx512VnniWords>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
