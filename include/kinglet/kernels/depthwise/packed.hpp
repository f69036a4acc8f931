// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/packed.hpp
/// Depthwise convolution on packed filters. A target's `Engine` is what differs:
/// | member                                 | what                                     |
/// |----------------------------------------|------------------------------------------|
/// | Engine{filter_h, filter_w, channels}   | a layer's shape                          |
/// | name                                   | the target's                             |
/// | most_rows                              | of a filter                              |
/// | bytes()                                | of packed filters                        |
/// | pack<R, T, W>(filters, q, to)          | constexpr; T: activations, W: weights    |
/// | run<R>(window, tensors, q, packed)     | the whole convolution                    |
#pragma once

#include <kinglet/kernels/depthwise/generic.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Neighbouring outputs of one image row.
struct Span {
  index_t first_column;  ///< of the input under output 0's first tap
  index_t stride;
  index_t dilation;
  index_t count;
};

/// 8-bit activations, depth multiplier 1, filters of at most `most_rows`; everything else takes the generic kernel.
template <class Engine>
struct Packed {
  static constexpr std::string_view name = Engine::name;

  template <class C>
  static constexpr bool applies(const C& tensors) noexcept {
    return sizeof(typename C::activation_type) == 1 && tensors.input.extent(3) == tensors.output.extent(3) &&
           tensors.filter.extent(1) <= Engine::most_rows;
  }
  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    return applies(tensors) ? engine(tensors).bytes() : Generic::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window& window, const C& tensors) noexcept {
    return applies(tensors) ? 0 : Generic::scratch_bytes(window, tensors);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (sizeof(typename C::activation_type) == 1) {
      if (applies(tensors)) {
        using W = typename C::weight_type;
        engine(tensors).template pack<R, typename C::activation_type, W>(
            pointwise::RowFilters<W>{tensors.filter.data(), tensors.bias}, q, packed);
        return;
      }
    }
    Generic::pack<R>(tensors, q, packed);
  }
  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    if constexpr (sizeof(typename C::activation_type) == 1) {
      if (applies(tensors)) {
        engine(tensors).template run<R>(window, decay(tensors), q, memory.packed);
        return;
      }
    }
    Generic::run<R>(window, tensors, q, memory);
  }

 private:
  template <class C>
  static constexpr Engine engine(const C& tensors) noexcept {
    return {{tensors.filter.extent(1), tensors.filter.extent(2), tensors.output.extent(3)}};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
