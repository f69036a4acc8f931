// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/packed.hpp
/// Each vector of the batch is a row that a target's engine multiplies (kernels/pointwise/packed.hpp).
#pragma once

#include <kinglet/kernels/fully_connected/generic.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

/// Activations that no engine is for take the generic kernel.
template <class Engine, class Engine16 = void>
struct Packed {
  static constexpr std::string_view name = Engine::name;

  template <class C>
  using engine_of = pointwise::engine_for<typename C::activation_type, Engine, Engine16>;
  template <class C>
  static constexpr bool applies = !std::is_void_v<engine_of<C>>;

  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    if constexpr (applies<C>) {
      return engine(tensors).bytes();
    } else {
      return Generic::packed_bytes(tensors);
    }
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const C& tensors) noexcept {
    if constexpr (applies<C>) {
      return engine(tensors).template scratch_bytes<typename C::activation_type>(tensors.input.extent(0));
    } else {
      return Generic::scratch_bytes(tensors);
    }
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (applies<C>) {
      using W = typename C::weight_type;
      engine(tensors).template pack<R, typename C::activation_type, W>(
          pointwise::RowFilters<W, typename C::bias_type>{tensors.filter.data(), tensors.bias}, q, packed);
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
  static constexpr engine_of<C> engine(const C& tensors) noexcept {
    return {{tensors.input.extent(1), tensors.output.extent(1)}};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected
