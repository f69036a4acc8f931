// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx512_vnni_columns.hpp
/// Columns of pixels under a depthwise filter, four rows high, as 64 channels by AVX-512: a channel's four bytes are
/// brought together, so that one vpdpbusd multiplies them with the filter's column.
///
/// Blocks of fewer channels have as many parts of an image row instead: with 16 channels the four 128-bit parts of a
/// register are pixels x, x + shift[1], x + shift[2] and x + shift[3].
#pragma once

#include <kinglet/kernels/depthwise/pack.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/depthwise/packed.hpp>
#include <kinglet/kernels/pointwise/avx512_vnni_output.hpp>
#include <kinglet/kernels/unrolled.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Four vectors of 16 channels; 4 rows of a column interleaved, or sums.
struct Quad {
  __m512i v[4];
};

/// acc + one column of the filter.
KINGLET_ALWAYS_INLINE void add_column(Quad& acc, const Quad& column, const __m512i* w) noexcept {
  KINGLET_UNROLL
  for (int v = 0; v < 4; ++v) {
    acc.v[v] = _mm512_dpbusd_epi32(acc.v[v], column.v[v], w[v]);
  }
}

KINGLET_ALWAYS_INLINE Quad interleave(__m512i r0, __m512i r1, __m512i r2, __m512i r3) noexcept {
  const __m512i low01 = _mm512_unpacklo_epi8(r0, r1);
  const __m512i high01 = _mm512_unpackhi_epi8(r0, r1);
  const __m512i low23 = _mm512_unpacklo_epi8(r2, r3);
  const __m512i high23 = _mm512_unpackhi_epi8(r2, r3);
  return {{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
           _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
}

namespace detail {

/// d times the sum of activations as weights: one or two bytes that are d together.
struct OffsetWeights {
  __m512i first;
  __m512i second;
  bool has_second;

  OffsetWeights(std::int32_t d, std::int32_t rows_mask) noexcept
      : first(_mm512_and_si512(_mm512_set1_epi8(static_cast<char>(std::min(d, 127))),
                               _mm512_set1_epi32(rows_mask))),
        second(_mm512_and_si512(_mm512_set1_epi8(1), _mm512_set1_epi32(rows_mask))),
        has_second(d > 127) {}
  KINGLET_ALWAYS_INLINE void add_column(Quad& acc, const Quad& column) const noexcept {
    KINGLET_UNROLL
    for (int v = 0; v < 4; ++v) {
      acc.v[v] = _mm512_dpbusd_epi32(acc.v[v], column.v[v], first);
    }
    if (has_second) {
      KINGLET_UNROLL
      for (int v = 0; v < 4; ++v) {
        acc.v[v] = _mm512_dpbusd_epi32(acc.v[v], column.v[v], second);
      }
    }
  }
};

}  // namespace detail

/// The parts of an image row that are computed at once: all `count` outputs long, the last moved back to end with the row.
template <index_t Width>
struct Parts {
  static constexpr index_t number = 64 / Width;
  index_t count;
  index_t start[number];  ///< outputs

  explicit Parts(index_t outputs) noexcept : count((outputs + number - 1) / number) {
    for (index_t j = 0; j < number; ++j) {
      start[j] = std::min(j * count, outputs - count);
    }
  }
};

struct PixelRow {
  std::ptrdiff_t step;  ///< bytes from one pixel to the next
  index_t width;
  index_t channels;  ///< of a block
  bool is_signed;    ///< in memory
};

/// Pixels of one block of channels, as they are in memory.
template <index_t Width>
struct Pixels {
  static constexpr index_t parts = Parts<Width>::number;
  std::ptrdiff_t step;  ///< bytes from one pixel to the next
  index_t width;
  bool is_signed;
  index_t shift[parts];  ///< pixels from part 0 to each
  std::ptrdiff_t shift_bytes[parts];
  __mmask64 channels;                    ///< those of a part
  __m512i flip;                          ///< makes activations unsigned
  __m512i zero_point;                    ///< unsigned
  alignas(64) std::uint8_t outside[64];  ///< the zero point as it would be in memory

  Pixels(const Parts<Width>& of, const PixelRow& in, index_t stride, std::uint8_t unsigned_zero) noexcept
      : step(in.step),
        width(in.width),
        is_signed(in.is_signed),
        channels(~__mmask64{0} >> (64 - in.channels)),
        flip(_mm512_set1_epi8(in.is_signed ? -128 : 0)),
        zero_point(_mm512_set1_epi8(static_cast<char>(unsigned_zero))) {
    std::memset(outside, in.is_signed ? unsigned_zero ^ 0x80 : unsigned_zero, sizeof outside);
    for (index_t j = 0; j < parts; ++j) {
      shift[j] = of.start[j] * stride;
      shift_bytes[j] = shift[j] * step;
    }
  }

  /// The bytes of all parts as they are in memory, the first of which is at `at`. Reads `Width` bytes of each.
  [[nodiscard]] KINGLET_ALWAYS_INLINE __m512i load(const std::uint8_t* at) const noexcept {
    if constexpr (Width == 64) {
      return _mm512_loadu_si512(at);
    } else if constexpr (Width == 32) {
      const auto half = [at](std::ptrdiff_t offset) KINGLET_INLINE_LAMBDA {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + offset));
      };
      return _mm512_inserti64x4(_mm512_castsi256_si512(half(0)), half(shift_bytes[1]), 1);
    } else {
      const auto quarter = [at](std::ptrdiff_t offset) KINGLET_INLINE_LAMBDA {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + offset));
      };
      __m512i bytes = _mm512_castsi128_si512(quarter(0));
      bytes = _mm512_inserti32x4(bytes, quarter(shift_bytes[1]), 1);
      bytes = _mm512_inserti32x4(bytes, quarter(shift_bytes[2]), 2);
      return _mm512_inserti32x4(bytes, quarter(shift_bytes[3]), 3);
    }
  }

  /// Of an image row, column x of part 0 and those that belong to it, with the zero point outside the image. Reads no
  /// other channels. @param row null: all of it is outside
  [[nodiscard]] __m512i load_anywhere(const std::uint8_t* row, index_t x) const noexcept {
    const auto at = [&](index_t part) {
      const index_t column = x + shift[part];
      return row != nullptr && column >= 0 && column < width ? row + column * step : outside;
    };
    __m512i bytes;
    if constexpr (Width == 64) {
      bytes = _mm512_maskz_loadu_epi8(channels, at(0));
    } else if constexpr (Width == 32) {
      const auto mask = static_cast<__mmask32>(channels);
      bytes = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(mask, at(0))),
                                 _mm256_maskz_loadu_epi8(mask, at(1)), 1);
    } else {
      const auto mask = static_cast<__mmask16>(channels);
      bytes = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(mask, at(0)));
      bytes = _mm512_inserti32x4(bytes, _mm_maskz_loadu_epi8(mask, at(1)), 1);
      bytes = _mm512_inserti32x4(bytes, _mm_maskz_loadu_epi8(mask, at(2)), 2);
      bytes = _mm512_inserti32x4(bytes, _mm_maskz_loadu_epi8(mask, at(3)), 3);
    }
    return _mm512_xor_si512(bytes, flip);
  }

  /// Columns [0, x) whose parts are all inside, and may be read with Width bytes. @param end of the tensor, behind `row`
  [[nodiscard]] index_t inside_end(const std::uint8_t* row, const std::uint8_t* end) const noexcept {
    std::ptrdiff_t columns = width;
    if (channels != ~__mmask64{0} >> (64 - Width)) {
      columns = std::min<std::ptrdiff_t>(columns, end - row < Width ? 0 : (end - row - Width) / step + 1);
    }
    return static_cast<index_t>(columns) - shift[parts - 1];
  }
};

/// Outputs of one block of channels, an image row after another.
template <index_t Width>
struct PartOutput {
  std::uint8_t* row;
  std::ptrdiff_t row_stride;  ///< bytes from one pixel to the next
  index_t channels;
  const pointwise::Narrowing* narrowing;
  std::ptrdiff_t part[Parts<Width>::number];  ///< bytes from part 0 to each

  bool is_plain;       ///< nothing to clamp, and all of the block's channels
  std::ptrdiff_t gap;  ///< bytes from the end of part 0 to the next image row

  template <index_t Vectors, bool Plain = false>
  KINGLET_ALWAYS_INLINE void store(index_t pixel, index_t, __m512i low, __m512i high) const noexcept {
    std::uint8_t* const to = row + pixel * row_stride;
    pointwise::narrow<Width, Plain>(*this, low, high, [&](__m512i bytes, auto valid) KINGLET_INLINE_LAMBDA {
      pointwise::store_part<Width, 0>(to, bytes, valid);
      if constexpr (Width == 32) {
        pointwise::store_part<32, 2>(to + part[1], bytes, valid);
      } else if constexpr (Width == 16) {
        pointwise::store_part<16, 1>(to + part[1], bytes, valid);
        pointwise::store_part<16, 2>(to + part[2], bytes, valid);
        pointwise::store_part<16, 3>(to + part[3], bytes, valid);
      }
    });
  }
};

/// What becomes of a block's sums. Kernels make their endings of it, a member at a time: a copy made for a call would be
/// read whole right behind being written, for which processors wait.
template <index_t Width>
struct BlockOutput {
  pointwise::PackedBlock block;
  PartOutput<Width> parts;
  bool away;              ///< double_rounding where negative outputs are kept
  std::int32_t* waiting;  ///< room for `IntegerEnding::most` pixels' sums
};

/// Sums of one pixel after another are finished in registers. @tparam PlainOutput it is known to be
template <index_t Width, bool PlainOutput>
struct FloatEnding {
  pointwise::PackedBlock block;
  PartOutput<Width> out;
  __m512 high[4];

  KINGLET_ALWAYS_INLINE explicit FloatEnding(const BlockOutput<Width>& of) noexcept
      : block(of.block), out(of.parts) {
    unrolled<4>([&](auto v) KINGLET_INLINE_LAMBDA { high[v] = _mm512_load_ps(block.floats(v).high); });
  }
  KINGLET_ALWAYS_INLINE void operator()(const Quad& sums) noexcept {
    const auto y = [&](int v) KINGLET_INLINE_LAMBDA {
      __m512i sum = sums.v[v];
      isa::settle(sum);
      return isa::requantize<isa::FloatWay::one_product>(sum, block.floats(v), high[v]);
    };
    const __m512i low = _mm512_packs_epi32(y(0), y(1));
    const __m512i high_half = _mm512_packs_epi32(y(2), y(3));
    out.template store<4, PlainOutput>(0, 1, low, high_half);
    out.row += out.row_stride;
  }
  void next_row() noexcept { out.row += out.gap; }
};

/// Sums wait in the nearest cache for a few pixels to be finished together, by integers.
template <index_t Width>
struct IntegerEnding {
  pointwise::PackedBlock block;
  PartOutput<Width> out;
  bool away;
  std::int32_t* waiting;  ///< `most` pixels' sums
  index_t count = 0;
  static constexpr index_t most = 16;

  KINGLET_ALWAYS_INLINE explicit IntegerEnding(const BlockOutput<Width>& of) noexcept
      : block(of.block), out(of.parts), away(of.away), waiting(of.waiting) {}
  KINGLET_ALWAYS_INLINE void operator()(const Quad& sums) noexcept {
    KINGLET_UNROLL
    for (int v = 0; v < 4; ++v) {
      _mm512_store_si512(waiting + (count * 4 + v) * 16, sums.v[v]);
    }
    if (++count == most) {
      finish();
    }
  }
  void finish() noexcept {
    pointwise::finish_rows<4>({block, away, count}, out, waiting);
    out.row += count * out.row_stride;
    count = 0;
  }
  void next_row() noexcept {
    if (count != 0) {
      finish();
    }
    out.row += out.gap;
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
