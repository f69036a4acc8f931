// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/packed.hpp
/// Depthwise convolution on packed filters. A target's `Engine` is what differs:
/// | member                                 | what                                         |
/// |----------------------------------------|----------------------------------------------|
/// | Engine{filter_h, filter_w, channels}   | a layer's shape                              |
/// | name                                   | the target's                                 |
/// | most_rows, least_channels              | of a filter; of a layer, 1 when absent       |
/// | bytes()                                | of packed filters                            |
/// | pack<R, T, W>(filters, q, to)          | constexpr; T: activations, W: weights        |
/// | run<R>(window, tensors, q, packed)     | the whole convolution, by `keeps_row_order`  |
/// | needs_wide_sums(packed)                | of 16-bit activations: whether `run` may not |
/// | keeps_unsigned                         | true, or absent: kernels/unsigned_bytes.hpp  |
#pragma once

#include <kinglet/kernels/depthwise/generic.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>
#include <kinglet/kernels/unsigned_bytes.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// Neighbouring outputs of one image row.
struct Span {
  index_t first_column;  ///< of the input under output 0's first tap
  index_t stride;
  index_t dilation;
  index_t count;
};

/// Depth multiplier 1, at least `least_channels`, filters of at most `most_rows`; everything else, activations that no
/// engine is for, and 16-bit ones whose sums need more than 32 bits, take the generic kernel.
template <class Engine, class Engine16 = void>
struct Packed {
  static constexpr std::string_view name = Engine::name;

  template <class C>
  using engine_of = pointwise::engine_for<typename C::activation_type, Engine, Engine16>;
  template <class C>
  static constexpr bool has_engine = !std::is_void_v<engine_of<C>>;

  template <class E>
  static constexpr index_t least_channels() noexcept {
    if constexpr (requires { E::least_channels; }) {
      return E::least_channels;
    } else {
      return 1;
    }
  }

  template <class C>
  static constexpr bool applies(const C& tensors) noexcept {
    if constexpr (has_engine<C>) {
      return tensors.input.extent(3) == tensors.output.extent(3) &&
             tensors.output.extent(3) >= least_channels<engine_of<C>>() &&
             tensors.filter.extent(1) <= engine_of<C>::most_rows;
    } else {
      return false;
    }
  }
  template <class C>
  static constexpr bool keeps_unsigned(const C& tensors) noexcept {
    if constexpr (requires { engine_of<C>::keeps_unsigned; }) {
      return engine_of<C>::keeps_unsigned && applies(tensors);
    } else {
      return false;
    }
  }
  /// kernels/convolution.hpp. All engines do: rows stand outside, where channels may be computed twice, or blocks of
  /// channels that have none in common.
  template <class C>
  static constexpr bool keeps_row_order(const C& tensors) noexcept {
    const bool never_generic = sizeof(typename C::activation_type) == 1 && applies(tensors);
    return never_generic || Generic::keeps_row_order(tensors);
  }
  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    if constexpr (has_engine<C>) {
      if (applies(tensors)) {
        return engine(tensors).bytes();
      }
    }
    return Generic::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window& window, const C& tensors) noexcept {
    const bool never_generic = sizeof(typename C::activation_type) == 1 && applies(tensors);
    return never_generic ? 0 : Generic::scratch_bytes(window, tensors);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (has_engine<C>) {
      if (applies(tensors)) {
        using W = typename C::weight_type;
        engine(tensors).template pack<R, typename C::activation_type, W>(
            pointwise::RowFilters<W, typename C::bias_type>{tensors.filter.data(), tensors.bias}, q, packed);
        return;
      }
    }
    Generic::pack<R>(tensors, q, packed);
  }
  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    if constexpr (has_engine<C>) {
      if (applies(tensors) && !needs_wide_sums<C>(memory.packed)) {
        engine(tensors).template run<R>(window, decay(tensors), q, memory.packed);
        return;
      }
    }
    Generic::run<R>(window, tensors, q, memory);
  }

 private:
  template <class C>
  static bool needs_wide_sums(const std::byte* packed) noexcept {
    if constexpr (sizeof(typename C::activation_type) == 2) {
      return engine_of<C>::needs_wide_sums(packed);
    } else {
      return false;
    }
  }
  template <class C>
  static constexpr engine_of<C> engine(const C& tensors) noexcept {
    return {{tensors.filter.extent(1), tensors.filter.extent(2), tensors.output.extent(3)}};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
