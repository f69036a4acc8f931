// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/generic.hpp
/// ADD in blocks that compilers vectorize.
///
/// Tensors of one shape are one long row. Otherwise every row of channels is added by itself, and an input with
/// one channel is scaled once per row.
#pragma once

#include <kinglet/kernels/add/reference.hpp>
#include <kinglet/kernels/blocks.hpp>
#include <kinglet/quant/uniform_requantize.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <Rounding R, class A>
  static constexpr void run(const A& tensors, const AddQuantization& q) noexcept {
    using T = typename A::element_type;
    const auto& [lhs, rhs, output] = tensors;
    if (lhs.extents() == output.extents() && rhs.extents() == output.extents()) {
      const auto size = static_cast<std::ptrdiff_t>(output.size());
      row<R>(Row<T>{{lhs.data(), false}, {rhs.data(), false}, output.data(), size}, q);
      return;
    }
    const auto row_of = [](const auto& view, index_t n, index_t y, index_t x) {
      const std::ptrdiff_t offset =
          view.offset(view.extent(0) == 1 ? 0 : n, view.extent(1) == 1 ? 0 : y, view.extent(2) == 1 ? 0 : x);
      return Operand<T>{view.data() + offset, view.extent(3) == 1};
    };
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          row<R>(Row<T>{row_of(lhs, n, y, x), row_of(rhs, n, y, x), output.data() + output.offset(n, y, x),
                        output.extent(3)},
                 q);
        }
      }
    }
  }

 private:
  template <class T>
  struct Operand {
    const T* data;
    bool repeats;  ///< one element for the whole row
  };
  template <class T>
  struct Row {
    Operand<T> lhs;
    Operand<T> rhs;
    T* output;
    std::ptrdiff_t size;
  };

  template <Rounding R, class T>
  static constexpr void row(const Row<T>& r, const AddQuantization& q) noexcept {
    if (sizeof(T) == 1 && q.linear.shift != 0 && !r.lhs.repeats && !r.rhs.repeats) {
      const auto linear = q.linear;
      for_blocks(
          r.size, [&r, &linear, min = q.output.min, max = q.output.max](std::ptrdiff_t start, auto count) {
            T block[block_size];
            for (index_t i = 0; i < count; ++i) {
              block[i] =
                  static_cast<T>(std::clamp(linear(r.lhs.data[start + i], r.rhs.data[start + i]), min, max));
            }
            std::copy_n(block, static_cast<index_t>(count), r.output + start);
          });
      return;
    }
    const Elements<R> element(q);
    for_blocks(r.size, [&r, &element](std::ptrdiff_t start, auto count) {
      // Both inputs are read before the first output is written: the row may be its own output.
      std::int32_t lhs[block_size];
      std::int32_t rhs[block_size];
      scale(lhs, r.lhs, start, count, element.lhs);
      scale(rhs, r.rhs, start, count, element.rhs);
      T* const output = r.output + start;
      const auto finish = element.output;  // local: a store of 8 bits may alias anything with an address
      for (index_t i = 0; i < count; ++i) {
        output[i] = static_cast<T>(finish(lhs[i] + rhs[i]));
      }
    });
  }

  /// The three steps of an element; equal to those of the reference.
  template <Rounding R>
  struct Elements {
    struct Input {
      std::int32_t zero_point;
      std::int32_t left_shift;
      UniformRequantize<R> scale;
      KINGLET_ALWAYS_INLINE constexpr std::int32_t operator()(std::int32_t x) const noexcept {
        return scale(wrapping_shift_left(x - zero_point, left_shift));
      }
    };
    struct Output {
      UniformRequantize<R> scale;
      AddQuantization::Output stage;
      KINGLET_ALWAYS_INLINE constexpr std::int32_t operator()(std::int32_t x) const noexcept {
        return std::clamp(wrapping_add(scale(x), stage.zero_point), stage.min, stage.max);
      }
    };
    Input lhs;
    Input rhs;
    Output output;

    constexpr explicit Elements(const AddQuantization& q) noexcept
        : lhs{q.lhs.zero_point, q.left_shift, UniformRequantize<R>(q.lhs.multiplier)},
          rhs{q.rhs.zero_point, q.left_shift, UniformRequantize<R>(q.rhs.multiplier)},
          output{UniformRequantize<R>(q.output.multiplier), q.output} {}
  };

  template <class T>
  KINGLET_ALWAYS_INLINE static constexpr void scale(std::int32_t* block, const Operand<T>& from,
                                                    std::ptrdiff_t start, auto count, auto element) noexcept {
    if (from.repeats) {
      std::fill_n(block, static_cast<index_t>(count), element(*from.data));
      return;
    }
    const T* const data = from.data + start;
    for (index_t i = 0; i < count; ++i) {
      block[i] = element(data[i]);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::add
