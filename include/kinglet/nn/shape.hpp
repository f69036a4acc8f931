// SPDX-License-Identifier: Apache-2.0
/// @file nn/shape.hpp
/// Shapes and filters as template arguments of typed layers.
#pragma once

#include <kinglet/kernels/window.hpp>
#include <kinglet/quant/activation.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

/// Batch, height, width, channels.
struct Shape {
  index_t batch = 1;
  index_t height = 1;
  index_t width = 1;
  index_t channels = 1;

  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return static_cast<std::size_t>(batch) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  friend constexpr bool operator==(const Shape&, const Shape&) = default;
};

namespace detail {
template <Shape S>
struct extents_of_shape {  // a class in between: gcc 12 crashes on an alias that takes S apart
  using type = Extents<S.batch, S.height, S.width, S.channels>;
};
}  // namespace detail

/// The same shape as a type.
template <Shape S>
using extents_of = typename detail::extents_of_shape<S>::type;

/// A filter and how it moves: `Filter{.height = 3, .width = 3}`, or shorter `square(3)`.
struct Filter {
  index_t height = 1;
  index_t width = 1;
  index_t stride_h = 1;
  index_t stride_w = 1;
  index_t dilation_h = 1;
  index_t dilation_w = 1;
  Padding padding = Padding::same;
  Activation activation = Activation::none;  ///< fused behind the operator

  /// The same filter with an activation behind it.
  [[nodiscard]] constexpr Filter with(Activation a) const noexcept {
    Filter f = *this;
    f.activation = a;
    return f;
  }
  /// The same filter over images that are not padded.
  [[nodiscard]] constexpr Filter valid() const noexcept {
    Filter f = *this;
    f.padding = Padding::valid;
    return f;
  }
  [[nodiscard]] constexpr WindowExtent over_height(index_t input) const noexcept {
    return window_extent(padding, input, height, stride_h, dilation_h);
  }
  [[nodiscard]] constexpr WindowExtent over_width(index_t input) const noexcept {
    return window_extent(padding, input, width, stride_w, dilation_w);
  }
  /// Steps and padding over an image.
  [[nodiscard]] constexpr Window window(const Shape& input) const noexcept {
    return {stride_h,
            stride_w,
            dilation_h,
            dilation_w,
            over_height(input.height).pad_before,
            over_width(input.width).pad_before};
  }
  /// Output shape; an extent is 0 where the filter does not fit.
  [[nodiscard]] constexpr Shape output(const Shape& input, index_t channels) const noexcept {
    return {input.batch, over_height(input.height).output, over_width(input.width).output, channels};
  }
  [[nodiscard]] constexpr bool fits(const Shape& input) const noexcept {
    return height >= 1 && width >= 1 && stride_h >= 1 && stride_w >= 1 && dilation_h >= 1 &&
           dilation_w >= 1 && over_height(input.height).output >= 1 && over_width(input.width).output >= 1;
  }
  friend constexpr bool operator==(const Filter&, const Filter&) = default;
};

/// A square filter with equal strides, SAME padding.
constexpr Filter square(index_t size, index_t stride = 1) noexcept {
  return {.height = size, .width = size, .stride_h = stride, .stride_w = stride};
}

}  // namespace kinglet::inline KINGLET_TARGET::nn
