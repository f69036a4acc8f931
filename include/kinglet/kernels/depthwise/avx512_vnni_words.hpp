// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx512_vnni_words.hpp
/// Depthwise convolution of 16-bit activations with filters of 3 x 3 on AVX-512 with VNNI: 32 channels of two rows of one
/// column of pixels are interleaved to pairs, those of the third row with zeros. At strides 1 and 2 without dilation a
/// column ends the sums of one output, and goes on with or begins those of the next ones; otherwise it is brought together
/// for each output. Other filters, and layers as in kernels/pointwise/avx512_vnni_words.hpp, are computed by pairs.
///
/// Packed memory: 64 bytes that say which, and then blocks of 32 channels, the last moved back to be a whole one:
///   requantization constants   2 x isa::WordBlock16
///   bias                       2 x 16 int32
///   weights                    for each filter column: rows 0 and 1, rows 2 and none; 2 x 16 lanes x 2 int16 each
/// Interleaving leaves channels in the order of two vectors of kernels/pointwise/pack.hpp.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_words.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/depthwise/pairs.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

namespace detail {

struct alignas(64) WordFilter {
  isa::WordBlock16 stage[2];
  std::int32_t bias[2][16];
  std::int16_t weights[3][2][2][32];  ///< filter column, pair of rows, vector
};

/// 32 channels of a column of pixels: the lower and the upper vector of its pairs.
struct WordColumn {
  __m512i pair[2][2];
};

/// 32 channels outside the image.
alignas(64) inline constexpr std::int16_t outside_words[32] = {};

/// One row of outputs of a block of 32 channels.
struct WordLine {
  const std::int16_t* row[3];  ///< rows outside the image are zeros
  std::ptrdiff_t step[3];      ///< elements from one pixel to the next: 0 for those
  index_t width;
  Span span;
  const std::int16_t* ahead;   ///< a part of the row that the next outputs need, to be fetched until then,
  std::ptrdiff_t ahead_bytes;  ///< so many for each column; 0: there is none
};

/// @tparam Stride 1 or 2 without dilation, or 0 for any
template <index_t Stride>
KINGLET_NOINLINE void run_word_line(const WordLine& line, const WordFilter& filter,
                                    const pointwise::WordOutput& given) noexcept {
  const pointwise::WordOutput out = given;  // compilers would read it again behind every store
  const __m512i zero = _mm512_setzero_si512();
  __m512i w[3][2][2];
  unrolled<3>([&](auto k) KINGLET_INLINE_LAMBDA {
    unrolled<4>([&](auto i) KINGLET_INLINE_LAMBDA {
      w[k][i / 2][i % 2] = _mm512_load_si512(filter.weights[k][i / 2][i % 2]);
    });
  });
  const std::int16_t* const row[] = {line.row[0], line.row[1], line.row[2]};
  const std::ptrdiff_t step[] = {line.step[0], line.step[1], line.step[2]};
  const auto width = static_cast<std::uint32_t>(line.width);
  index_t x = line.span.first_column;
  const auto* ahead = reinterpret_cast<const char*>(line.ahead);
  const std::ptrdiff_t ahead_bytes = line.ahead_bytes;
  const auto column = [&]() KINGLET_INLINE_LAMBDA {
    if constexpr (Stride ==
                  1) {  // pixels, read in five passes, are too far apart for the processor to see the row
      _mm_prefetch(ahead, _MM_HINT_T0);
      ahead += ahead_bytes;
    }
    // As unsigned numbers, columns left of the image are beyond any width, too. Masks would be one more vector instruction
    // for each load.
    const bool inside = static_cast<std::uint32_t>(x) < width;
    const auto load = [&](int r) KINGLET_INLINE_LAMBDA {
      return _mm512_loadu_si512(inside ? row[r] + x * step[r] : outside_words);
    };
    const __m512i first = load(0);
    const __m512i second = load(1);
    const __m512i third = load(2);
    ++x;
    return WordColumn{{{_mm512_unpacklo_epi16(first, second), _mm512_unpackhi_epi16(first, second)},
                       {_mm512_unpacklo_epi16(third, zero), _mm512_unpackhi_epi16(third, zero)}}};
  };
  struct Sums {
    __m512i v[2][2];  // of the two pairs of rows by themselves: a dot product waits for the one before
  };
  const auto add = [&](Sums& sums, const WordColumn& c, int k) KINGLET_INLINE_LAMBDA {
    unrolled<4>([&](auto i) KINGLET_INLINE_LAMBDA {
      __m512i& sum = sums.v[i / 2][i % 2];
      sum = _mm512_dpwssd_epi32(sum, c.pair[i / 2][i % 2], w[k][i / 2][i % 2]);
    });
  };
  const auto begin = [&](Sums& sums, const WordColumn& c) KINGLET_INLINE_LAMBDA {
    sums = {{{_mm512_load_si512(filter.bias[0]), _mm512_load_si512(filter.bias[1])}, {zero, zero}}};
    add(sums, c, 0);
  };
  std::int16_t* to = out.rows;
  const auto end = [&](Sums& sums) KINGLET_INLINE_LAMBDA {
    const auto made = [&](int v) KINGLET_INLINE_LAMBDA {
      __m512i sum = _mm512_add_epi32(sums.v[0][v], sums.v[1][v]);
      isa::settle(sum);
      return isa::requantize_words(sum, filter.stage[v]);
    };
    _mm512_storeu_si512(to, out.clamp(_mm512_packs_epi32(made(0), made(1))));
    to += out.row_stride;
  };
  const index_t count = line.span.count;
  if constexpr (Stride == 1) {
    Sums first;
    Sums second;
    begin(first, column());
    const WordColumn next = column();
    add(first, next, 1);
    begin(second, next);
    const auto advance = [&](Sums& ends, Sums& goes_on) KINGLET_INLINE_LAMBDA {
      const WordColumn c = column();
      add(ends, c, 2);
      end(ends);
      add(goes_on, c, 1);
      begin(ends, c);
    };
    for (index_t i = 0; i + 1 < count; i += 2) {
      advance(first, second);
      advance(second, first);
    }
    if (count % 2 != 0) {
      advance(first, second);
    }
  } else if constexpr (Stride == 0) {
    for (index_t i = 0; i < count; ++i) {
      Sums sums;
      x = line.span.first_column + i * line.span.stride;
      begin(sums, column());
      unrolled<2>([&](auto k) KINGLET_INLINE_LAMBDA {
        x += line.span.dilation - 1;
        add(sums, column(), k + 1);
      });
      end(sums);
    }
  } else {
    Sums sums;
    begin(sums, column());
    for (index_t i = 0; i < count; ++i) {
      add(sums, column(), 1);
      const WordColumn last = column();
      add(sums, last, 2);
      end(sums);
      begin(sums, last);
    }
  }
}

}  // namespace detail

/// The engine of kernels/depthwise/packed.hpp.
struct Avx512VnniWords : DepthwiseShape {
  static constexpr std::string_view name = "avx512_vnni";
  using Pairs = PairEngine<isa::Lanes16, std::int16_t>;
  static constexpr index_t most_rows = Pairs::most_rows;
  static constexpr index_t least_channels = Pairs::least_channels;

  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    const std::size_t words =
        may_be_words() ? static_cast<std::size_t>(blocks()) * sizeof(detail::WordFilter) : 0;
    return 2 * pointwise::packed_alignment + std::max(words, pairs().bytes());
  }
  template <Rounding R, class T, class W>
  constexpr void pack(const pointwise::RowFilters<W, std::int64_t>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    const auto weight = [&](index_t channel, index_t tap) {
      return from.filter[std::ptrdiff_t{tap} * channels + channel];
    };
    const bool fits =
        may_be_words() && pointwise::fits_words(channels, filter_h * filter_w, from.bias, q, weight);
    std::byte* const start = packed + pointwise::aligned_offset(packed);
    std::byte* const at = start + pointwise::packed_alignment;
    *start = static_cast<std::byte>(fits);
    if (!fits) {
      pairs().template pack<R, T>(from, q, at);
      return;
    }
    for (index_t b = 0; b < blocks(); ++b) {
      detail::WordFilter block{};
      for (index_t v = 0; v < 2; ++v) {
        Multiplier multipliers[16]{};
        for (index_t lane = 0; lane < 16; ++lane) {
          const index_t c = first_channel(b) + pointwise::channel_of(2, v, lane);
          multipliers[lane] = q.output.multiplier[c];
          block.bias[v][lane] = from.bias == nullptr ? 0 : static_cast<std::int32_t>(from.bias[c]);
          for (index_t tap = 0; tap < 9; ++tap) {
            const index_t ky = tap / 3;
            block.weights[tap % 3][ky / 2][v][lane * 2 + ky % 2] = weight(c, tap);
          }
        }
        block.stage[v] = isa::WordBlock16::make(multipliers);
      }
      store_bytes(at + b * static_cast<index_t>(sizeof block), block);
    }
  }
  static bool needs_wide_sums(const std::byte* packed) noexcept {
    return !pointwise::Avx512VnniWords::has_words(packed) && Pairs::needs_wide_sums(behind_flag(packed));
  }

  /// Rows outside: images of 16 bits are seldom in a near cache, and this way are read and written from end to end.
  template <Rounding R, class C>
  void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
           const std::byte* packed) const noexcept {
    const std::byte* const at = behind_flag(packed);
    if (!pointwise::Avx512VnniWords::has_words(packed)) {
      pairs().template run<R>(window, tensors, q, at);
      return;
    }
    const auto& [input, filter, bias, output] = tensors;
    pointwise::WordOutput out = pointwise::WordOutput::of(nullptr, channels, 32, q.output);
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        const std::int16_t* row[3];
        detail::WordLine line{{},
                              {},
                              input.extent(2),
                              {-window.pad_left, window.stride_w, window.dilation_w, output.extent(2)},
                              nullptr,
                              0};
        for (index_t ky = 0; ky < 3; ++ky) {
          const index_t in_y = y * window.stride_h - window.pad_top + ky * window.dilation_h;
          const bool inside = in_y >= 0 && in_y < input.extent(1);
          row[ky] = inside ? input.data() + input.offset(n, window.row_at(in_y)) : detail::outside_words;
          line.step[ky] = inside ? channels : 0;
        }
        // The lowest row under the next outputs: of a slice of few rows, none is new.
        const index_t next = (y + 1) * window.stride_h - window.pad_top + 2 * window.dilation_h;
        const bool has_next = next >= 0 && next < input.extent(1);
        const std::int16_t* const ahead =
            has_next ? input.data() + input.offset(n, window.row_at(next)) : detail::outside_words;
        line.ahead_bytes = has_next ? 64 : 0;
        for (index_t b = 0; b < blocks(); ++b) {
          const index_t first = first_channel(b);
          line.ahead = has_next ? ahead + std::ptrdiff_t{first} * input.extent(2) : ahead;
          for (index_t ky = 0; ky < 3; ++ky) {
            line.row[ky] = row[ky] + (line.step[ky] == 0 ? 0 : first);
          }
          const auto& block = *reinterpret_cast<const detail::WordFilter*>(
              at + b * static_cast<index_t>(sizeof(detail::WordFilter)));
          out.rows = output.data() + output.offset(n, y, 0, first);
          if (window.dilation_w != 1 || window.stride_w > 2) {
            detail::run_word_line<0>(line, block, out);
          } else if (window.stride_w == 1) {
            detail::run_word_line<1>(line, block, out);
          } else {
            detail::run_word_line<2>(line, block, out);
          }
        }
      }
    }
  }

 private:
  [[nodiscard]] constexpr Pairs pairs() const noexcept { return {{filter_h, filter_w, channels}}; }
  [[nodiscard]] constexpr bool may_be_words() const noexcept {
    return filter_h == 3 && filter_w == 3 && channels >= 32;
  }
  static const std::byte* behind_flag(const std::byte* packed) noexcept {
    return packed + pointwise::aligned_offset(packed) + pointwise::packed_alignment;
  }
  [[nodiscard]] constexpr index_t blocks() const noexcept { return (channels + 31) / 32; }
  [[nodiscard]] constexpr index_t first_channel(index_t b) const noexcept {
    return std::min(b * 32, channels - 32);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
