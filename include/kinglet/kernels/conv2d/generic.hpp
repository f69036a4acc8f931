// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/generic.hpp
/// The kernel for every target: the patch of input under the filter, taps in the filter's own order, is a row
/// (kernels/row_product.hpp). Taps outside the image are zeros there.
#pragma once

#include <kinglet/kernels/conv2d/reference.hpp>
#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/row_product.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <class C>
  static constexpr std::size_t scratch_bytes(const Window&, const C& tensors) noexcept {
    return rows_of(tensors).scratch_bytes();
  }

  /// Filters are used as they lie in the file.
  template <class C>
  static constexpr std::size_t packed_bytes(const C&) noexcept {
    return 0;
  }
  template <Rounding R, class C>
  static constexpr void pack(const C&, const ConvolutionQuantization&, std::byte*) noexcept {}

  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    const index_t depth = tensors.filter.extent(3);
    const index_t groups = tensors.input.extent(3) / depth;
    auto product = rows_of(tensors);
    ConvolutionQuantization group_quantization = q;
    for (index_t g = 0; g < groups; ++g) {
      const auto widen = [&](std::ptrdiff_t row, auto* to) {
        widen_patch(window, tensors, {row, g * depth, q.input_zero_point}, to);
      };
      multiply_rows<R>(product, group_quantization, widen, memory.scratch);
      product.filter += product.outputs * product.depth;
      product.bias += product.bias == nullptr ? 0 : product.outputs;
      product.output += product.outputs;
      group_quantization.output.multiplier += product.outputs;
    }
  }

 private:
  /// The rows of one group.
  template <class C>
  static constexpr auto rows_of(const C& tensors) noexcept {
    const auto& [input, filter, bias, output] = tensors;
    const std::ptrdiff_t pixels = std::ptrdiff_t{output.extent(0)} * output.extent(1) * output.extent(2);
    const std::ptrdiff_t taps = std::ptrdiff_t{filter.extent(1)} * filter.extent(2);
    return RowProduct<typename C::activation_type, typename C::weight_type>{
        pixels,
        taps * filter.extent(3),
        output.extent(3) / (input.extent(3) / filter.extent(3)),
        filter.data(),
        bias,
        output.data(),
        output.extent(3)};
  }

  struct Patch {
    std::ptrdiff_t pixel;   ///< of the output, counted through the batch
    index_t first_channel;  ///< of the input
    std::int32_t zero_point;
  };

  template <class C, class Wide>
  static void widen_patch(const Window& window, const C& tensors, const Patch& patch, Wide* to) noexcept {
    const auto& [input, filter, bias, output] = tensors;
    const index_t depth = filter.extent(3);
    const std::ptrdiff_t line = patch.pixel / output.extent(2);
    const auto n = line / output.extent(1);
    const auto top = static_cast<index_t>(line % output.extent(1)) * window.stride_h - window.pad_top;
    const auto left =
        static_cast<index_t>(patch.pixel % output.extent(2)) * window.stride_w - window.pad_left;
    const TapRange rows = taps_inside(top, input.extent(1), filter.extent(1), window.dilation_h);
    const TapRange columns = taps_inside(left, input.extent(2), filter.extent(2), window.dilation_w);
    // Neighbouring taps of one group and no dilation are neighbours in memory as well: one run a line.
    const bool dense = window.dilation_w == 1 && depth == input.extent(3);
    const index_t runs = dense ? 1 : columns.end - columns.begin;
    const std::ptrdiff_t run = std::ptrdiff_t{depth} * (dense ? columns.end - columns.begin : 1);
    const std::ptrdiff_t row_size = std::ptrdiff_t{filter.extent(2)} * depth;
    if (columns.begin >= columns.end) {
      std::fill(to, to + padded_depth(filter.extent(1) * row_size), Wide{0});
      return;
    }
    Wide* const end = to + padded_depth(filter.extent(1) * row_size);
    to = std::fill_n(to, rows.begin * row_size, Wide{0});
    for (index_t ky = rows.begin; ky < rows.end; ++ky) {
      const auto* from =
          input.data() + input.offset(n, top + ky * window.dilation_h,
                                      left + columns.begin * window.dilation_w, patch.first_channel);
      to = std::fill_n(to, columns.begin * depth, Wide{0});
      for (index_t i = 0; i < runs; ++i) {
        widen(from, run, patch.zero_point, to);
        to += run;
        from += std::ptrdiff_t{window.dilation_w} * input.extent(3);
      }
      to = std::fill_n(to, (filter.extent(2) - columns.end) * depth, Wide{0});
    }
    std::fill(to, end, Wide{0});
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::conv2d
