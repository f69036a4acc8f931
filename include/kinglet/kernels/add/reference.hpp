// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/reference.hpp
/// ADD, the truth: plain loops, and the arithmetic of one element.
#pragma once

#include <kinglet/kernels/add/quantization.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::add {

/// An input at the common scale. |result| <= 2^30, so two of them can be added.
template <Rounding R>
constexpr std::int32_t scale_input(std::int32_t value, const AddQuantization::Input& q,
                                   std::int32_t left_shift) noexcept {
  return requantize<R>(wrapping_shift_left(value - q.zero_point, left_shift), q.multiplier);
}

/// The sum of two scaled inputs as an output.
template <Rounding R>
constexpr std::int32_t scale_output(std::int32_t sum, const AddQuantization::Output& q) noexcept {
  return std::clamp(wrapping_add(requantize<R>(sum, q.multiplier), q.zero_point), q.min, q.max);
}

struct Reference {
  static constexpr std::string_view name = "reference";

  template <Rounding R, class A>
  static constexpr void run(const A& tensors, const AddQuantization& q) noexcept {
    using T = typename A::element_type;
    const auto& [lhs, rhs, output] = tensors;
    const auto at = [](const auto& view, index_t n, index_t y, index_t x, index_t c) {
      return view(view.extent(0) == 1 ? 0 : n, view.extent(1) == 1 ? 0 : y, view.extent(2) == 1 ? 0 : x,
                  view.extent(3) == 1 ? 0 : c);
    };
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          for (index_t c = 0; c < output.extent(3); ++c) {
            const std::int32_t a = scale_input<R>(at(lhs, n, y, x, c), q.lhs, q.left_shift);
            const std::int32_t b = scale_input<R>(at(rhs, n, y, x, c), q.rhs, q.left_shift);
            output(n, y, x, c) = static_cast<T>(scale_output<R>(a + b, q.output));
          }
        }
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::add
