// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx512_vnni_sums.hpp
/// The sums of an image's outputs, a block of channels at a time, which an ending makes outputs of.
///
/// With filters 3 wide, strides 1 and 2 and no dilation a column of pixels is brought together once: it ends the sums of
/// one output, and goes on with or begins those of the next ones. Otherwise that is done again for each output.
#pragma once

#include <kinglet/kernels/depthwise/avx512_vnni_columns.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::depthwise {

namespace detail {

/// Of a filter.
inline constexpr index_t most_filter_rows = 16;

/// What one image's outputs of a block of channels are computed from.
template <index_t Width>
struct BlockInput {
  const Pixels<Width>& pixels;
  pointwise::PackedBlock block;
  Span span;
  index_t filter_h;
  index_t filter_w;
  std::int32_t d;             ///< 128 - zf of unsigned weights
  const std::uint8_t* image;  ///< the block's first channel
  const std::uint8_t* end;    ///< of the whole input
  std::ptrdiff_t line;        ///< bytes from one image row to the next
  index_t height;
  const Window& window;
  index_t top;  ///< input row under the first row of outputs
  index_t stride_h;
  index_t dilation_h;
  index_t output_rows;

  /// A filter 3 high lies inside the image, as most do: the rows under it.
  KINGLET_ALWAYS_INLINE bool find_three_rows(index_t y, const std::uint8_t** rows) const noexcept {
    const index_t first = top + y * stride_h;
    const index_t last = first + 2 * dilation_h;
    if (filter_h != 3 || first < 0 || last >= height) {
      return false;
    }
    rows[0] = image + window.row_at(first) * line;
    rows[1] = image + window.row_at(first + dilation_h) * line;
    rows[2] = image + window.row_at(last) * line;
    return true;
  }
  /// The rows under the filter, null outside the image.
  KINGLET_ALWAYS_INLINE void find_rows(index_t y, const std::uint8_t** rows) const noexcept {
    index_t in_y = top + y * stride_h;
    for (index_t ky = 0; ky < filter_h; ++ky, in_y += dilation_h) {
      rows[ky] = in_y >= 0 && in_y < height ? image + window.row_at(in_y) * line : nullptr;
    }
  }
};

/// A byte for each of 3 rows: 255 where there is one.
inline std::int32_t mask_of_rows(const std::uint8_t* const (&rows)[3]) noexcept {
  const auto byte = [&](int r) { return rows[r] != nullptr ? 0xff << (8 * r) : 0; };
  return byte(0) | byte(1) | byte(2);
}

/// Filters at most 3 high and exactly 3 wide, no dilation. Rows outside the image have weight 0, and their share, a
/// constant, is in the bias.
/// @tparam Offsets d is not 0  @tparam Signed activations are, in memory
template <index_t Stride, index_t Width, bool Offsets, bool Signed, class Ending>
KINGLET_NOINLINE void run_3_wide(const BlockInput<Width>& in, const BlockOutput<Width>& output) noexcept {
  Ending ending(output);  // a member at a time: see BlockOutput
  const Pixels<Width>& pixels = in.pixels;
  // Copies: bytes are stored, and might be anything's.
  const std::ptrdiff_t pixel_step = pixels.step;
  const __m512i flip = pixels.flip;
  const Quad zero{{pixels.zero_point, pixels.zero_point, pixels.zero_point, pixels.zero_point}};
  const std::int32_t there = static_cast<std::int32_t>(0xffffffU >> (8 * (3 - in.filter_h)));
  // Of the filter's rows that are inside, the same for most image rows.
  __m512i w[3][4];
  Quad bias;
  OffsetWeights offset_weights(0, 0);
  const auto take_weights = [&](std::int32_t inside) {
    offset_weights = OffsetWeights(Offsets ? in.d : 0, inside);
    for (int v = 0; v < 4; ++v) {
      bias.v[v] = _mm512_load_si512(in.block.template bias<4>() + v * 16);
      for (int k = 0; k < 3; ++k) {
        w[k][v] = _mm512_load_si512(in.block.template weights<4>() + (k * 4 + v) * 64);
      }
    }
    if (inside == there) {
      return;
    }
    const __m512i inside_mask = _mm512_set1_epi32(inside);
    const OffsetWeights outside(in.d, there & ~inside);
    for (int k = 0; k < 3; ++k) {
      for (int v = 0; v < 4; ++v) {
        const __m512i missing = _mm512_andnot_si512(inside_mask, w[k][v]);
        bias.v[v] = _mm512_dpbusd_epi32(bias.v[v], pixels.zero_point, missing);
        w[k][v] = _mm512_and_si512(w[k][v], inside_mask);
      }
      if constexpr (Offsets) {
        outside.add_column(bias, zero);
      }
    }
  };
  std::int32_t taken = -1;
  for (index_t y = 0; y < in.output_rows; ++y) {
    const std::uint8_t* row[3] = {};
    std::int32_t inside = there;
    if (!in.find_three_rows(y, row)) {
      in.find_rows(y, row);
      inside = mask_of_rows(row);
      const std::uint8_t* const any = row[2] != nullptr ? row[2] : row[1] != nullptr ? row[1] : row[0];
      for (const std::uint8_t*& r : row) {
        r = r != nullptr ? r : any;  // any row serves where weights are 0
      }
    }
    if (inside != taken) {
      take_weights(inside);
      taken = inside;
    }
    const std::uint8_t* const farthest = std::max(std::max(row[0], row[1]), row[2]);  // in memory
    const index_t inside_end = farthest == nullptr ? 0 : pixels.inside_end(farthest, in.end);
    const std::uint8_t* const row0 = row[0];
    const std::uint8_t* const row1 = row[1];
    const std::uint8_t* const row2 = row[2];
    index_t x = in.span.first_column;
    std::ptrdiff_t at = 0;
    const auto load = [&](const std::uint8_t* from) KINGLET_INLINE_LAMBDA {
      const __m512i bytes = pixels.load(from + at);
      return Signed ? _mm512_xor_si512(flip, bytes) : bytes;
    };
    const auto inside_column = [&]() KINGLET_INLINE_LAMBDA {
      const Quad quad = interleave(load(row0), load(row1), load(row2), _mm512_setzero_si512());
      at += pixel_step;
      return quad;
    };
    const auto column = [&]() KINGLET_INLINE_LAMBDA {
      if (Width == 64 && (x < 0 || x >= pixels.width)) {
        ++x;
        return zero;
      }
      if (x >= 0 && x < inside_end) {
        at = x++ * pixel_step;
        return inside_column();
      }
      const Quad quad = interleave(pixels.load_anywhere(row[0], x), pixels.load_anywhere(row[1], x),
                                   pixels.load_anywhere(row[2], x), _mm512_setzero_si512());
      ++x;
      return quad;
    };
    const auto add = [&](Quad& acc, const Quad& quad, int k) KINGLET_INLINE_LAMBDA {
      add_column(acc, quad, w[k]);
      if constexpr (Offsets) {
        offset_weights.add_column(acc, quad);
      }
    };
    const auto begin = [&](Quad& acc, const Quad& quad) KINGLET_INLINE_LAMBDA {
      acc = bias;
      add(acc, quad, 0);
    };
    const index_t count = in.span.count;
    if constexpr (Stride == 1) {
      // A column ends an output's sums, goes on with the next one's and begins those of the one after it.
      Quad first;
      Quad second;
      begin(first, column());
      const Quad next = column();
      add(first, next, 1);
      begin(second, next);
      const auto step = [&](Quad& ends, Quad& goes_on, const Quad& quad) KINGLET_INLINE_LAMBDA {
        add(ends, quad, 2);
        ending(ends);
        add(goes_on, quad, 1);
        begin(ends, quad);
      };
      for (index_t i = 0; i < count;) {
        const index_t pairs = x >= 0 ? std::max(std::min(count - i, inside_end - x), 0) / 2 : 0;
        at = x * pixel_step;
        for (index_t pair = 0; pair < pairs; ++pair) {
          step(first, second, inside_column());
          step(second, first, inside_column());
        }
        i += 2 * pairs;
        x += 2 * pairs;
        if (i < count) {
          step(first, second, column());
          std::swap(first, second);
          ++i;
        }
      }
    } else {
      Quad sums;
      begin(sums, column());
      for (index_t i = 0; i < count;) {
        const index_t whole = x >= 0 ? std::max(std::min(count - i, (inside_end - x) / 2), 0) : 0;
        at = x * pixel_step;
        for (index_t n = 0; n < whole; ++n) {
          add(sums, inside_column(), 1);
          const Quad last = inside_column();
          add(sums, last, 2);
          ending(sums);
          begin(sums, last);
        }
        i += whole;
        x += 2 * whole;
        if (i < count) {
          add(sums, column(), 1);
          const Quad last = column();
          add(sums, last, 2);
          ending(sums);
          begin(sums, last);
          ++i;
        }
      }
    }
    ending.next_row();
  }
}

/// Any filter: its columns are brought together for each output, four rows at a time.
template <index_t Width, bool Offsets, class Ending>
KINGLET_NOINLINE void run_any(const BlockInput<Width>& in, const BlockOutput<Width>& output) noexcept {
  Ending ending(output);  // a member at a time: see BlockOutput
  const std::uint8_t* found[most_filter_rows] = {};
  for (index_t y = 0; y < in.output_rows; ++y) {
    in.find_rows(y, found);
    for (index_t i = 0; i < in.span.count; ++i) {
      Quad acc;
      KINGLET_UNROLL
      for (int v = 0; v < 4; ++v) {
        acc.v[v] = _mm512_load_si512(in.block.template bias<4>() + v * 16);
      }
      const std::int8_t* weights = in.block.template weights<4>();
      for (index_t ky = 0; ky < in.filter_h; ky += 4) {
        const std::uint8_t* const* const rows = found + ky;
        const index_t missing = std::max(index_t{0}, ky + 4 - in.filter_h);
        const OffsetWeights offset_weights(in.d, static_cast<std::int32_t>(0xffffffffU >> (8 * missing)));
        for (index_t kx = 0; kx < in.filter_w; ++kx, weights += 256) {
          const index_t x = in.span.first_column + i * in.span.stride + kx * in.span.dilation;
          const auto load = [&](int r) KINGLET_INLINE_LAMBDA { return in.pixels.load_anywhere(rows[r], x); };
          const Quad column = interleave(load(0), load(1), load(2), load(3));
          const __m512i w[] = {_mm512_load_si512(weights), _mm512_load_si512(weights + 64),
                               _mm512_load_si512(weights + 128), _mm512_load_si512(weights + 192)};
          add_column(acc, column, w);
          if constexpr (Offsets) {
            offset_weights.add_column(acc, column);
          }
        }
      }
      ending(acc);
    }
    ending.next_row();
  }
}

template <index_t Width, bool Offsets, bool Signed, class Ending>
void run_3_wide(const BlockInput<Width>& in, const BlockOutput<Width>& output) noexcept {
  in.span.stride == 1 ? run_3_wide<1, Width, Offsets, Signed, Ending>(in, output)
                      : run_3_wide<2, Width, Offsets, Signed, Ending>(in, output);
}

/// @tparam Ending made of a BlockOutput, it finishes sums  @tparam MayBeSigned activations may be, in memory
template <class Ending, bool Offsets, bool MayBeSigned, index_t Width>
void run_image(const BlockInput<Width>& in, const BlockOutput<Width>& output) noexcept {
  const Span& span = in.span;
  if (in.filter_h > 3 || in.filter_w != 3 || span.dilation != 1 || span.stride > 2) {
    run_any<Width, Offsets, Ending>(in, output);
    return;
  }
  if constexpr (MayBeSigned) {
    if (in.pixels.is_signed) {
      run_3_wide<Width, Offsets, true, Ending>(in, output);
      return;
    }
  }
  run_3_wide<Width, Offsets, false, Ending>(in, output);
}

}  // namespace detail

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
