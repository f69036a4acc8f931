// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/softmax.hpp
/// SOFTMAX over the last dimension.
#pragma once

#include <kinglet/kernels/softmax/quantization.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

template <Profile P, class Kernels>
struct Softmax {
  static constexpr BuiltinOperator code = BuiltinOperator::softmax;
  static constexpr std::int32_t max_version = 3;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 1, .inputs = 1}).ok()) {
      return require.status();
    }
    const ElementType from = p.input(0).type;
    const ElementType to = p.output().type;
    if (from == ElementType::int8 && to == ElementType::int8) {
      return prepare_typed<std::int8_t, std::int8_t>(p);
    }
    if (from == ElementType::uint8 && to == ElementType::uint8) {
      return prepare_typed<std::uint8_t, std::uint8_t>(p);
    }
    return from == ElementType::int8 || from == ElementType::uint8
               ? p.fail(p.output(), Errc::unsupported_type, p.output().type_name)
               : p.fail(p.input(0), Errc::unsupported_type, p.input(0).type_name);
  }

 private:
  using Matrix = Extents<dynamic_extent, dynamic_extent>;

  template <class T, class U>
  struct State {
    kinglet::softmax::SoftmaxTensors<T, U, Matrix, Matrix> tensors;
    kinglet::softmax::SoftmaxQuantization quantization;
  };
  template <class T, class U>
  static void run(const State<T, U>& s) noexcept {
    Kernels::softmax::run(s.tensors, s.quantization);
  }

  template <class T, class U>
  static Status prepare_typed(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo output = p.output();
    const auto options = p.info().template options<SoftmaxOptions>();
    if (!options) {
      return options.status();
    }
    Require require(p);
    require.per_tensor(input).per_tensor(output).rank(input, 1, 8).elements(output, input.elements());
    require.that(output.per_tensor() == kinglet::softmax::output_quantization<U>(), output,
                 Errc::bad_quantization, "the operator's output has scale 1/256 and the lowest zero point");
    require.that(kinglet::detail::is_finite(input.per_tensor().scale * options->beta), input,
                 Errc::bad_quantization, "scale * beta is not finite");
    if (!require.ok()) {
      return require.status();
    }
    const index_t depth = input.shape.back();
    const Matrix shape{static_cast<index_t>(input.elements() / static_cast<std::size_t>(depth)), depth};
    constexpr std::size_t table_size = 256;
    float* const table = p.make_constants<float>(table_size);
    if (table != nullptr) {
      kinglet::softmax::make_softmax_table(input.per_tensor().scale, options->beta,
                                           std::span<float, table_size>(table, table_size));
    }
    if constexpr (sizeof(T) == sizeof(U)) {
      p.may_overwrite(0);
    }
    using S = State<T, U>;
    S* const state = p.template make_state<S>();
    if (state != nullptr) {
      *state = {{{p.template data<T>(input), shape}, {p.template output_data<U>(), shape}},
                {table, output.per_tensor().scale, output.per_tensor().zero_point}};
    }
    p.template set_step<S, run<T, U>>(state);
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
