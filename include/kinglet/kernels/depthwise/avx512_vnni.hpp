// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx512_vnni.hpp
/// Depthwise convolution on AVX-512 with VNNI, 64 channels at a time: four rows of one column of pixels are interleaved
/// so that a channel's four bytes lie together, and one vpdpbusd multiplies them with the filter's column.
///
/// With filters 3 wide, strides 1 and 2 and no dilation a column's interleaving serves every output that it touches;
/// otherwise it is done again for each. Pixels outside the image have the input's zero point.
#pragma once

#include <kinglet/kernels/depthwise/pack.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/depthwise/packed.hpp>
#include <kinglet/kernels/pointwise/avx512_vnni.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

namespace detail {

/// Four vectors of 16 channels; 4 rows of a column interleaved, or sums.
struct Quad {
  __m512i v[4];
};

/// Four rows of input under the filter, for one block of channels.
template <bool Signed>
struct Rows {
  const std::uint8_t* row[4];  ///< rows outside the image point to zero points
  std::ptrdiff_t step[4];      ///< bytes from one pixel to the next: 0 for those
  index_t width;
  __mmask64 channels;
  const std::uint8_t* outside;  ///< 64 zero points

  KINGLET_ALWAYS_INLINE __m512i load(int r, index_t x) const noexcept {
    const __m512i u = _mm512_maskz_loadu_epi8(channels, row[r] + x * step[r]);
    return Signed ? _mm512_xor_si512(u, _mm512_set1_epi8(-128)) : u;
  }
  /// Column x; the zero point outside the image.
  template <bool FourRows>
  KINGLET_ALWAYS_INLINE Quad column(index_t x) const noexcept {
    __m512i r[4];
    if (x >= 0 && x < width) {
      r[0] = load(0, x);
      r[1] = load(1, x);
      r[2] = load(2, x);
      r[3] = FourRows ? load(3, x) : _mm512_setzero_si512();
    } else {
      const __m512i u = _mm512_loadu_si512(outside);
      const __m512i zero = Signed ? _mm512_xor_si512(u, _mm512_set1_epi8(-128)) : u;
      r[0] = r[1] = r[2] = r[3] = zero;
    }
    const __m512i low01 = _mm512_unpacklo_epi8(r[0], r[1]);
    const __m512i high01 = _mm512_unpackhi_epi8(r[0], r[1]);
    const __m512i low23 = _mm512_unpacklo_epi8(r[2], r[3]);
    const __m512i high23 = _mm512_unpackhi_epi8(r[2], r[3]);
    return {{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
             _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
  }
};

/// One block's constants while running.
struct Block {
  const std::int32_t* bias;
  const std::int8_t* weights;
  std::int32_t d;  ///< 128 - zf of unsigned weights
  index_t filter_h;
  index_t filter_w;
};

/// acc + one column of the filter; for unsigned weights also the plain sums that d multiplies.
KINGLET_ALWAYS_INLINE void add_column(Quad& acc, const Quad& column, const __m512i* w) noexcept {
  KINGLET_UNROLL
  for (int v = 0; v < 4; ++v) {
    acc.v[v] = _mm512_dpbusd_epi32(acc.v[v], column.v[v], w[v]);
  }
}

/// Sums of `count` neighbouring outputs, filter at most 3 high and exactly 3 wide, no dilation.
template <index_t Stride, bool Signed>
KINGLET_NOINLINE void sum_3_wide(const Rows<Signed>& rows, const Block& block, const Span& span,
                                 std::int32_t* sums) noexcept {
  __m512i w[3][4];
  Quad bias;
  KINGLET_UNROLL
  for (int v = 0; v < 4; ++v) {
    KINGLET_UNROLL
    for (int k = 0; k < 3; ++k) {
      w[k][v] = _mm512_loadu_si512(block.weights + (k * 4 + v) * 64);
    }
    bias.v[v] = _mm512_loadu_si512(block.bias + v * 16);
  }
  // Ones where the filter has rows: the plain sums of unsigned activations.
  const __m512i ones = _mm512_set1_epi32(0x00010101 >> (8 * (3 - block.filter_h)));
  const __m512i d = _mm512_set1_epi32(block.d);
  index_t x = span.first_column;
  Quad first = rows.template column<false>(x);
  Quad second = Stride == 1 ? rows.template column<false>(x + 1) : Quad{};
  for (index_t i = 0; i < span.count; ++i, x += Stride) {
    if constexpr (Stride == 2) {
      second = rows.template column<false>(x + 1);
    }
    const Quad third = rows.template column<false>(x + 2);
    Quad acc = bias;
    add_column(acc, first, w[0]);
    add_column(acc, second, w[1]);
    add_column(acc, third, w[2]);
    if constexpr (!Signed) {
      KINGLET_UNROLL
      for (int v = 0; v < 4; ++v) {
        __m512i plain = _mm512_dpbusd_epi32(_mm512_setzero_si512(), first.v[v], ones);
        plain = _mm512_dpbusd_epi32(plain, second.v[v], ones);
        plain = _mm512_dpbusd_epi32(plain, third.v[v], ones);
        acc.v[v] = _mm512_add_epi32(acc.v[v], _mm512_mullo_epi32(plain, d));
      }
    }
    KINGLET_UNROLL
    for (int v = 0; v < 4; ++v) {
      _mm512_store_si512(sums + (i * 4 + v) * 16, acc.v[v]);
    }
    first = Stride == 1 ? second : third;
    second = third;
  }
}

/// Sums of neighbouring outputs, any filter; `groups` has the rows of input in fours.
template <bool Signed>
KINGLET_NOINLINE void sum_any(const Rows<Signed>* groups, const Block& block, const Span& span,
                              std::int32_t* sums) noexcept {
  const __m512i d = _mm512_set1_epi32(block.d);
  for (index_t i = 0; i < span.count; ++i) {
    Quad acc;
    Quad plain;
    KINGLET_UNROLL
    for (int v = 0; v < 4; ++v) {
      acc.v[v] = _mm512_loadu_si512(block.bias + v * 16);
      plain.v[v] = _mm512_setzero_si512();
    }
    const std::int8_t* weights = block.weights;
    for (index_t ky = 0; ky < block.filter_h; ky += 4) {
      const auto& rows = groups[ky / 4];
      const index_t missing = std::max(index_t{0}, ky + 4 - block.filter_h);
      const __m512i ones[] = {_mm512_set1_epi32(0x01010101 >> (8 * missing))};
      for (index_t kx = 0; kx < block.filter_w; ++kx, weights += 256) {
        const Quad column =
            rows.template column<true>(span.first_column + i * span.stride + kx * span.dilation);
        const __m512i w[] = {_mm512_loadu_si512(weights), _mm512_loadu_si512(weights + 64),
                             _mm512_loadu_si512(weights + 128), _mm512_loadu_si512(weights + 192)};
        add_column(acc, column, w);
        if constexpr (!Signed) {
          KINGLET_UNROLL
          for (int v = 0; v < 4; ++v) {
            plain.v[v] = _mm512_dpbusd_epi32(plain.v[v], column.v[v], ones[0]);
          }
        }
      }
    }
    KINGLET_UNROLL
    for (int v = 0; v < 4; ++v) {
      _mm512_store_si512(sums + (i * 4 + v) * 16,
                         _mm512_add_epi32(acc.v[v], _mm512_mullo_epi32(plain.v[v], d)));
    }
  }
}

}  // namespace detail

/// The engine of kernels/depthwise/packed.hpp.
struct Avx512VnniBlocks : PackedDepthwise {
  static constexpr std::string_view name = "avx512_vnni";
  static constexpr index_t most_groups = 4;
  static constexpr index_t most_rows = 4 * most_groups;

  template <Rounding R, class T, class W>
  constexpr void pack(const pointwise::RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_depthwise<R, T>(*this, from, q, packed);
  }

  template <Rounding R, class C>
  void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
           const std::byte* packed) const noexcept {
    using T = typename C::activation_type;
    constexpr bool is_signed = std::is_signed_v<T>;
    const auto& [input, filter, bias, output] = tensors;
    const PackedDepthwise& layout = *this;
    const std::byte* at = packed + pointwise::aligned_offset(packed);
    const bool is_short = *at != std::byte{0};
    at += pointwise::packed_alignment;
    const auto how = pointwise::Finish::of<R>(q.output, is_short);
    alignas(64) std::uint8_t outside[64];
    std::memset(outside, q.input_zero_point, sizeof outside);
    const bool three_wide = layout.filter_h <= 3 && layout.filter_w == 3 && window.dilation_w == 1 &&
                            (window.stride_w == 1 || window.stride_w == 2);
    for (index_t b = 0; b < layout.blocks(); ++b, at += layout.block_bytes()) {
      const index_t first = b * PackedDepthwise::block_channels;
      const pointwise::PackedBlock constants(at, 4);
      const detail::Block block{constants.bias, constants.weights,
                                (std::is_signed_v<typename C::weight_type> ? 0 : 128) - q.filter_zero_point,
                                layout.filter_h, layout.filter_w};
      const index_t count = std::min(channels - first, PackedDepthwise::block_channels);
      detail::Rows<is_signed> rows[most_groups];
      for (auto& group : rows) {
        group.width = input.extent(2);
        group.channels = ~__mmask64{0} >> (64 - count);
        group.outside = outside;
      }
      for (index_t n = 0; n < output.extent(0); ++n) {
        for (index_t y = 0; y < output.extent(1); ++y) {
          for (index_t ky = 0; ky < layout.groups() * 4; ++ky) {
            const index_t in_y = y * window.stride_h - window.pad_top + ky * window.dilation_h;
            const bool inside = ky < layout.filter_h && in_y >= 0 && in_y < input.extent(1);
            const T* const row = input.data() + input.offset(n, inside ? in_y : 0, 0, first);
            rows[ky / 4].row[ky % 4] = inside ? reinterpret_cast<const std::uint8_t*>(row) : outside;
            rows[ky / 4].step[ky % 4] = inside ? channels : 0;
          }
          for (index_t x = 0; x < output.extent(2); x += tile) {
            alignas(64) std::int32_t sums[tile * 64];
            const Span span{x * window.stride_w - window.pad_left, window.stride_w, window.dilation_w,
                            std::min(tile, output.extent(2) - x)};
            if (three_wide && window.stride_w == 1) {
              detail::sum_3_wide<1>(rows[0], block, span, sums);
            } else if (three_wide) {
              detail::sum_3_wide<2>(rows[0], block, span, sums);
            } else {
              detail::sum_any(rows, block, span, sums);
            }
            const pointwise::TileOutput<T> out{output.data() + output.offset(n, y, x, first), channels,
                                               span.count, count, &q.output};
            pointwise::detail::finish<4>(how, out, constants.stage, sums);
          }
        }
      }
    }
  }

 private:
  static constexpr index_t tile = 16;  ///< outputs whose sums wait in the nearest cache: 4 KiB
};

using Avx512Vnni = Packed<Avx512VnniBlocks>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
