// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/conv2d.hpp
/// CONV_2D: 1x1 with stride 1 runs as pointwise, everything else as conv2d.
#pragma once

#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/operators/convolution.hpp>

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
  template <class R, class T, class W>
  static void run(const ImageConvolution<T, W>& s) noexcept {
    Kernels::conv2d::template run<R>(s.window, s.tensors, s.quantization, s.scratch);
  }
  template <class T, class W>
  static void run_pointwise(const ImageConvolution<T, W>& s) noexcept {
    Kernels::pointwise::template run<typename P::conv2d>(s.tensors, s.quantization, s.scratch);
  }

  template <class T, class W>
  static Status prepare_typed(Preparation& p) noexcept {
    using State = ImageConvolution<T, W>;
    auto prepared = prepare_image_convolution<T, W, Conv2DOptions>(p);
    if (!prepared) {
      return prepared.status();
    }
    const auto& [window, tensors, quantization, scratch] = *prepared;
    const bool pointwise = tensors.filter.extent(1) == 1 && tensors.filter.extent(2) == 1 &&
                           prepared->groups() == 1 && window.stride_h == 1 && window.stride_w == 1;
    prepared->scratch = p.scratch(pointwise ? Kernels::pointwise::scratch_bytes(tensors)
                                            : Kernels::conv2d::scratch_bytes(window, tensors));
    State* const state = p.template make_state<State>();
    if (state != nullptr) {
      *state = *prepared;
    }
    if (pointwise) {
      p.template set_step<State, run_pointwise<T, W>>(state);
    } else if (prepared->groups() == 1) {
      p.template set_step<State, run<typename P::conv2d, T, W>>(state);
    } else {
      p.template set_step<State, run<typename P::grouped_conv2d, T, W>>(state);
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
