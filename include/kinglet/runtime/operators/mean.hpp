// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/mean.hpp
/// MEAN over any of up to four dimensions.
#pragma once

#include <kinglet/kernels/stream/fold.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

/// TFLite looks at the axes as they stand in the file: 1 and 2 in either order, nothing that means the same.
inline kinglet::mean::MeanForm mean_form(const TensorInfo& input, const TensorInfo& axes,
                                         const ReducerOptions& options) noexcept {
  const auto are = [&](std::int32_t first, std::int32_t second) {
    return constant_integer(axes, 0) == first && constant_integer(axes, 1) == second;
  };
  const bool image = input.rank() == 4 && axes.elements() == 2 && (are(1, 2) || are(2, 1));
  return image && options.keep_dims ? kinglet::mean::MeanForm::image_kept : kinglet::mean::MeanForm::other;
}

template <Profile P, class Kernels>
struct Mean {
  static constexpr BuiltinOperator code = BuiltinOperator::mean;
  static constexpr std::int32_t max_version = 3;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 2, .inputs = 2}).ok()) {
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
    kinglet::mean::Reduction<T, Nhwc, Nhwc> tensors;
    kinglet::mean::MeanQuantization quantization;
    std::uint32_t* sums;
  };
  template <class T>
  static void run(const State<T>& s) noexcept {
    Kernels::mean::template run<typename P::elementwise, P::mean>(s.tensors, s.quantization);
  }

  template <class T>
  static void run_rows(const State<T>& s, const stream::RowSlice& slice) noexcept {
    stream::fold_rows(s.tensors.input, s.tensors.output.data(), s.sums, slice, [&s](std::int32_t sum) {
      return kinglet::mean::finish<typename P::elementwise, P::mean>(sum, s.quantization);
    });
  }

  /// Which of the four extents are averaged, ones in front of lower ranks counted.
  static unsigned reduced_dimensions(Require& require, const TensorInfo& axes, index_t rank) noexcept {
    unsigned mask = 0;
    for (std::size_t i = 0; i < axes.elements() && require.ok(); ++i) {
      const std::int32_t axis = constant_integer(axes, i);
      require.that(axis >= -rank && axis < rank, axes, Errc::bad_option,
                   "an axis is outside the input's rank");
      if (require.ok()) {
        mask |= 1U << (4 - rank + (axis < 0 ? axis + rank : axis));
      }
    }
    return mask;
  }

  template <class T>
  static Status prepare_typed(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo axes = p.input(1);
    const TensorInfo output = p.output();
    const auto options = p.info().template options<ReducerOptions>();
    if (!options) {
      return options.status();
    }
    Require require(p);
    require.type(output, input.type).per_tensor(input).per_tensor(output).rank(input, 1, 4);
    require.constant_integers(axes);
    const auto rank = static_cast<index_t>(input.shape.size());
    const unsigned reduced = require.ok() ? reduced_dimensions(require, axes, rank) : 0;
    if (!require.ok()) {
      return require.status();
    }
    const Nhwc in = as_nhwc(input.shape);
    const auto kept = [&](std::size_t d) { return ((reduced >> d) & 1U) != 0 ? 1 : in.extent(d); };
    const Nhwc out{kept(0), kept(1), kept(2), kept(3)};
    require.elements(output, out.size());
    // The output's extents are the kept ones, with or without the ones between them.
    std::size_t at = 0;
    for (std::size_t d = 4 - static_cast<std::size_t>(rank); d < 4 && require.ok(); ++d) {
      const bool averaged = ((reduced >> d) & 1U) != 0;
      if (averaged && !options->keep_dims) {
        continue;
      }
      require.that(at < output.shape.size() && output.shape[at] == out.extent(d), output, Errc::bad_shape,
                   "not the input's shape without the averaged dimensions");
      ++at;
    }
    if (!require.ok()) {
      return require.status();
    }
    const auto count = static_cast<index_t>(in.size() / out.size());
    const bool folds =
        is_image(input) && out.size() == static_cast<std::size_t>(in.extent(3)) && reduced == 0b0110;
    std::byte* const sums = p.scratch(ScratchBytes::folding(folds ? stream::fold_bytes(in.extent(3)) : 0));
    using S = State<T>;
    S* const state = p.template make_state<S>();
    if (state != nullptr) {
      *state = {{{p.template data<T>(input), in}, {p.template output_data<T>(), out}},
                kinglet::mean::make_mean_quantization<P::mean, T>(input.per_tensor(), output.per_tensor(),
                                                                  count, mean_form(input, axes, *options)),
                reinterpret_cast<std::uint32_t*>(sums)};
    }
    p.template set_step<S, run<T>>(state);
    if (folds) {
      p.template set_row_step<S, run_rows<T>>(stream::folding_rows(input.shape[1], input.shape[2]));
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
