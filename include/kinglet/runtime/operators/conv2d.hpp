// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/conv2d.hpp
/// CONV_2D: 1x1 with stride 1 and no padding runs as pointwise, everything else as conv2d.
#pragma once

#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/operators/image_convolution.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

template <Profile P, class Kernels>
struct Conv2D {
  static constexpr BuiltinOperator code = BuiltinOperator::conv_2d;
  static constexpr std::int32_t max_version = 8;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 2, .inputs = 3}).ok()) {
      return require.status();
    }
    return dispatch_convolution_types(p, [&p]<class T, class W>() { return prepare_typed<T, W>(p); });
  }

 private:
  using Pointwise = typename Kernels::pointwise;
  using Full = typename Kernels::conv2d;

  template <class R, class T, class W>
  static void run(const ImageConvolution<T, W>& s) noexcept {
    Full::template run<R>(s.window, s.tensors, s.quantization, s.memory);
  }
  template <class R, class T, class W>
  static void run_pointwise(const ImageConvolution<T, W>& s) noexcept {
    Pointwise::template run<R>(s.tensors, s.quantization, s.memory);
  }

  /// Output pixels are made of the pixels at the same place.
  template <class T, class W>
  static bool is_pointwise(const ImageConvolution<T, W>& c) noexcept {
    const auto& [input, filter, bias, output] = c.tensors;
    const Window& w = c.window;
    return filter.extent(1) == 1 && filter.extent(2) == 1 && w.stride_h == 1 && w.stride_w == 1 &&
           w.pad_top == 0 && w.pad_left == 0 && input.extent(1) == output.extent(1) &&
           input.extent(2) == output.extent(2);
  }

  template <class T, class W>
  static Status prepare_typed(Preparation& p) noexcept {
    const auto prepared = prepare_image_convolution<T, W, Conv2DOptions>(p);
    if (!prepared) {
      return prepared.status();
    }
    const ScratchBytes scratch = scratch_bytes(
        *prepared, [](const auto& part) { return Full::scratch_bytes(part.window, part.tensors); });
    if (prepared->groups() != 1) {
      prepare_step<Full, typename P::grouped_conv2d, run<typename P::grouped_conv2d, T, W>>(p, *prepared,
                                                                                            scratch);
    } else if (is_pointwise(*prepared)) {
      prepare_step<Pointwise, typename P::conv2d, run_pointwise<typename P::conv2d, T, W>>(
          p, *prepared,
          scratch_bytes(*prepared, [](const auto& part) { return Pointwise::scratch_bytes(part.tensors); }));
    } else {
      prepare_step<Full, typename P::conv2d, run<typename P::conv2d, T, W>>(p, *prepared, scratch);
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
