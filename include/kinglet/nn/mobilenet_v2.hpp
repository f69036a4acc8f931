// SPDX-License-Identifier: Apache-2.0
/// @file nn/mobilenet_v2.hpp
/// MobileNetV2 as one type: table 2 of Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018).
#pragma once

#include <kinglet/nn/inverted_residual.hpp>
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/sequential.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

/// `channels` times a width multiplier, rounded to a multiple of 8 but never down by more than a tenth: the rule of
/// the authors' networks.
constexpr index_t scaled_channels(index_t channels, index_t width_percent) noexcept {
  const index_t hundredfold = channels * width_percent;
  const index_t nearest = (hundredfold + 400) / 800 * 8;
  const index_t rounded = nearest < 8 ? 8 : nearest;
  return rounded * 1000 < hundredfold * 9 ? rounded + 8 : rounded;
}

/// @tparam Width the width multiplier in percent: 100, 75, 50, 35, 140...  @tparam Size of the square input.
/// @tparam Pool Mean as Keras exports it, or GlobalAveragePool as the older files have it.
template <index_t Width = 100, index_t Size = 224, index_t Classes = 1000, class Pool = Mean,
          class T = std::int8_t>
using MobileNetV2 = Sequential<
    Input<T, Size, Size, 3>,                                                   //
    Conv2D<scaled_channels(32, Width), square(3, 2).with(Activation::relu6)>,  // input        t  c   n  s
    InvertedResiduals<1, scaled_channels(16, Width), 1, 1>,                    // 112x112x32   1  16  1  1
    InvertedResiduals<6, scaled_channels(24, Width), 2, 2>,                    // 112x112x16   6  24  2  2
    InvertedResiduals<6, scaled_channels(32, Width), 3, 2>,                    //  56x56x24    6  32  3  2
    InvertedResiduals<6, scaled_channels(64, Width), 4, 2>,                    //  28x28x32    6  64  4  2
    InvertedResiduals<6, scaled_channels(96, Width), 3, 1>,                    //  14x14x64    6  96  3  1
    InvertedResiduals<6, scaled_channels(160, Width), 3, 2>,                   //  14x14x96    6  160 3  2
    InvertedResiduals<6, scaled_channels(320, Width), 1, 1>,                   //   7x7x160    6  320 1  1
    Pointwise<scaled_channels(1280, Width > 100 ? Width : 100), Activation::relu6>,  //   7x7x320
    Pool, Pointwise<Classes>, Softmax>;

}  // namespace kinglet::inline KINGLET_TARGET::nn
