// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni.hpp
/// Pointwise convolution on AVX-512 with VNNI.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_words.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/avx512_vnni_halves.hpp>
#include <kinglet/kernels/pointwise/avx512_vnni_unsigned.hpp>
#include <kinglet/kernels/pointwise/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

template <index_t Vectors>
void run_block(TileInput& in, const ByteOutput& out, const ByteRows& rows) noexcept {
  if constexpr (Vectors <= 2) {
    if (in.block.halves()) {
      run_halves<Vectors, false>(in, out, rows);
      return;
    }
  }
  const auto run_with = [&](auto ending) { detail::run_rows<Vectors>(in, ending, rows.count); };
  switch (in.block.scaling()) {
    case Scaling::one_product:
      run_with(FloatEnding<isa::FloatWay::one_product, false>{in.block, out, nullptr});
      break;
    case Scaling::one_product_away:
      run_with(FloatEnding<isa::FloatWay::one_product_away, false>{in.block, out, nullptr});
      break;
    case Scaling::two_products:
      run_with(FloatEnding<isa::FloatWay::two_products, false>{in.block, out, nullptr});
      break;
    default: run_with(IntegerEnding{in.block, out, nullptr, rows.away});
  }
}

/// Of rows with offsets, as unsigned weights have them.
struct OffsetOutput : ByteOutput {};

template <index_t Vectors>
void run_block(TileInput& in, const OffsetOutput& out, const ByteRows& rows) noexcept {
  if constexpr (Vectors <= 2) {
    if (in.block.halves()) {
      run_halves<Vectors, true>(in, out, rows);
      return;
    }
  }
  const auto run_with = [&](auto ending) { detail::run_rows<Vectors>(in, ending, rows.count); };
  switch (in.block.scaling()) {
    case Scaling::one_product:
      run_with(FloatEnding<isa::FloatWay::one_product, true>{in.block, out, rows.row_offsets});
      break;
    case Scaling::one_product_away:
      run_with(FloatEnding<isa::FloatWay::one_product_away, true>{in.block, out, rows.row_offsets});
      break;
    case Scaling::two_products:
      run_with(FloatEnding<isa::FloatWay::two_products, true>{in.block, out, rows.row_offsets});
      break;
    default: run_with(IntegerEnding{in.block, out, rows.row_offsets, rows.away});
  }
}

namespace detail {

/// Rows whose activations are summed together: whole tiles of every kind.
inline constexpr index_t chunk_rows = 48;

/// The sums of 16 vectors' lanes.
inline __m512i sum_lanes(const __m512i (&x)[16]) noexcept {
  __m512i pairs[8];
  __m512i fours[4];
  unrolled<8>([&](auto i) KINGLET_INLINE_LAMBDA {
    pairs[i] = _mm512_add_epi32(_mm512_unpacklo_epi32(x[2 * i], x[2 * i + 1]),
                                _mm512_unpackhi_epi32(x[2 * i], x[2 * i + 1]));
  });
  unrolled<4>([&](auto i) KINGLET_INLINE_LAMBDA {
    fours[i] = _mm512_add_epi32(_mm512_unpacklo_epi64(pairs[2 * i], pairs[2 * i + 1]),
                                _mm512_unpackhi_epi64(pairs[2 * i], pairs[2 * i + 1]));
  });
  const auto halves = [&](int i) KINGLET_INLINE_LAMBDA {
    return _mm512_add_epi32(_mm512_shuffle_i32x4(fours[i], fours[i + 1], 0x44),
                            _mm512_shuffle_i32x4(fours[i], fours[i + 1], 0xee));
  };
  const __m512i lower = halves(0);
  const __m512i upper = halves(2);
  return _mm512_add_epi32(_mm512_shuffle_i32x4(lower, upper, 0x88), _mm512_shuffle_i32x4(lower, upper, 0xdd));
}

/// The offsets d * sum u of rows, for unsigned activations; of `chunk_rows`, whatever their number.
inline void sum_rows(const ByteRows& in, index_t segments, std::int32_t* offsets) noexcept {
  const __m512i ones = _mm512_set1_epi8(1);
  const __m512i d = _mm512_set1_epi32(in.d);
  const index_t whole = (in.depth - 1) / 64;
  const __mmask64 rest = ~__mmask64{0} >> (64 * (whole + 1) - in.depth);
  const auto sum_row = [&](const std::uint8_t* row) KINGLET_INLINE_LAMBDA {
    __m512i sum = _mm512_setzero_si512();
    for (index_t s = 0; s < segments; ++s, row += in.segment_stride) {
      for (index_t k = 0; k < whole; ++k) {
        sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(row + k * 64), ones);
      }
      sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(rest, row + whole * 64), ones);
    }
    return sum;
  };
  const auto sum_short_row = [&](const std::uint8_t* row) KINGLET_INLINE_LAMBDA {
    return _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_maskz_loadu_epi8(rest, row), ones);
  };
  for (index_t first = 0; first < in.count; first += 16) {
    __m512i sums[16];
    const std::uint8_t* row = in.rows + first * in.row_stride;
    const auto sum_all = [&](const auto& sum) KINGLET_INLINE_LAMBDA {
      unrolled<16>([&](auto i) KINGLET_INLINE_LAMBDA {
        sums[i] = sum(row);
        row += first + i + 1 < in.count ? in.row_stride : 0;
      });
    };
    if (segments == 1 && whole == 0) {
      sum_all(sum_short_row);
    } else {
      sum_all(sum_row);
    }
    _mm512_storeu_si512(offsets + first, _mm512_mullo_epi32(sum_lanes(sums), d));
  }
}

}  // namespace detail

/// Rows times packed filters. @tparam W weights
template <class W>
KINGLET_NOINLINE void multiply_bytes(const PackedRows& shape, const std::byte* packed, const ByteRows& rows,
                                     const ByteOutput& output) noexcept {
  if constexpr (std::is_unsigned_v<W>) {
    if (rows.d != 0) {
      std::int32_t offsets[detail::chunk_rows];
      ByteRows chunk = rows;
      OffsetOutput out{output};
      chunk.row_offsets = offsets;
      for (index_t left = rows.count; left > 0; left -= detail::chunk_rows) {
        chunk.count = std::min(left, detail::chunk_rows);
        detail::sum_rows(chunk, shape.segments, offsets);
        run_blocks(shape, packed, chunk, out);
        chunk.rows += chunk.count * chunk.row_stride;
        out.rows += chunk.count * out.row_stride;
      }
      return;
    }
  }
  run_blocks(shape, packed, rows, output);
}

/// The engine that kernels on packed rows are made of (kernels/pointwise/packed.hpp).
struct Avx512VnniRows : PackedRows {
  static constexpr std::string_view name = "avx512_vnni";
  static constexpr bool keeps_unsigned = true;

  /// One block's tiles have read whole rows before they store any of these.
  [[nodiscard]] constexpr bool may_overwrite() const noexcept { return blocks() == 1; }
  template <class T>
  [[nodiscard]] constexpr std::size_t scratch_bytes(std::ptrdiff_t rows) const noexcept {
    return copies_rows<T> && rows > 0 ? UnsignedRows(depth, outputs, rows).bytes() : 0;
  }
  /// 24 divides into whole tiles of every kind; where that is much memory, one tile.
  [[nodiscard]] constexpr index_t gathered_rows(std::ptrdiff_t /*rows*/) const noexcept {
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
    const Narrowing narrowing = Narrowing::of<T>(q);
    PackedRows shape = *this;
    ByteRows rows{.rows = reinterpret_cast<const std::uint8_t*>(run.rows),
                  .row_stride = run.row_stride,
                  .away = Finish::of<R>(q.output, false).away,
                  .d = (std::is_signed_v<W> ? 0 : 128) - q.filter_zero_point,
                  .depth = depth};
    ByteOutput output{reinterpret_cast<std::uint8_t*>(run.output), run.output_stride, outputs, &narrowing,
                      Narrowing::clamps_nothing<T>(q.output)};
    if (copies_rows<T> && !q.unsigned_input) {
      shape.depth = groups() * group;  // what is read behind a row has no weights
      const UnsignedRows copies(depth, outputs, run.count);
      auto* const scratch = reinterpret_cast<std::uint8_t*>(memory.scratch);
      const std::uint8_t* from = rows.rows;
      rows.rows = scratch;
      rows.row_stride = depth;
      for_parts(run.count, copies.together, rows, output, [&] {
        copies.copy(from, run.row_stride, rows.count, scratch);
        multiply_bytes<W>(shape, memory.packed, rows, output);
        from += rows.count * run.row_stride;
      });
    } else {
      for_parts(run.count, index_t{1} << 24, rows, output, [&] {
        multiply_bytes<W>(shape, memory.packed, rows, output);
        rows.rows += rows.count * run.row_stride;
      });
    }
  }

 private:
  template <class T>
  static constexpr bool copies_rows = std::is_signed_v<T>;

  /// Calls multiply() for at most `most` of `count` rows at a time, and moves the output on behind them.
  static void for_parts(std::ptrdiff_t count, index_t most, ByteRows& rows, ByteOutput& output,
                        const auto& multiply) noexcept {
    for (std::ptrdiff_t left = count; left > 0; left -= rows.count) {
      rows.count = static_cast<index_t>(std::min<std::ptrdiff_t>(left, most));
      multiply();
      output.rows += rows.count * output.row_stride;
    }
  }
};

using Avx512Vnni = Packed<Avx512VnniRows, Avx512VnniWords>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
