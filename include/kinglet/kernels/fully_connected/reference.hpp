// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/reference.hpp
/// FULLY_CONNECTED, the truth: plain loops.
///
/// output(n, o) = stage(bias(o) + sum over i of (input(n, i) - zi) * (filter(o, i) - zf)).
#pragma once

#include <kinglet/kernels/convolution.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

struct Reference {
  static constexpr std::string_view name = "reference";

  template <Rounding R, class C>
  static constexpr void run(const C& tensors, const ConvolutionQuantization& q) noexcept {
    using Accumulator = typename C::bias_type;
    const auto& [input, filter, bias, output] = tensors;
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t o = 0; o < output.extent(1); ++o) {
        Accumulator sum = bias == nullptr ? 0 : bias[o];
        for (index_t i = 0; i < input.extent(1); ++i) {
          const Accumulator value = input(n, i);
          sum = wrapping_multiply_add<Accumulator>(sum, value - q.input_zero_point,
                                                   filter(o, i) - q.filter_zero_point);
        }
        output(n, o) = static_cast<typename C::activation_type>(q.output.template apply<R>(sum, o));
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected
