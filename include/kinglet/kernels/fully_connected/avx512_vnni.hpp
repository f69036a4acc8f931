// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/avx512_vnni.hpp
/// Each vector of the batch is a row of the pointwise kernel.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/fully_connected/generic.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

/// 8-bit activations; 16-bit ones take the generic kernel.
struct Avx512Vnni {
  static constexpr std::string_view name = "avx512_vnni";

  template <class C>
  static constexpr bool applies = sizeof(typename C::activation_type) == 1;

  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    return applies<C> ? rows_of(tensors).bytes() : Generic::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const C& tensors) noexcept {
    return applies<C> ? 0 : Generic::scratch_bytes(tensors);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (applies<C>) {
      using Filters = pointwise::RowFilters<typename C::weight_type>;
      pointwise::pack_rows<R, typename C::activation_type>(
          rows_of(tensors), Filters{tensors.filter.data(), tensors.bias}, q, packed);
    } else {
      Generic::pack<R>(tensors, q, packed);
    }
  }
  template <Rounding R, class C>
  static void run(const C& tensors, const ConvolutionQuantization& q, const KernelMemory& memory) noexcept {
    if constexpr (applies<C>) {
      const auto& [input, filter, bias, output] = tensors;
      const pointwise::RowRun<typename C::activation_type> run{input.data(), input.extent(1), input.extent(0),
                                                               output.data(), output.extent(1)};
      pointwise::multiply_packed<R>(rows_of(tensors), run, q, memory.packed);
    } else {
      Generic::run<R>(tensors, q, memory);
    }
  }

 private:
  template <class C>
  static constexpr pointwise::PackedRows rows_of(const C& tensors) noexcept {
    return {tensors.input.extent(1), tensors.output.extent(1)};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
