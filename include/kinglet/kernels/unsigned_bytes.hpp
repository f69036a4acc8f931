// SPDX-License-Identifier: Apache-2.0
/// @file kernels/unsigned_bytes.hpp
/// int8 activations that lie in memory as unsigned bytes, x + 128, from the kernel that makes them to those that read
/// them. Dot products of unsigned bytes with signed ones (vpdpbusd) want them so; else every reader would make a copy, or
/// change each byte again wherever it loads it. Nobody else sees them: ends of a network, and tensors that any other
/// operator touches, are int8.
///
/// A kernel that both reads and makes such bytes, where ConvolutionQuantization says so, has
///   template <class C> static constexpr bool keeps_unsigned(const C& tensors) noexcept;
/// and needs as much scratch memory for an unsigned input as for uint8 activations of the same shape.
#pragma once

#include <kinglet/kernels/convolution.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Whether a kernel of the convolution family can keep these tensors' activations as unsigned bytes.
template <class Kernel, class T, class W, class I, class F, class O>
constexpr bool keeps_unsigned(const Convolution<T, W, I, F, O>& tensors) noexcept {
  if constexpr (std::same_as<T, std::int8_t> && requires { Kernel::keeps_unsigned(tensors); }) {
    return Kernel::keeps_unsigned(tensors);
  } else {
    return false;
  }
}

/// The shapes, for asking how much scratch memory unsigned bytes need.
template <class W, class I, class F, class O>
constexpr Convolution<std::uint8_t, W, I, F, O> as_unsigned(
    const Convolution<std::int8_t, W, I, F, O>& tensors) noexcept {
  return {
      {nullptr, tensors.input.extents()}, tensors.filter, tensors.bias, {nullptr, tensors.output.extents()}};
}

}  // namespace kinglet::inline KINGLET_TARGET
