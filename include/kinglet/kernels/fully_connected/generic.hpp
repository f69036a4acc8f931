// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/generic.hpp
/// The kernel for every target.
#pragma once

#include <kinglet/kernels/fully_connected/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

struct Generic {
  static constexpr std::string_view name = "generic";

  /// Bytes of scratch that run() needs for these shapes.
  template <class C>
  static constexpr std::size_t scratch_bytes(const C&) noexcept {
    return 0;
  }

  template <Rounding R, class C>
  static void run(const C& tensors, const ConvolutionQuantization& q, std::byte*) noexcept {
    Reference::run<R>(tensors, q);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected
