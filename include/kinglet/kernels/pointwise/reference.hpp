// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/reference.hpp
/// CONV_2D with a 1x1 filter, stride 1, no padding and one group, the truth: plain loops.
///
/// output(n, y, x, o) = stage(bias(o) + sum over i of (input(n, y, x, i) - zi) * (filter(o, 0, 0, i) - zf)).
#pragma once

#include <kinglet/kernels/convolution.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

struct Reference {
  static constexpr std::string_view name = "reference";

  template <Rounding R, class C>
  static constexpr void run(const C& tensors, const ConvolutionQuantization& q) noexcept {
    using Accumulator = typename C::bias_type;
    const auto& [input, filter, bias, output] = tensors;
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          for (index_t o = 0; o < output.extent(3); ++o) {
            Accumulator sum = bias == nullptr ? 0 : bias[o];
            for (index_t i = 0; i < input.extent(3); ++i) {
              const Accumulator value = input(n, y, x, i);
              sum = wrapping_multiply_add<Accumulator>(sum, value - q.input_zero_point,
                                                       filter(o, 0, 0, i) - q.filter_zero_point);
            }
            output(n, y, x, o) = static_cast<typename C::activation_type>(q.output.template apply<R>(sum, o));
          }
        }
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
