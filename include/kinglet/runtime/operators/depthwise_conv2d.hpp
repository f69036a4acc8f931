// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/depthwise_conv2d.hpp
/// DEPTHWISE_CONV_2D. The depth multiplier is taken from the shapes; the option is not trusted. With one input channel, as
/// models for grey pictures and sound begin, it is a CONV_2D whose filters' elements lie side by side.
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
  using Full = typename Kernels::conv2d;
  using R = typename P::depthwise;

  template <class K>
  struct Run {
    void operator()(const auto& c) const noexcept {
      K::template run<R>(c.window, c.tensors, c.quantization, c.memory);
    }
  };
  template <class K, class T, class W>
  static void prepare_kernel(Preparation& p, const ImageConvolution<T, W>& prepared) noexcept {
    prepare_image_step<K, R, Run<K>{}>(p, prepared, [](const Window& window, const auto& tensors) {
      return K::scratch_bytes(window, tensors);
    });
  }

  /// A copy with one filter behind the other, for kernels that read more of the filter than they have packed.
  template <class W>
  static const W* one_by_one(Preparation& p, const TensorView<const W, Ohwi>& filter) noexcept {
    W* const copy = p.template make_constants<W>(filter.size());
    const index_t channels = filter.extent(3);
    const auto taps = static_cast<index_t>(filter.size()) / channels;
    for (index_t o = 0; copy != nullptr && o < channels; ++o) {
      for (index_t t = 0; t < taps; ++t) {
        copy[std::ptrdiff_t{o} * taps + t] = filter.data()[std::ptrdiff_t{t} * channels + o];
      }
    }
    return copy;
  }

  template <class T, class W>
  static Status prepare_typed(Preparation& p) noexcept {
    const auto prepared = prepare_image_convolution<T, W, DepthwiseConv2DOptions>(p);
    if (!prepared) {
      return prepared.status();
    }
    ImageConvolution<T, W> full = *prepared;
    const auto& filter = prepared->tensors.filter;
    full.tensors.filter = {nullptr, Ohwi{filter.extent(3), filter.extent(1), filter.extent(2), 1}};
    // Kernels that use weights as they lie in the file would need a copy of them for this.
    if (prepared->tensors.input.extent(3) == 1 && Full::packed_bytes(full.tensors) != 0) {
      full.tensors.filter = {one_by_one(p, filter), full.tensors.filter.extents()};
      prepare_kernel<Full>(p, full);
    } else {
      ImageConvolution<T, W> depthwise = *prepared;
      depthwise.takes_ring = true;
      if (keeps_row_order<Kernel>(depthwise.tensors)) {
        p.may_follow(static_cast<std::size_t>(depthwise.tensors.input.extent(3)) * sizeof(T));
      }
      prepare_kernel<Kernel>(p, depthwise);
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
