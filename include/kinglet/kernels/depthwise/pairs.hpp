// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/pairs.hpp
/// Depthwise convolution by dot products of pairs: two rows of one column of pixels are interleaved and widened to 16
/// bits, so that a channel's two numbers lie together, and one pmaddwd multiplies them with the filter's. `Lanes` is
/// one of isa/lanes_*.hpp.
///
/// With filters up to 3 x 3, strides 1 and 2 and no dilation a column's interleaving serves every output that it
/// touches; otherwise it is done again for each. Pixels outside the image have the input's zero point.
#pragma once

#include <kinglet/kernels/depthwise/packed.hpp>
#include <kinglet/kernels/depthwise/pairs_pack.hpp>
#include <kinglet/kernels/pointwise/pairs_tile.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

namespace detail {

/// Rows of input under the filter, from a vector's first channel on.
template <class T>
struct PairImage {
  static constexpr index_t most_rows = 16;
  const T* row[most_rows];         ///< rows outside the image point to zero points
  std::ptrdiff_t step[most_rows];  ///< elements from one pixel to the next: 0 for those
  index_t rows;
  index_t width;
  const T* outside;  ///< a vector of zero points

  /// The same rows from channel `first` of them on.
  [[nodiscard]] KINGLET_ALWAYS_INLINE PairImage from_channel(index_t first) const noexcept {
    PairImage image;
    for (index_t r = 0; r < rows; ++r) {
      image.row[r] = row[r] + (step[r] == 0 ? 0 : first);
      image.step[r] = step[r];
    }
    image.rows = rows;
    image.width = width;
    image.outside = outside;
    return image;
  }
  /// Row r, column x.
  [[nodiscard]] KINGLET_ALWAYS_INLINE const T* pixel(index_t r, index_t x) const noexcept {
    return x >= 0 && x < width ? row[r] + x * step[r] : outside;
  }
};

/// A vector's channels. Functions make their own copy of the rows, which their stores then cannot be thought to change.
template <class T>
struct PairPart {
  const PairImage<T>* image;
  index_t first_channel;

  [[nodiscard]] KINGLET_ALWAYS_INLINE PairImage<T> rows() const noexcept {
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

/// Where sums go: one vector of an output, the next output's `step` numbers further.
struct PairSums {
  std::int32_t* to;
  index_t step;
};

/// Sums of neighbouring outputs, filter 3 high and 3 wide, no dilation.
template <class Lanes, index_t Stride, class T>
KINGLET_NOINLINE void sum_pairs_3x3(const PairPart<T>& part, const PairFilter& filter, const Span& span,
                                    PairSums sums) noexcept {
  using Register = typename Lanes::Register;
  const PairImage<T> image = part.rows();
  struct Column {
    Register upper;  // rows 0 and 1
    Register lower;  // row 2
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
    const T* pixel[3];
    KINGLET_UNROLL
    for (index_t r = 0; r < 3; ++r) {
      pixel[r] = inside ? image.row[r] + at[r] : image.outside;
      at[r] += image.step[r];
    }
    ++x;
    return Column{Lanes::load_pairs(pixel[0], pixel[1]), Lanes::load_single(pixel[2])};
  };
  Column w[3];
  KINGLET_UNROLL
  for (index_t k = 0; k < 3; ++k) {
    const std::int16_t* const weights = filter.weights + k * Lanes::count * 4;
    w[k] = {Lanes::load(weights), Lanes::load(weights + Lanes::count * 2)};
  }
  const auto add_product = [&](Register sum, const Column& c, index_t k) KINGLET_INLINE_LAMBDA {
    return Lanes::multiply_add(Lanes::multiply_add(sum, c.upper, w[k].upper), c.lower, w[k].lower);
  };
  const Register bias = Lanes::load(filter.bias);
  Column first = next_column();
  Column second = Stride == 1 ? next_column() : Column{};
  for (index_t i = 0; i < span.count; ++i, sums.to += sums.step) {
    if constexpr (Stride == 2) {
      second = next_column();
    }
    const Column third = next_column();
    const Register two = add_product(add_product(bias, first, 0), second, 1);
    Lanes::store(sums.to, Lanes::add32(two, add_product(Lanes::set32(0), third, 2)));
    first = Stride == 1 ? second : third;
    second = third;
  }
}

/// Sums of neighbouring outputs, any filter.
template <class Lanes, class T>
KINGLET_NOINLINE void sum_pairs_any(const PairPart<T>& part, const PairFilter& filter, const Span& span,
                                    PairSums sums) noexcept {
  const PairImage<T> image = part.rows();
  for (index_t i = 0; i < span.count; ++i, sums.to += sums.step) {
    auto sum = Lanes::load(filter.bias);
    const std::int16_t* weights = filter.weights;
    for (index_t kx = 0; kx < filter.filter_w; ++kx) {
      const index_t x = span.first_column + i * span.stride + kx * span.dilation;
      for (index_t r = 0; r < filter.row_pairs * 2; r += 2, weights += Lanes::count * 2) {
        sum = Lanes::multiply_add(sum, Lanes::load_pairs(image.pixel(r, x), image.pixel(r + 1, x)),
                                  Lanes::load(weights));
      }
    }
    Lanes::store(sums.to, sum);
  }
}

/// How the filter moves: one of the steps that `sum_pairs_3x3` has, or any.
enum class PairShape : std::uint8_t { any, three_by_three, three_by_three_step_2 };

template <class Lanes, class T>
void sum_pairs(PairShape shape, const PairPart<T>& part, const PairFilter& filter, const Span& span,
               const PairSums& sums) noexcept {
  switch (shape) {
    case PairShape::any: sum_pairs_any<Lanes>(part, filter, span, sums); break;
    case PairShape::three_by_three: sum_pairs_3x3<Lanes, 1>(part, filter, span, sums); break;
    case PairShape::three_by_three_step_2: sum_pairs_3x3<Lanes, 2>(part, filter, span, sums); break;
  }
}

/// What all image rows of a layer share.
struct PairLayer {
  const Window& window;
  const OutputStage& stage;
  const std::byte* blocks;
  pointwise::Finish finish;
  PairShape shape;
  index_t width;  ///< outputs of an image row
};

/// One row of outputs, all channels. `image` has the rows of input under the filter.
template <class Lanes, class T>
void run_line(const PairDepthwise<Lanes>& layout, const PairLayer& layer, const PairImage<T>& image,
              T* to) noexcept {
  const Window& window = layer.window;
  const index_t width = layer.width;
  constexpr index_t tile = 16;  // outputs whose sums wait in the nearest cache
  constexpr index_t lanes = Lanes::count;
  const std::byte* at = layer.blocks;
  for (index_t b = 0; b < layout.blocks(); ++b) {
    const index_t vectors = layout.vectors_of(b);
    const index_t first = layout.first_channel(b);
    const pointwise::PairBlock<Lanes> block(at, vectors);
    for (index_t x = 0; x < width; x += tile) {
      alignas(64) std::int32_t sums[tile * 2 * lanes];
      const Span span{x * window.stride_w - window.pad_left, window.stride_w, window.dilation_w,
                      std::min(tile, width - x)};
      for (index_t v = 0; v < vectors; ++v) {
        const PairFilter constants{
            block.bias + v * lanes,
            reinterpret_cast<const std::int16_t*>(block.weights) + v * layout.vector_weights(),
            layout.row_pairs(), layout.filter_w};
        sum_pairs<Lanes>(layer.shape, PairPart<T>{&image, first + v * lanes}, constants, span,
                         {sums + v * lanes, vectors * lanes});
      }
      const pointwise::TileOutput<T> out{to + std::ptrdiff_t{x} * layout.channels + first, layout.channels,
                                         span.count, vectors * lanes, &layer.stage};
      vectors == 2 ? pointwise::finish_tile<Lanes, 2>(layer.finish, out, block.stage, sums)
                   : pointwise::finish_tile<Lanes, 1>(layer.finish, out, block.stage, sums);
    }
    at += layout.bytes_of(vectors);
  }
}

}  // namespace detail

/// The engine of kernels/depthwise/packed.hpp. @tparam ElementType activations of that size
template <class Lanes, class ElementType>
struct PairEngine : DepthwiseShape {
  static constexpr std::string_view name = Lanes::name;
  static constexpr index_t most_rows = detail::PairImage<ElementType>::most_rows;
  static constexpr index_t least_channels = 4;

  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return with_layout([](const auto& layout) { return layout.bytes(); });
  }
  template <Rounding R, class T, class W>
  constexpr void pack(const pointwise::RowFilters<W, accumulator_t<T>>& from,
                      const ConvolutionQuantization& q, std::byte* packed) const noexcept {
    with_layout([&](const auto& layout) { pack_pairs<R, T>(layout, from, q, packed); });
  }
  static bool needs_wide_sums(const std::byte* packed) noexcept {
    return pointwise::PairHead::load(packed + pointwise::aligned_offset(packed)).is_wide;
  }

  /// Image rows outside, so that the input rows under the filter stay in the nearest cache for all blocks.
  template <Rounding R, class C>
  void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
           const std::byte* packed) const noexcept {
    using T = typename C::activation_type;
    using Policy = std::conditional_t<sizeof(T) == 1, R, single_rounding>;
    const auto& [input, filter, bias, output] = tensors;
    const std::byte* const head = packed + pointwise::aligned_offset(packed);
    const detail::PairLayer layer{window,
                                  q.output,
                                  head + pointwise::packed_alignment,
                                  pointwise::PairHead::load(head).finish<Policy>(q.output),
                                  shape_of(window),
                                  output.extent(2)};
    T outside[Lanes::count];
    std::fill_n(outside, Lanes::count, static_cast<T>(q.input_zero_point));
    detail::PairImage<T> image;
    image.rows = (filter_h + 1) / 2 * 2;
    image.width = input.extent(2);
    image.outside = outside;
    with_layout([&]<class L>(const PairDepthwise<L>& layout) {
      [[maybe_unused]] const typename L::Rounding rounding(layer.finish.is_float);
      for (index_t n = 0; n < tensors.output.extent(0); ++n) {
        for (index_t y = 0; y < tensors.output.extent(1); ++y) {
          for (index_t ky = 0; ky < image.rows; ++ky) {
            const index_t in_y = y * window.stride_h - window.pad_top + ky * window.dilation_h;
            const bool inside = ky < filter_h && in_y >= 0 && in_y < tensors.input.extent(1);
            image.row[ky] =
                inside ? tensors.input.data() + tensors.input.offset(n, window.row_at(in_y)) : outside;
            image.step[ky] = inside ? channels : 0;
          }
          detail::run_line(layout, layer, image, tensors.output.data() + tensors.output.offset(n, y));
        }
      }
    });
  }

 private:
  /// Calls f(PairDepthwise) with as many lanes as there are channels for.
  template <class F, class L = Lanes>
  constexpr auto with_layout(const F& f) const noexcept {
    if constexpr (!std::is_void_v<typename L::Half>) {
      if (channels < L::count) {
        return with_layout<F, typename L::Half>(f);
      }
    }
    return f(PairDepthwise<L>{*this});
  }

  [[nodiscard]] constexpr detail::PairShape shape_of(const Window& window) const noexcept {
    using enum detail::PairShape;
    if (filter_h != 3 || filter_w != 3 || window.dilation_w != 1) {
      return any;
    }
    return window.stride_w == 1 ? three_by_three : window.stride_w == 2 ? three_by_three_step_2 : any;
  }
};

/// A target's engines for 8-bit and 16-bit activations.
template <class Lanes>
using PackedPairs = Packed<PairEngine<Lanes, std::int8_t>, PairEngine<Lanes, std::int16_t>>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
