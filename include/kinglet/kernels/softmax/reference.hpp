// SPDX-License-Identifier: Apache-2.0
/// @file kernels/softmax/reference.hpp
/// SOFTMAX, the truth: plain loops.
///
/// e(i) = table(largest - input(i)); sum = e(0) + e(1) + ... in this order; p = e(i) * (1 / (sum * output_scale));
/// output(i) = clamp(round(p) + zero_point). All in single precision, every operation rounded by itself.
#pragma once

#include <algorithm>
#include <kinglet/kernels/softmax/quantization.hpp>
#include <limits>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::softmax {

struct Reference {
  static constexpr std::string_view name = "reference";

  template <class S>
  static constexpr void run(const S& tensors, const SoftmaxQuantization& q) noexcept {
    using T = typename S::input_type;
    using U = typename S::element_type;
    // 8-bit unsigned outputs add the half in single precision, which carries the float just below 0.5 to 1. No
    // other float comes near enough to a tie for the difference to show.
    constexpr double half = std::is_same_v<U, std::uint8_t> ? 0.5 + 0x1p-25 : 0.5;
    constexpr std::int32_t highest = std::numeric_limits<U>::max();
    const std::ptrdiff_t depth = tensors.input.extent(1);
    for (index_t row = 0; row < tensors.input.extent(0); ++row) {
      const T* const input = tensors.input.data() + tensors.input.offset(row);
      U* const output = tensors.output.data() + tensors.output.offset(row);
      const T largest = *std::max_element(input, input + depth);
      float sum = 0.0F;
      for (std::ptrdiff_t i = 0; i < depth; ++i) {
        sum += q.table[largest - input[i]];
      }
      const float inverse = 1.0F / rounded(sum * q.output_scale);
      for (std::ptrdiff_t i = 0; i < depth; ++i) {
        const float p = q.table[largest - input[i]] * inverse;
        // p <= 1 / output_scale. The half is added in double: nothing to contract, nothing to round.
        const auto rounded_p = static_cast<std::int32_t>(static_cast<double>(p) + half);
        output[i] = static_cast<U>(std::min(rounded_p + q.zero_point, highest));
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::softmax
