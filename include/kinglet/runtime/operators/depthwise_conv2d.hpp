// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/depthwise_conv2d.hpp
/// DEPTHWISE_CONV_2D. The depth multiplier is taken from the shapes; the option is not trusted.
#pragma once

#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/operators/image_convolution.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

template <Profile P, class Kernels>
struct DepthwiseConv2D {
  static constexpr BuiltinOperator code = BuiltinOperator::depthwise_conv_2d;
  static constexpr std::int32_t max_version = 7;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 2, .inputs = 3}).ok()) {
      return require.status();
    }
    return dispatch_convolution_types(p, [&p]<class T, class W>() { return prepare_typed<T, W>(p); });
  }

 private:
  using Kernel = typename Kernels::depthwise;
  using R = typename P::depthwise;

  template <class T, class W>
  static void run(const ImageConvolution<T, W>& s) noexcept {
    Kernel::template run<R>(s.window, s.tensors, s.quantization, s.memory);
  }

  template <class T, class W>
  static Status prepare_typed(Preparation& p) noexcept {
    const auto prepared = prepare_image_convolution<T, W, DepthwiseConv2DOptions>(p);
    if (!prepared) {
      return prepared.status();
    }
    prepare_step<Kernel, R, run<T, W>>(p, *prepared, scratch_bytes(*prepared, [](const auto& part) {
                                         return Kernel::scratch_bytes(part.window, part.tensors);
                                       }));
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
