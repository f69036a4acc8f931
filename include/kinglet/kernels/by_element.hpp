// SPDX-License-Identifier: Apache-2.0
/// @file kernels/by_element.hpp
/// One kernel for some types of activations, another one for the rest, under the name of the first.
#pragma once

#include <kinglet/kernels/convolution.hpp>
#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/window.hpp>
#include <string_view>
#include <type_traits>

namespace kinglet::inline KINGLET_TARGET {

struct SignedEightBits {
  template <class C>
  static constexpr bool is = std::is_same_v<typename C::activation_type, std::int8_t>;
};

template <class Elements, class Kernel, class Otherwise>
struct ByElement {
  static constexpr std::string_view name = Kernel::name;

  template <class C>
  using kernel = std::conditional_t<Elements::template is<C>, Kernel, Otherwise>;

  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    return kernel<C>::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const C& tensors) noexcept {
    return kernel<C>::scratch_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window& window, const C& tensors) noexcept {
    return kernel<C>::scratch_bytes(window, tensors);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    kernel<C>::template pack<R>(tensors, q, packed);
  }
  template <Rounding R, class C>
  static void run(const C& tensors, const ConvolutionQuantization& q, const KernelMemory& memory) noexcept {
    kernel<C>::template run<R>(tensors, q, memory);
  }
  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    kernel<C>::template run<R>(window, tensors, q, memory);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET
