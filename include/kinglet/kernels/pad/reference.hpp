// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pad/reference.hpp
/// PAD and PADV2, the truth: output(n, y, x, c) is the input's element at (n, y, x, c) minus `before`, or `value`
/// where the input has none.
#pragma once

#include <kinglet/tensor/view.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::pad {

/// Elements in front of each dimension; how many follow is what the output's extents leave.
struct PadAmounts {
  index_t before[4] = {};
  friend constexpr bool operator==(const PadAmounts&, const PadAmounts&) = default;
};

/// Rank 4, any element type. Input and output do not overlap.
template <class T, class I, class O>
struct PadTensors {
  using element_type = T;
  TensorView<const T, I> input;
  TensorView<T, O> output;
};

struct Reference {
  static constexpr std::string_view name = "reference";

  template <class P>
  static constexpr void run(const PadAmounts& amounts, const P& tensors,
                            typename P::element_type value) noexcept {
    const auto& [input, output] = tensors;
    const auto inside = [&](std::size_t d, index_t i) { return i >= 0 && i < tensors.input.extent(d); };
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          for (index_t c = 0; c < output.extent(3); ++c) {
            const index_t from[4] = {n - amounts.before[0], y - amounts.before[1], x - amounts.before[2],
                                     c - amounts.before[3]};
            const bool hit =
                inside(0, from[0]) && inside(1, from[1]) && inside(2, from[2]) && inside(3, from[3]);
            output(n, y, x, c) = hit ? input(from[0], from[1], from[2], from[3]) : value;
          }
        }
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pad
