// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_words.hpp
/// Rows of 16-bit activations times packed filters on AVX-512 with VNNI.
///
/// Weights lie in memory as bytes and are widened while they are loaded. Layers whose sums may leave 32 bits, or whose
/// multipliers isa::WordBlock16 does not hold, are computed by pairs.
#pragma once

#include <kinglet/isa/lanes_avx512bw.hpp>
#include <kinglet/isa/requantize_words_avx512.hpp>
#include <kinglet/kernels/pointwise/avx512_vnni_blocks.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/pointwise/pairs.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

struct WordDots {
  static constexpr index_t group_bytes = 32;

  KINGLET_ALWAYS_INLINE static __m512i load(const std::int8_t* weights) noexcept {
    return _mm512_cvtepi8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(weights)));
  }
  KINGLET_ALWAYS_INLINE static __m512i add(__m512i sum, __m512i x, __m512i w) noexcept {
    return _mm512_dpwssd_epi32(sum, x, w);
  }
};

/// Where rows of a block's outputs go, and how they are clamped.
struct WordOutput {
  std::int16_t* rows;
  std::ptrdiff_t row_stride;  ///< elements
  index_t channels;           ///< valid ones of the block
  __m512i least;
  __m512i most;
  bool is_plain;  ///< nothing to clamp, and all of the block's channels

  static WordOutput of(std::int16_t* rows, std::ptrdiff_t row_stride, index_t channels,
                       const OutputStage& stage) noexcept {
    return {rows,
            row_stride,
            channels,
            _mm512_set1_epi16(static_cast<short>(stage.min)),
            _mm512_set1_epi16(static_cast<short>(stage.max)),
            stage.min == -32768 && stage.max == 32767};
  }

  void next_block(index_t outputs) noexcept { rows += outputs; }

  [[nodiscard]] KINGLET_ALWAYS_INLINE __m512i clamp(__m512i words) const noexcept {
    return _mm512_min_epi16(_mm512_max_epi16(words, least), most);
  }
  /// 32 channels from `first` on, of which there may be fewer.
  KINGLET_ALWAYS_INLINE void store(std::int16_t* to, __m512i words, index_t first) const noexcept {
    if (is_plain) {
      _mm512_storeu_si512(to + first, words);
      return;
    }
    const index_t count = std::clamp(channels - first, index_t{0}, index_t{32});
    if (count == 32) {
      _mm512_storeu_si512(to + first, clamp(words));
      return;
    }
    const auto mask = static_cast<__mmask32>((std::uint64_t{1} << count) - 1);
    _mm512_mask_storeu_epi16(to + first, mask, clamp(words));
  }
  /// 16 channels of one row, and of the next one where there is one.
  KINGLET_ALWAYS_INLINE void store_rows(std::int16_t* to, __m512i words, bool both) const noexcept {
    words = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), clamp(words));
    const auto mask = static_cast<__mmask16>((1U << std::min(channels, index_t{16})) - 1);
    _mm256_mask_storeu_epi16(to, mask, _mm512_castsi512_si256(words));
    if (both) {
      _mm256_mask_storeu_epi16(to + row_stride, mask, _mm512_extracti64x4_epi64(words, 1));
    }
  }
};

/// Sums are finished in registers. Lanes of two vectors are in the order of bytes' (kernels/pointwise/pack.hpp), further
/// two vectors behind them.
struct WordEnding {
  using Dots = WordDots;
  template <index_t Vectors>
  static constexpr bool overlaps = Vectors > 1;  // else two rows are finished together
  static constexpr bool may_be_plain = false;
  PackedBlock block;
  WordOutput out;  ///< of the next row

  void skip(index_t rows) noexcept { out.rows += rows * out.row_stride; }

  /// Of all rows: they are in memory.
  template <index_t Vectors>
  struct Constants {
    constexpr Constants(const PackedBlock&, auto /*in_registers*/) noexcept {}
  };

  /// The next row.
  template <bool Plain, index_t Vectors>
  KINGLET_ALWAYS_INLINE void finish(const __m512i (&sum)[Vectors],
                                    const Constants<Vectors>& /*none*/) noexcept {
    unrolled<Vectors / 2>([&](auto two) KINGLET_INLINE_LAMBDA {
      constexpr index_t v = two * 2;
      out.store(out.rows,
                _mm512_packs_epi32(isa::requantize_words(sum[v], block.words(v)),
                                   isa::requantize_words(sum[v + 1], block.words(v + 1))),
                v * 16);
    });
    skip(1);
  }

  template <index_t Rows, index_t Vectors>
  KINGLET_ALWAYS_INLINE void operator()(const __m512i (&sum)[Rows][Vectors]) noexcept {
    if constexpr (Vectors == 1) {
      const auto y = [&](index_t m)
                         KINGLET_INLINE_LAMBDA { return isa::requantize_words(sum[m][0], block.words(0)); };
      unrolled<(Rows + 1) / 2>([&](auto half) KINGLET_INLINE_LAMBDA {
        constexpr index_t m = half * 2;
        constexpr bool both = m + 1 < Rows;
        out.store_rows(out.rows + m * out.row_stride, _mm512_packs_epi32(y(m), y(both ? m + 1 : m)), both);
      });
      skip(Rows);
    } else {
      const Constants<Vectors> constants(block, std::false_type{});
      unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA { finish<false>(sum[m], constants); });
    }
  }
};

template <index_t Vectors>
void run_block(TileInput& in, const WordOutput& out, const ByteRows& rows) noexcept {
  WordEnding ending{in.block, out};
  detail::run_rows<Vectors>(in, ending, rows.count);
}

constexpr index_t word_channel_of(index_t vectors, index_t vector, index_t lane) noexcept {
  return vector / 2 * 32 + channel_of(std::min(vectors, index_t{2}), vector % 2, lane);
}

/// Whether no sum of the layer leaves 32 bits, its multipliers are in range, and zero points of input and filter are 0, as
/// files have them. The output's is 0, too: nobody runs these layers otherwise.
/// @param weight (o, k) to an int8  @param weights of a channel
template <class Weight>
constexpr bool fits_words(index_t outputs, index_t weights, const std::int64_t* bias,
                          const ConvolutionQuantization& q, const Weight& weight) noexcept {
  WideSums wide;
  bool fits = q.input_zero_point == 0 && q.filter_zero_point == 0;
  for (index_t o = 0; o < outputs && fits; ++o) {
    std::int64_t absolute = 0;
    for (index_t k = 0; k < weights; ++k) {
      const std::int32_t w = weight(o, k);
      absolute += w < 0 ? -w : w;
    }
    wide.add(bias == nullptr ? 0 : bias[o], absolute);
    fits = !wide.needed() && isa::WordBlock16::holds(q.output.multiplier[o]);
  }
  return fits;
}

/// @param packed `rows.bytes()` bytes
constexpr void pack_words(const PackedRows& rows, const RowFilters<std::int8_t, std::int64_t>& from,
                          const OutputStage& stage, std::byte* packed) noexcept {
  const std::ptrdiff_t weight_count = std::ptrdiff_t{rows.depth} * rows.segments;
  std::byte* at = packed + aligned_offset(packed);
  index_t first = 0;
  for (index_t b = 0; b < rows.blocks(); ++b) {
    const index_t vectors = rows.vectors_of(b);
    std::byte* const constants = at + 64;
    std::byte* const biases = constants + vectors * static_cast<index_t>(sizeof(isa::RequantizeBlock16));
    BlockFilters<std::int8_t> filters;
    for (index_t v = 0; v < vectors; ++v) {
      Multiplier multipliers[PackedRows::lanes]{};
      for (index_t lane = 0; lane < PackedRows::lanes; ++lane) {
        const index_t o = first + word_channel_of(vectors, v, lane);
        const bool real = o < rows.outputs;
        if (real) {
          multipliers[lane] = stage.multiplier[o];
          filters.of[static_cast<std::size_t>(v * PackedRows::lanes + lane)] = from.filter + o * weight_count;
        }
        const std::int64_t bias = real && from.bias != nullptr ? from.bias[o] : 0;
        store_bytes(biases + (v * PackedRows::lanes + lane) * 4, static_cast<std::int32_t>(bias));
      }
      store_bytes(constants + v * static_cast<index_t>(sizeof(isa::RequantizeBlock16)),
                  isa::WordBlock16::make(multipliers));
    }
    filters.pack<2>(rows, vectors, biases + vectors * PackedRows::lanes * 4);
    at += rows.bytes_of(vectors);
    first += vectors * PackedRows::lanes;
  }
}

/// The engine of kernels/pointwise/packed.hpp.
struct Avx512VnniWords : PairRows<isa::Lanes16> {
  index_t segments = 1;  ///< of a filter of `depth` weights

  static constexpr std::string_view name = "avx512_vnni";

  /// Packed memory begins with whether words or pairs are in it.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return 2 * packed_alignment + std::max(words().bytes(), pairs().bytes());
  }
  template <class T>
  [[nodiscard]] constexpr std::size_t scratch_bytes(std::ptrdiff_t rows) const noexcept {
    return pairs().template scratch_bytes<T>(rows);
  }
  [[nodiscard]] constexpr index_t gathered_rows(std::ptrdiff_t rows) const noexcept {
    return pairs().gathered_rows(rows);
  }

  template <Rounding R, class T, class W>
  constexpr void pack(const RowFilters<W, std::int64_t>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    const bool fits = fits_words(outputs, depth, from.bias, q, [&](index_t o, index_t k) {
      return from.filter[std::ptrdiff_t{o} * depth + k];
    });
    std::byte* const start = packed + aligned_offset(packed);
    *start = static_cast<std::byte>(fits);
    if (fits) {
      pack_words(words(), from, q.output, start + packed_alignment);
    } else {
      pairs().pack<R, T>(from, q, start + packed_alignment);
    }
  }

  [[nodiscard]] static bool has_words(const std::byte* packed) noexcept {
    return packed[aligned_offset(packed)] != std::byte{0};
  }
  /// @param shape words(), or with the depth rounded up to whole groups where there is something behind it to be read
  KINGLET_NOINLINE static void multiply_words(const PackedRows& shape, const std::byte* packed,
                                              const ByteRows& rows, const WordOutput& output) noexcept {
    run_blocks(shape, packed + aligned_offset(packed) + packed_alignment, rows, output);
  }
  [[nodiscard]] constexpr PackedRows words() const noexcept {
    return {depth / segments, outputs, segments, 2};
  }

  template <Rounding R, class T, class W>
  void multiply(const RowRun<T>& run, const ConvolutionQuantization& q,
                const KernelMemory& memory) const noexcept {
    const std::byte* const start = memory.packed + aligned_offset(memory.packed);
    if (!has_words(memory.packed)) {
      pairs().multiply<R, T, W>(run, q, {start + packed_alignment, memory.scratch});
      return;
    }
    ByteRows rows{.rows = reinterpret_cast<const std::uint8_t*>(run.rows), .row_stride = run.row_stride * 2};
    WordOutput output = WordOutput::of(run.output, run.output_stride, outputs, q.output);
    for (std::ptrdiff_t left = run.count; left > 0; left -= rows.count) {
      rows.count = static_cast<index_t>(std::min<std::ptrdiff_t>(left, index_t{1} << 24));
      multiply_words(words(), memory.packed, rows, output);
      rows.rows += rows.count * rows.row_stride;
      output.rows += rows.count * output.row_stride;
    }
  }

 private:
  [[nodiscard]] constexpr PairEngine<isa::Lanes16, std::int16_t> pairs() const noexcept {
    return {{depth, outputs}};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
