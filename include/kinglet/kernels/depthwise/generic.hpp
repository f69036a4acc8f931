// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/generic.hpp
/// The kernel for every target.
#pragma once

#include <kinglet/kernels/depthwise/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

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

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
