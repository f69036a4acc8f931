// SPDX-License-Identifier: Apache-2.0
/// @file nn/layers.hpp
/// Single-operator layers. A layer says which shapes it accepts and appends its operators.
#pragma once

#include <kinglet/nn/graph.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

/// Full convolution, NHWC -> N H' W' Channels. 1x1 with stride 1 runs as pointwise.
template <index_t Channels, Filter F>
struct Conv2D {
  static constexpr bool accepts(const Shape& input) noexcept { return Channels >= 1 && F.fits(input); }
  static constexpr void append(Builder& b) { b.conv2d(Channels, F); }
};

/// 1x1 convolution.
template <index_t Channels, Activation A = Activation::none>
using Pointwise = Conv2D<Channels, Filter{}.with(A)>;

/// One filter a channel, NHWC -> N H' W' (C * Multiplier).
template <Filter F, index_t Multiplier = 1>
struct DepthwiseConv2D {
  static constexpr bool accepts(const Shape& input) noexcept { return Multiplier >= 1 && F.fits(input); }
  static constexpr void append(Builder& b) { b.depthwise(Multiplier, F); }
};

/// N H W C, taken as rows of H W C elements -> N 1 1 Units.
template <index_t Units, Activation A = Activation::none>
struct FullyConnected {
  static constexpr bool accepts(const Shape&) noexcept { return Units >= 1; }
  static constexpr void append(Builder& b) {
    b.append(Operator::fully_connected, Filter{}.with(A), {b.shape().batch, 1, 1, Units});
  }
};

/// Mean over height and width, with rescaling: N H W C -> N 1 1 C.
struct Mean {
  static constexpr bool accepts(const Shape&) noexcept { return true; }
  static constexpr void append(Builder& b) {
    b.append(Operator::mean, Filter{}, {b.shape().batch, 1, 1, b.shape().channels});
  }
};

/// Mean of each window; quantization stays the input's.
template <Filter F>
struct AveragePool2D {
  static constexpr bool accepts(const Shape& input) noexcept { return F.fits(input); }
  static constexpr void append(Builder& b) {
    b.append(Operator::average_pool, F, F.output(b.shape(), b.shape().channels));
  }
};

/// Largest of each window; quantization stays the input's.
template <Filter F>
struct MaxPool2D {
  static constexpr bool accepts(const Shape& input) noexcept { return F.fits(input); }
  static constexpr void append(Builder& b) {
    b.append(Operator::max_pool, F, F.output(b.shape(), b.shape().channels));
  }
};

/// Average pool over the whole image: N H W C -> N 1 1 C. Unlike Mean it does not rescale.
struct GlobalAveragePool {
  static constexpr bool accepts(const Shape&) noexcept { return true; }
  static constexpr void append(Builder& b) {
    const Filter whole = Filter{.height = b.shape().height, .width = b.shape().width}.valid();
    b.append(Operator::average_pool, whole, {b.shape().batch, 1, 1, b.shape().channels});
  }
};

/// Over the channels of every pixel.
struct Softmax {
  static constexpr bool accepts(const Shape&) noexcept { return true; }
  static constexpr void append(Builder& b) { b.append(Operator::softmax, Filter{}, b.shape()); }
};

}  // namespace kinglet::inline KINGLET_TARGET::nn
