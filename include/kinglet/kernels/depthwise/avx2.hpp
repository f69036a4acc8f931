// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx2.hpp
/// Depthwise convolution on AVX2, 8 channels at a time: two rows of one column of pixels are interleaved and widened to
/// 16 bits, so that a channel's two numbers lie together, and one vpmaddwd multiplies them with the filter's.
///
/// With filters up to 3 x 3, strides 1 and 2 and no dilation a column's interleaving serves every output that it
/// touches; otherwise it is done again for each. Pixels outside the image have the input's zero point.
#pragma once

#include <kinglet/kernels/depthwise/avx2_pack.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/depthwise/packed.hpp>
#include <kinglet/kernels/pointwise/avx2_tile.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

namespace detail {

/// Rows of input under the filter, for up to 8 channels.
struct PairImage {
  static constexpr index_t most_rows = 16;
  const std::uint8_t* row[most_rows];  ///< rows outside the image point to zero points
  std::ptrdiff_t step[most_rows];      ///< bytes from one pixel to the next: 0 for those
  index_t rows;
  index_t width;
  index_t channels;             ///< valid ones, from the first
  const std::uint8_t* outside;  ///< 8 zero points

  /// The same rows from channel `first` of them on.
  [[nodiscard]] KINGLET_ALWAYS_INLINE PairImage from_channel(index_t first) const noexcept {
    PairImage image;
    for (index_t r = 0; r < rows; ++r) {
      image.row[r] = row[r] + (step[r] == 0 ? 0 : first);
      image.step[r] = step[r];
    }
    image.rows = rows;
    image.width = width;
    image.channels = std::min(channels - first, pointwise::PairRows::lanes);
    image.outside = outside;
    return image;
  }

  /// Row r, column x.
  [[nodiscard]] KINGLET_ALWAYS_INLINE const std::uint8_t* pixel(index_t r, index_t x) const noexcept {
    return x >= 0 && x < width ? row[r] + x * step[r] : outside;
  }
  /// The channels of a pixel; never reads further.
  template <bool Whole>
  KINGLET_ALWAYS_INLINE __m128i load(const std::uint8_t* at) const noexcept {
    if constexpr (Whole) {
      return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
    } else {
      std::uint64_t bytes = 0;
      for (index_t c = 0; c < channels; ++c) {
        bytes |= std::uint64_t{at[c]} << (8 * c);
      }
      return _mm_cvtsi64_si128(static_cast<long long>(bytes));
    }
  }
  /// Two rows of a column, 16 bits wide.
  template <bool Whole, bool Signed>
  KINGLET_ALWAYS_INLINE __m256i pair(const std::uint8_t* first, const std::uint8_t* second) const noexcept {
    const __m128i both = _mm_unpacklo_epi8(load<Whole>(first), load<Whole>(second));
    return Signed ? _mm256_cvtepi8_epi16(both) : _mm256_cvtepu8_epi16(both);
  }
  /// One row alone: the other's weights are 0.
  template <bool Whole, bool Signed>
  KINGLET_ALWAYS_INLINE __m256i single(const std::uint8_t* first) const noexcept {
    const __m128i x = load<Whole>(first);
    return Signed ? _mm256_cvtepi8_epi32(x) : _mm256_cvtepu8_epi32(x);
  }
};

/// A vector's channels. Functions make their own copy of the rows, which their stores then cannot be thought to change.
struct PairPart {
  const PairImage* image;
  index_t first_channel;

  [[nodiscard]] KINGLET_ALWAYS_INLINE PairImage rows() const noexcept {
    return image->from_channel(first_channel);
  }
};

/// One vector's constants while running.
struct PairFilter {
  const std::int32_t* bias;
  const std::int16_t* weights;
  index_t row_pairs;
  index_t filter_w;
};

KINGLET_ALWAYS_INLINE __m256i load_vector(const void* from) noexcept {
  return _mm256_load_si256(static_cast<const __m256i*>(from));
}

/// Sums of neighbouring outputs, filter 3 high and 3 wide, no dilation.
template <index_t Stride, bool Whole, bool Signed>
KINGLET_NOINLINE void sum_pairs_3x3(const PairPart& part, const PairFilter& filter, const Span& span,
                                    std::int32_t* sums) noexcept {
  const PairImage image = part.rows();
  struct Column {
    __m256i upper;  // rows 0 and 1
    __m256i lower;  // row 2
  };
  index_t x = span.first_column;
  std::ptrdiff_t at[3];
  KINGLET_UNROLL
  for (index_t r = 0; r < 3; ++r) {
    at[r] = x * image.step[r];
  }
  const auto next_column = [&]() KINGLET_INLINE_LAMBDA {
    // As unsigned numbers, columns left of the image are beyond any width, too.
    const bool inside = static_cast<std::uint32_t>(x) < static_cast<std::uint32_t>(image.width);
    const std::uint8_t* pixel[3];
    KINGLET_UNROLL
    for (index_t r = 0; r < 3; ++r) {
      pixel[r] = inside ? image.row[r] + at[r] : image.outside;
      at[r] += image.step[r];
    }
    ++x;
    return Column{image.pair<Whole, Signed>(pixel[0], pixel[1]), image.single<Whole, Signed>(pixel[2])};
  };
  Column w[3];
  KINGLET_UNROLL
  for (index_t k = 0; k < 3; ++k) {
    w[k] = {load_vector(filter.weights + k * 32), load_vector(filter.weights + k * 32 + 16)};
  }
  const auto product = [&](const Column& c, index_t k) KINGLET_INLINE_LAMBDA {
    return _mm256_add_epi32(_mm256_madd_epi16(c.upper, w[k].upper), _mm256_madd_epi16(c.lower, w[k].lower));
  };
  const __m256i bias = load_vector(filter.bias);
  Column first = next_column();
  Column second = Stride == 1 ? next_column() : Column{};
  for (index_t i = 0; i < span.count; ++i, sums += PairDepthwise::block_channels) {
    if constexpr (Stride == 2) {
      second = next_column();
    }
    const Column third = next_column();
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bias, product(first, 0)),
                                         _mm256_add_epi32(product(second, 1), product(third, 2)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums), sum);
    first = Stride == 1 ? second : third;
    second = third;
  }
}

/// Sums of neighbouring outputs, any filter.
template <bool Whole, bool Signed>
KINGLET_NOINLINE void sum_pairs_any(const PairPart& part, const PairFilter& filter, const Span& span,
                                    std::int32_t* sums) noexcept {
  const PairImage image = part.rows();
  for (index_t i = 0; i < span.count; ++i, sums += PairDepthwise::block_channels) {
    __m256i sum = load_vector(filter.bias);
    const std::int16_t* weights = filter.weights;
    for (index_t kx = 0; kx < filter.filter_w; ++kx) {
      const index_t x = span.first_column + i * span.stride + kx * span.dilation;
      for (index_t r = 0; r < filter.row_pairs * 2; r += 2, weights += 16) {
        sum = _mm256_add_epi32(
            sum, _mm256_madd_epi16(image.pair<Whole, Signed>(image.pixel(r, x), image.pixel(r + 1, x)),
                                   load_vector(weights)));
      }
    }
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums), sum);
  }
}

/// How the filter moves: one of the steps that `sum_pairs_3x3` has, or any.
enum class PairShape : std::uint8_t { any, three_by_three, three_by_three_step_2 };

template <bool Whole, bool Signed>
void sum_pairs(PairShape shape, const PairPart& part, const PairFilter& filter, const Span& span,
               std::int32_t* sums) noexcept {
  switch (shape) {
    case PairShape::any: sum_pairs_any<Whole, Signed>(part, filter, span, sums); break;
    case PairShape::three_by_three: sum_pairs_3x3<1, Whole, Signed>(part, filter, span, sums); break;
    case PairShape::three_by_three_step_2: sum_pairs_3x3<2, Whole, Signed>(part, filter, span, sums); break;
  }
}

}  // namespace detail

/// The engine of kernels/depthwise/packed.hpp.
struct Avx2Blocks : PairDepthwise {
  static constexpr std::string_view name = "avx2";
  static constexpr index_t most_rows = detail::PairImage::most_rows;

  template <Rounding R, class T, class W>
  constexpr void pack(const pointwise::RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_pairs<R>(*this, from, q, packed);
  }

  /// Image rows outside, so that the input rows under the filter stay in the nearest cache for all blocks.
  template <Rounding R, class C>
  void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
           const std::byte* packed) const noexcept {
    const auto& output = tensors.output;
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        run_line<R>(window, tensors, q, {packed + pointwise::aligned_offset(packed), n, y});
      }
    }
  }

 private:
  static constexpr index_t tile = 16;  ///< outputs whose sums wait in the nearest cache: 1 KiB

  struct Line {
    const std::byte* packed;
    index_t n, y;
  };

  template <Rounding R, class C>
  void run_line(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                const Line& line) const noexcept {
    using T = typename C::activation_type;
    constexpr bool is_signed = std::is_signed_v<T>;
    constexpr index_t lanes = pointwise::PairRows::lanes;
    const auto& [input, filter, bias, output] = tensors;
    const auto how = pointwise::Finish::of<R>(q.output, *line.packed != std::byte{0});
    const std::byte* at = line.packed + pointwise::packed_alignment;
    std::uint8_t outside[pointwise::PairRows::lanes];
    std::memset(outside, q.input_zero_point, sizeof outside);
    detail::PairImage image;
    image.rows = row_pairs() * 2;
    image.width = input.extent(2);
    image.channels = channels;
    image.outside = outside;
    for (index_t ky = 0; ky < image.rows; ++ky) {
      const index_t y = line.y * window.stride_h - window.pad_top + ky * window.dilation_h;
      const bool inside = ky < filter_h && y >= 0 && y < input.extent(1);
      const T* const row = input.data() + input.offset(line.n, inside ? y : 0);
      image.row[ky] = inside ? reinterpret_cast<const std::uint8_t*>(row) : outside;
      image.step[ky] = inside ? channels : 0;
    }
    const auto shape = shape_of(window);
    for (index_t first = 0; first < channels; first += block_channels, at += block_bytes()) {
      const pointwise::PairBlock block(at, vectors);
      const index_t count = std::min(channels - first, block_channels);
      for (index_t x = 0; x < output.extent(2); x += tile) {
        alignas(32) std::int32_t sums[tile * block_channels];
        const Span span{x * window.stride_w - window.pad_left, window.stride_w, window.dilation_w,
                        std::min(tile, output.extent(2) - x)};
        for (index_t v = 0; v * lanes < count; ++v) {
          const detail::PairFilter constants{
              block.bias + v * lanes,
              reinterpret_cast<const std::int16_t*>(block.weights) + v * vector_weights(), row_pairs(),
              filter_w};
          const detail::PairPart part{&image, first + v * lanes};
          count - v* lanes >= lanes
              ? detail::sum_pairs<true, is_signed>(shape, part, constants, span, sums + v * lanes)
              : detail::sum_pairs<false, is_signed>(shape, part, constants, span, sums + v * lanes);
        }
        const pointwise::TileOutput<T> out{output.data() + output.offset(line.n, line.y, x, first), channels,
                                           span.count, count, &q.output};
        pointwise::finish_tile<vectors>(how, out, block.stage, sums);
      }
    }
  }

  [[nodiscard]] constexpr detail::PairShape shape_of(const Window& window) const noexcept {
    using enum detail::PairShape;
    if (filter_h != 3 || filter_w != 3 || window.dilation_w != 1) {
      return any;
    }
    return window.stride_w == 1 ? three_by_three : window.stride_w == 2 ? three_by_three_step_2 : any;
  }
};

using Avx2 = Packed<Avx2Blocks>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
