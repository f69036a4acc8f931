// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/pool.hpp
/// AVERAGE_POOL_2D and MAX_POOL_2D. Output quantization is the input's: pooling never rescales.
#pragma once

#include <kinglet/kernels/stream/fold.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/operators/image_convolution.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

template <class Kernel, BuiltinOperator Code>
struct Pool2D {
  static constexpr BuiltinOperator code = Code;
  static constexpr std::int32_t max_version = 3;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 1, .inputs = 1}).ok()) {
      return require.status();
    }
    switch (p.input(0).type) {
      case ElementType::int8: return prepare_typed<std::int8_t>(p);
      case ElementType::uint8: return prepare_typed<std::uint8_t>(p);
      case ElementType::int16: return prepare_typed<std::int16_t>(p);
      default: return p.fail(p.input(0), Errc::unsupported_type, p.input(0).type_name);
    }
  }

 private:
  template <class T>
  struct State {
    kinglet::pool::Pooling pooling;
    kinglet::pool::PoolTensors<T, Nhwc, Nhwc> tensors;
    ActivationRange range;
    std::uint32_t* sums;  ///< of an average over the whole image, row by row

    [[nodiscard]] State slice(const stream::RowSlice& slice) const noexcept {
      State part = *this;
      part.pooling.window = stream::window_of(pooling.window, slice);
      part.tensors.input = stream::rows_of(tensors.input, slice.input_at[0], slice.input_rows);
      part.tensors.output = stream::rows_of(tensors.output, slice.output_at, slice.count);
      return part;
    }
  };
  template <class T>
  static void run(const State<T>& s) noexcept {
    Kernel::run(s.pooling, s.tensors, s.range);
  }
  template <class T>
  static void fold(const State<T>& s, const stream::RowSlice& slice) noexcept {
    const std::int32_t count = s.tensors.input.extent(1) * s.tensors.input.extent(2);
    stream::fold_rows(s.tensors.input, s.tensors.output.data(), s.sums, slice, [&s, count](std::int32_t sum) {
      return std::clamp(kinglet::pool::rounded_mean(sum, count), s.range.min, s.range.max);
    });
  }

  template <class T>
  static Status prepare_typed(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo output = p.output();
    const auto options = p.info().template options<Pool2DOptions>();
    if (!options) {
      return options.status();
    }
    kinglet::pool::Pooling pooling{
        {options->stride_h, options->stride_w}, options->filter_h, options->filter_w};
    Require require(p);
    require.type(output, input.type)
        .rank(input, 4, 4)
        .rank(output, 4, 4)
        .per_tensor(input)
        .per_tensor(output);
    require.that(kinglet::pool::keeps_quantization<T>(input.per_tensor(), output.per_tensor()), output,
                 Errc::bad_quantization, "pooling does not rescale: it must be the input's");
    require.option(pooling.filter_h >= 1, "filter_height must be at least 1", pooling.filter_h, 1)
        .option(pooling.filter_w >= 1, "filter_width must be at least 1", pooling.filter_w, 1);
    require_window(require, pooling.window, pooling.filter_h, pooling.filter_w);
    if (!require.ok()) {
      return require.status();
    }
    require_output_image(require, pooling.window, options->padding,
                         {pooling.filter_h, pooling.filter_w, input.shape[1], input.shape[2]}, output);
    require.extent(output, 0, input.shape[0]).extent(output, 3, input.shape[3]);
    const std::int64_t pixels =
        std::int64_t{std::min(pooling.filter_h, input.shape[1])} * std::min(pooling.filter_w, input.shape[2]);
    require.option(pixels <= kinglet::pool::max_pixels<T>, "too many pixels under one window", pixels,
                   kinglet::pool::max_pixels<T>);
    if (!require.ok()) {
      return require.status();
    }
    const bool folding = Code == BuiltinOperator::average_pool_2d && is_image(input) &&
                         stream::is_mean_of_all(pooling, as_nhwc(input.shape), as_nhwc(output.shape));
    std::byte* const sums =
        p.scratch(ScratchBytes::folding(folding ? stream::fold_bytes(input.shape[3]) : 0));
    using S = State<T>;
    S* const state = p.template make_state<S>();
    if (state != nullptr) {
      *state = {pooling,
                {{p.template data<T>(input), as_nhwc(input.shape)},
                 {p.template output_data<T>(), as_nhwc(output.shape)}},
                activation_range<T>(options->activation, output.per_tensor()),
                reinterpret_cast<std::uint32_t*>(sums)};
    }
    p.template set_step<S, run<T>>(state);
    if (folding) {
      p.template set_row_step<S, fold<T>>(stream::folding_rows(input.shape[1], input.shape[2]));
    } else if (is_image(input)) {
      p.template set_rows<S, run<T>>(
          stream::window_rows(pooling.window, pooling.filter_h, input.shape[1], as_nhwc(output.shape)));
    }
    return {};
  }
};

template <Profile P, class Kernels>
using AveragePool2D = Pool2D<typename Kernels::average_pool, BuiltinOperator::average_pool_2d>;
template <Profile P, class Kernels>
using MaxPool2D = Pool2D<typename Kernels::max_pool, BuiltinOperator::max_pool_2d>;

}  // namespace kinglet::inline KINGLET_TARGET::operators
