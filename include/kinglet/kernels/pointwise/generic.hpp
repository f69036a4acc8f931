// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/generic.hpp
/// The kernel for every target: each pixel is a row (kernels/row_product.hpp).
#pragma once

#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/reference.hpp>
#include <kinglet/kernels/row_product.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <class C>
  static constexpr std::size_t scratch_bytes(const C& tensors) noexcept {
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
  static void run(const C& tensors, const ConvolutionQuantization& q, const KernelMemory& memory) noexcept {
    const auto widen_pixel = [&](std::ptrdiff_t pixel, auto* to) {
      const std::ptrdiff_t depth = tensors.input.extent(3);
      widen_row(tensors.input.data() + pixel * depth, depth, q.input_zero_point, to);
    };
    multiply_rows<R>(rows_of(tensors), q, widen_pixel, memory.scratch);
  }

 private:
  template <class C>
  static constexpr auto rows_of(const C& tensors) noexcept {
    const auto& [input, filter, bias, output] = tensors;
    const std::ptrdiff_t pixels = std::ptrdiff_t{input.extent(0)} * input.extent(1) * input.extent(2);
    return RowProduct<typename C::activation_type, typename C::weight_type>{
        pixels, input.extent(3), output.extent(3), filter.data(), bias, output.data(), output.extent(3)};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
