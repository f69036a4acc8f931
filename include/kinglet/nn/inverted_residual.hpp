// SPDX-License-Identifier: Apache-2.0
/// @file nn/inverted_residual.hpp
/// The building block of MobileNetV2 (Sandler et al. 2018, section 3.3 and table 1): expand 1x1 (RELU6), depthwise
/// (RELU6), project 1x1 (linear), and the input added where shapes allow.
#pragma once

#include <kinglet/nn/graph.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

/// @tparam Expansion channels inside over channels at the input, t; with 1 there is no expanding convolution.
/// @tparam Channels at the output, c.  @tparam Stride of the depthwise filter, s.  @tparam Size of it, 3 or 5.
template <index_t Expansion, index_t Channels, index_t Stride = 1, index_t Size = 3>
struct InvertedResidual {
  static constexpr bool accepts(const Shape& input) noexcept {
    return Expansion >= 1 && Channels >= 1 && square(Size, Stride).fits(input);
  }
  static constexpr void append(Builder& b) {
    const index_t input = b.last();
    const index_t channels = b.shape().channels;
    if (Expansion != 1) {
      b.conv2d(channels * Expansion, Filter{}.with(Activation::relu6));
    }
    b.depthwise(1, square(Size, Stride).with(Activation::relu6));
    b.conv2d(Channels, Filter{});
    if (Stride == 1 && Channels == channels) {
      b.add(input, Activation::none);
    }
  }
};

/// A row of the paper's table 2: n blocks, the first with stride s, the others with 1.
template <index_t Expansion, index_t Channels, index_t Repeats, index_t Stride>
struct InvertedResiduals {
  static constexpr bool accepts(const Shape& input) noexcept {
    return Repeats >= 1 && InvertedResidual<Expansion, Channels, Stride>::accepts(input);
  }
  static constexpr void append(Builder& b) {
    InvertedResidual<Expansion, Channels, Stride>::append(b);
    for (index_t i = 1; i < Repeats; ++i) {
      InvertedResidual<Expansion, Channels, 1>::append(b);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::nn
