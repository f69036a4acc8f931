// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/packed.hpp
/// Pointwise convolution on packed filters: each pixel is a row. What rows are multiplied by is the target's `Engine`,
/// which CONV_2D and FULLY_CONNECTED use as well:
/// | member                         | what                                                                          |
/// |--------------------------------|-------------------------------------------------------------------------------|
/// | Engine{depth, outputs}         | a layer's shape                                                               |
/// | name                           | the target's                                                                  |
/// | bytes()                        | of packed filters                                                             |
/// | scratch_bytes<T>(rows)         | for that many rows at once, or fewer                                          |
/// | gathered_rows(rows)            | of so many, those that should come together where they are copied first       |
/// | pack<R, T, W>(filters, q, to)  | constexpr; T: activations, W: weights                                         |
/// | multiply<R, T, W>(run, q, mem) | all rows of a run                                                             |
/// | keeps_unsigned                 | true, or absent: kernels/unsigned_bytes.hpp                                   |
/// | may_overwrite()                | outputs may lie on rows at least as long as they are; absent: never           |
#pragma once

#include <kinglet/kernels/pointwise/generic.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>
#include <kinglet/kernels/unsigned_bytes.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Activations that no engine is for take the generic kernel.
template <class Engine, class Engine16 = void>
struct Packed {
  static constexpr std::string_view name = Engine::name;

  template <class C>
  using engine_of = engine_for<typename C::activation_type, Engine, Engine16>;
  template <class C>
  static constexpr bool applies = !std::is_void_v<engine_of<C>>;

  template <class C>
  static constexpr bool keeps_unsigned(const C&) noexcept {
    if constexpr (requires { engine_of<C>::keeps_unsigned; }) {
      return engine_of<C>::keeps_unsigned;
    } else {
      return false;
    }
  }
  /// The output may begin where the input does.
  template <class C>
  static constexpr bool may_overwrite(const C& tensors) noexcept {
    if constexpr (applies<C> && requires { engine(tensors).may_overwrite(); }) {
      return tensors.input.extent(3) >= tensors.output.extent(3) && engine(tensors).may_overwrite();
    } else {
      return false;
    }
  }
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
      return engine(tensors).template scratch_bytes<typename C::activation_type>(pixels(tensors));
    } else {
      return Generic::scratch_bytes(tensors);
    }
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (applies<C>) {
      using W = typename C::weight_type;
      engine(tensors).template pack<R, typename C::activation_type, W>(
          RowFilters<W, typename C::bias_type>{tensors.filter.data(), tensors.bias}, q, packed);
    } else {
      Generic::pack<R>(tensors, q, packed);
    }
  }
  template <Rounding R, class C>
  static void run(const C& tensors, const ConvolutionQuantization& q, const KernelMemory& memory) noexcept {
    if constexpr (applies<C>) {
      using T = typename C::activation_type;
      const auto& [input, filter, bias, output] = tensors;
      const RowRun<T> rows{input.data(), input.extent(3), pixels(tensors), output.data(), output.extent(3)};
      engine(tensors).template multiply<R, T, typename C::weight_type>(rows, q, memory);
    } else {
      Generic::run<R>(tensors, q, memory);
    }
  }

 private:
  template <class C>
  static constexpr engine_of<C> engine(const C& tensors) noexcept {
    return {{tensors.input.extent(3), tensors.output.extent(3)}};
  }
  template <class C>
  static constexpr std::ptrdiff_t pixels(const C& tensors) noexcept {
    const auto& input = tensors.input;
    return std::ptrdiff_t{input.extent(0)} * input.extent(1) * input.extent(2);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
