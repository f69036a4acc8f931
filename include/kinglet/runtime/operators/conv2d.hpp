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

  template <Rounding R>
  struct RunFull {
    void operator()(const auto& c) const noexcept {
      Full::template run<R>(c.window, c.tensors, c.quantization, c.memory);
    }
  };
  template <Rounding R>
  struct RunPointwise {
    void operator()(const auto& c) const noexcept {
      Pointwise::template run<R>(c.tensors, c.quantization, c.memory);
    }
  };

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
    using R = typename P::conv2d;
    if (prepared->groups() == 1 && is_pointwise(*prepared)) {
      if (may_overwrite<Pointwise>(prepared->tensors)) {
        p.may_overwrite(0);
      }
      prepare_image_step<Pointwise, R, RunPointwise<R>{}>(
          p, *prepared, [](const Window&, const auto& tensors) { return Pointwise::scratch_bytes(tensors); });
      return {};
    }
    const auto scratch = [](const Window& window, const auto& tensors) {
      return Full::scratch_bytes(window, tensors);
    };
    if (prepared->groups() == 1) {
      prepare_image_step<Full, R, RunFull<R>{}>(p, *prepared, scratch);
    } else {
      using Grouped = typename P::grouped_conv2d;
      prepare_image_step<Full, Grouped, RunFull<Grouped>{}>(p, *prepared, scratch);
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
