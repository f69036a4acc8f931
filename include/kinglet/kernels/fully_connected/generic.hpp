// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/generic.hpp
/// The kernel for every target: each vector of the batch is a row (kernels/row_product.hpp).
#pragma once

#include <kinglet/kernels/fully_connected/reference.hpp>
#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/row_product.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

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
    const auto widen_vector = [&](std::ptrdiff_t n, auto* to) {
      const std::ptrdiff_t depth = tensors.input.extent(1);
      widen_row(tensors.input.data() + n * depth, depth, q.input_zero_point, to);
    };
    multiply_rows<R>(rows_of(tensors), q, widen_vector, memory.scratch);
  }

 private:
  template <class C>
  static constexpr auto rows_of(const C& tensors) noexcept {
    const auto& [input, filter, bias, output] = tensors;
    return RowProduct<typename C::activation_type, typename C::weight_type>{
        input.extent(0), input.extent(1), output.extent(1), filter.data(), bias,
        output.data(),   output.extent(1)};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected
