// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/packed.hpp
/// Each vector of the batch is a row that a target's engine multiplies (kernels/pointwise/packed.hpp).
#pragma once

#include <kinglet/kernels/fully_connected/generic.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

/// 8-bit activations; 16-bit ones take the generic kernel.
template <class Engine>
struct Packed {
  static constexpr std::string_view name = Engine::name;

  template <class C>
  static constexpr bool applies = sizeof(typename C::activation_type) == 1;

  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    return applies<C> ? engine(tensors).bytes() : Generic::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const C& tensors) noexcept {
    return applies<C> ? engine(tensors).scratch_bytes(tensors.input.extent(0))
                      : Generic::scratch_bytes(tensors);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (applies<C>) {
      using W = typename C::weight_type;
      engine(tensors).template pack<R, typename C::activation_type, W>(
          pointwise::RowFilters<W>{tensors.filter.data(), tensors.bias}, q, packed);
    } else {
      Generic::pack<R>(tensors, q, packed);
    }
  }
  template <Rounding R, class C>
  static void run(const C& tensors, const ConvolutionQuantization& q, const KernelMemory& memory) noexcept {
    if constexpr (applies<C>) {
      const auto& [input, filter, bias, output] = tensors;
      using T = typename C::activation_type;
      const pointwise::RowRun<T> rows{input.data(), input.extent(1), input.extent(0), output.data(),
                                      output.extent(1)};
      engine(tensors).template multiply<R, T, typename C::weight_type>(rows, q, memory);
    } else {
      Generic::run<R>(tensors, q, memory);
    }
  }

 private:
  template <class C>
  static constexpr Engine engine(const C& tensors) noexcept {
    return {{tensors.input.extent(1), tensors.output.extent(1)}};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected
