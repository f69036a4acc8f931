// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/generic.hpp
/// ADD in blocks that compilers vectorize.
///
/// Tensors of one shape are one long row. Otherwise every row of channels is added by itself, and an input
/// with one channel is scaled once per row.
#pragma once

#include <kinglet/kernels/add/reference.hpp>
#include <kinglet/kernels/blocks.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <Rounding R, class A>
  static constexpr void run(const A& tensors, const AddQuantization& q) noexcept {
    using T = typename A::element_type;
    const auto& [lhs, rhs, output] = tensors;
    if (lhs.extents() == output.extents() && rhs.extents() == output.extents()) {
      const auto size = static_cast<std::ptrdiff_t>(output.size());
      row<R>(Row<T>{lhs.data(), false, rhs.data(), false, output.data(), size}, q);
      return;
    }
    const auto row_of = [](const auto& view, index_t n, index_t y, index_t x) {
      return view.data() + view.offset(view.extent(0) == 1 ? 0 : n, view.extent(1) == 1 ? 0 : y,
                                       view.extent(2) == 1 ? 0 : x);
    };
    const index_t depth = output.extent(3);
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          row<R>(Row<T>{row_of(lhs, n, y, x), lhs.extent(3) == 1, row_of(rhs, n, y, x), rhs.extent(3) == 1,
                        output.data() + output.offset(n, y, x), std::ptrdiff_t{depth}},
                 q);
        }
      }
    }
  }

 private:
  template <class T>
  struct Row {
    const T* lhs;
    bool lhs_repeats;  ///< one element for the whole row
    const T* rhs;
    bool rhs_repeats;
    T* output;
    std::ptrdiff_t size;
  };

  template <Rounding R, class T>
  static constexpr void row(const Row<T>& r, const AddQuantization& q) noexcept {
    for_blocks(r.size, [&](std::ptrdiff_t start, auto count) {
      // The sums are complete before the first output is written: the row may be its own output.
      std::int32_t sum[block_size];
      load<R>(sum, r.lhs_repeats ? r.lhs : r.lhs + start, Load{q.lhs, q.left_shift, r.lhs_repeats, false},
              count);
      load<R>(sum, r.rhs_repeats ? r.rhs : r.rhs + start, Load{q.rhs, q.left_shift, r.rhs_repeats, true},
              count);
      T* const output = r.output + start;
      for (index_t i = 0; i < count; ++i) {
        output[i] = static_cast<T>(scale_output<R>(sum[i], q.output));
      }
    });
  }

  struct Load {
    AddQuantization::Input input;
    std::int32_t left_shift;
    bool repeats;
    bool accumulates;  ///< adds to the block instead of setting it
  };

  template <Rounding R, class T>
  static constexpr void load(std::int32_t* sum, const T* from, const Load& how, auto count) noexcept {
    if (how.repeats) {
      const std::int32_t value = scale_input<R>(*from, how.input, how.left_shift);
      for (index_t i = 0; i < count; ++i) {
        sum[i] = how.accumulates ? sum[i] + value : value;
      }
      return;
    }
    for (index_t i = 0; i < count; ++i) {
      const std::int32_t value = scale_input<R>(from[i], how.input, how.left_shift);
      sum[i] = how.accumulates ? sum[i] + value : value;
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::add
