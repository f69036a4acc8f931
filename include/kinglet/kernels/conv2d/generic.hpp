// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/generic.hpp
/// The kernel for every target.
#pragma once

#include <kinglet/kernels/conv2d/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

struct Generic {
  static constexpr std::string_view name = "generic";

  /// Bytes of scratch that run() needs for these shapes.
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window&, const C&) noexcept {
    return 0;
  }

  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  std::byte*) noexcept {
    Reference::run<R>(window, tensors, q);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::conv2d
