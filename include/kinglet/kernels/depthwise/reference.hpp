// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/reference.hpp
/// DEPTHWISE_CONV_2D, the truth: plain loops.
///
/// output(n, y, x, o) = stage(bias(o) + sum over ky, kx of
///   (input(n, y*sh - pt + ky*dh, x*sw - pl + kx*dw, o / m) - zi) * (filter(0, ky, kx, o) - zf)),
/// with the depth multiplier m = O / C. Taps outside the image add nothing.
#pragma once

#include <kinglet/kernels/convolution.hpp>
#include <kinglet/kernels/window.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

struct Reference {
  static constexpr std::string_view name = "reference";

  template <Rounding R, class C>
  static constexpr void run(const Window& window, const C& tensors,
                            const ConvolutionQuantization& q) noexcept {
    using Accumulator = typename C::bias_type;
    const auto& [input, filter, bias, output] = tensors;
    const index_t depth_multiplier = output.extent(3) / input.extent(3);
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        const index_t top = y * window.stride_h - window.pad_top;
        const TapRange rows = taps_inside(top, input.extent(1), filter.extent(1), window.dilation_h);
        for (index_t x = 0; x < output.extent(2); ++x) {
          const index_t left = x * window.stride_w - window.pad_left;
          const TapRange columns = taps_inside(left, input.extent(2), filter.extent(2), window.dilation_w);
          for (index_t o = 0; o < output.extent(3); ++o) {
            Accumulator sum = bias == nullptr ? 0 : bias[o];
            for (index_t ky = rows.begin; ky < rows.end; ++ky) {
              for (index_t kx = columns.begin; kx < columns.end; ++kx) {
                const Accumulator value = input(n, window.row_at(top + ky * window.dilation_h),
                                                left + kx * window.dilation_w, o / depth_multiplier);
                sum = wrapping_multiply_add<Accumulator>(sum, value - q.input_zero_point,
                                                         filter(0, ky, kx, o) - q.filter_zero_point);
              }
            }
            output(n, y, x, o) = static_cast<typename C::activation_type>(q.output.template apply<R>(sum, o));
          }
        }
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
