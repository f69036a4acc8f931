// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pad/generic.hpp
/// PAD by rows: what lies outside is filled, what lies inside is copied, a whole image row at once when the
/// channels are not padded.
#pragma once

#include <algorithm>
#include <kinglet/kernels/pad/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::pad {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <class P>
  static constexpr void run(const PadAmounts& amounts, const P& tensors,
                            typename P::element_type value) noexcept {
    const auto& [input, output] = tensors;
    const std::ptrdiff_t pixel = output.extent(3);
    const std::ptrdiff_t row = output.extent(2) * pixel;
    const bool whole_rows = input.extent(3) == output.extent(3);
    auto* to = output.data();
    for (index_t n = 0; n < output.extent(0); ++n) {
      const index_t from_n = n - amounts.before[0];
      for (index_t y = 0; y < output.extent(1); ++y, to += row) {
        const index_t from_y = y - amounts.before[1];
        if (from_n < 0 || from_n >= input.extent(0) || from_y < 0 || from_y >= input.extent(1)) {
          std::fill_n(to, row, value);
          continue;
        }
        const auto* from = input.data() + input.offset(from_n, from_y);
        auto* const inside = std::fill_n(to, amounts.before[2] * pixel, value);
        auto* end = inside;
        if (whole_rows) {
          end = std::copy_n(from, input.extent(2) * pixel, inside);
        } else {
          for (index_t x = 0; x < input.extent(2); ++x, from += input.extent(3)) {
            auto* const pixel_end = end + pixel;
            end = std::fill_n(end, amounts.before[3], value);
            end = std::copy_n(from, input.extent(3), end);
            end = std::fill_n(end, pixel_end - end, value);
          }
        }
        std::fill_n(end, to + row - end, value);
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pad
