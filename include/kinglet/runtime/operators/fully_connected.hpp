// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/fully_connected.hpp
/// FULLY_CONNECTED: the input is taken as rows of as many elements as a filter row has.
#pragma once

#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/operators/convolution.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

template <Profile P, class Kernels>
struct FullyConnected {
  static constexpr BuiltinOperator code = BuiltinOperator::fully_connected;
  static constexpr std::int32_t max_version = 14;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 2, .inputs = 3}).ok()) {
      return require.status();
    }
    return dispatch_convolution_types(p, [&p]<class T, class W>() { return prepare_typed<T, W>(p); });
  }

 private:
  using Matrix = Extents<dynamic_extent, dynamic_extent>;
  template <class T, class W>
  using Tensors = Convolution<T, W, Matrix, Matrix, Matrix>;

  using Kernel = typename Kernels::fully_connected;
  using R = typename P::fully_connected;

  template <class T, class W>
  struct State {
    Tensors<T, W> tensors;
    ConvolutionQuantization quantization;
    KernelMemory memory;
  };
  template <class T, class W>
  static void run(const State<T, W>& s) noexcept {
    Kernel::template run<R>(s.tensors, s.quantization, s.memory);
  }

  template <class T, class W>
  static Status prepare_typed(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo filter = p.input(1);
    const TensorInfo output = p.output();
    const auto options = p.info().template options<FullyConnectedOptions>();
    if (!options) {
      return options.status();
    }
    Require require(p);
    require.rank(filter, 2, 2).rank(input, 1, 8).rank(output, 1, 8);
    if (!require.ok()) {
      return require.status();
    }
    const index_t depth = filter.shape[1];
    const index_t units = filter.shape[0];
    require.that(input.elements() % static_cast<std::size_t>(depth) == 0, input, Errc::bad_shape,
                 "the number of elements is not a multiple of the filter's columns");
    const auto rows = static_cast<index_t>(input.elements() / static_cast<std::size_t>(depth));
    require.elements(output, static_cast<std::size_t>(rows) * static_cast<std::size_t>(units));
    require.that(output.shape.back() == units, output, Errc::bad_shape,
                 "the last extent is not the filter's number of rows");
    if (!require.ok()) {
      return require.status();
    }
    ConvolutionParameters<T, W> parameters;
    const Status status =
        parameters.prepare(p, {.channel_dimension = 0,
                               .activation = options->activation,
                               .product = fully_connected_scale_product(filter.scale.size())});
    if (!status.ok()) {
      return status;
    }
    p.set_macs(static_cast<std::uint64_t>(rows) * filter.elements());

    const Tensors<T, W> tensors{{p.template data<T>(input), Matrix{rows, depth}},
                                {p.template data<W>(filter), Matrix{units, depth}},
                                parameters.bias(),
                                {p.template output_data<T>(), Matrix{rows, units}}};
    const State<T, W> prepared{tensors, parameters.quantization(), {}};
    prepare_step<Kernel, R, run<T, W>>(p, prepared, {Kernel::scratch_bytes(tensors)});
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
