// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/add.hpp
/// ADD, with broadcasting over four dimensions; tensors of equal shape may have any rank.
#pragma once

#include <kinglet/kernels/add/linear.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

template <Profile P, class Kernels>
struct Add {
  static constexpr BuiltinOperator code = BuiltinOperator::add;
  static constexpr std::int32_t max_version = 5;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 2, .inputs = 2}).ok()) {
      return require.status();
    }
    switch (p.output().type) {
      case ElementType::int8: return prepare_typed<std::int8_t>(p);
      case ElementType::uint8: return prepare_typed<std::uint8_t>(p);
      case ElementType::int16: return prepare_typed<std::int16_t>(p);
      default: return p.fail(p.output(), Errc::unsupported_type, p.output().type_name);
    }
  }

 private:
  template <class T>
  struct State {
    kinglet::add::Addition<T, Nhwc, Nhwc, Nhwc> tensors;
    kinglet::add::AddQuantization quantization;

    [[nodiscard]] State slice(const stream::RowSlice& rows) const noexcept {
      const auto& [lhs, rhs, output] = tensors;
      return {{stream::rows_of(lhs, rows.input_at[0], rows.count),
               stream::rows_of(rhs, rows.input_at[1], rows.count),
               stream::rows_of(output, rows.output_at, rows.count)},
              quantization};
    }
  };
  template <class T>
  static void run(const State<T>& s) noexcept {
    Kernels::add::template run<typename P::elementwise>(s.tensors, s.quantization);
  }

  /// A shape as four extents; where shapes are equal the rank does not matter, and all rows are one.
  static Nhwc shape_of(const TensorInfo& tensor, bool flat, bool image) noexcept {
    return !flat || image ? as_nhwc(tensor.shape) : Nhwc{1, 1, 1, static_cast<index_t>(tensor.elements())};
  }

  /// Where the profile and the file's option allow it, by shifts.
  template <class T>
  static kinglet::add::AddQuantization quantization_of(const std::array<PerTensor, 2>& inputs,
                                                       PerTensor output, const AddOptions& options) noexcept {
    if constexpr (sizeof(T) == 2 && P::shifts_powers_of_two) {
      const auto shifting =
          kinglet::add::make_shifting_add_quantization(inputs[0], inputs[1], output, options.activation);
      if (options.pot_scale_int16 && shifting) {
        return *shifting;
      }
    }
    return kinglet::add::make_add_quantization<T>(inputs[0], inputs[1], output, options.activation);
  }

  template <class T>
  static Status prepare_typed(Preparation& p) noexcept {
    const TensorInfo inputs[] = {p.input(0), p.input(1)};
    const TensorInfo output = p.output();
    const auto options = p.info().template options<AddOptions>();
    if (!options) {
      return options.status();
    }
    const bool flat = std::ranges::equal(inputs[0].shape, inputs[1].shape) &&
                      std::ranges::equal(inputs[0].shape, output.shape);
    Require require(p);
    require.per_tensor(output);
    for (const TensorInfo& input : inputs) {
      require.type(input, output.type).per_tensor(input);
      if (!flat) {
        require.rank(input, 0, 4).rank(output, 0, 4);
      }
    }
    for (std::size_t d = 0; d < 4 && !flat && require.ok(); ++d) {
      const index_t a = as_nhwc(inputs[0].shape).extent(d);
      const index_t b = as_nhwc(inputs[1].shape).extent(d);
      require.that(a == b || a == 1 || b == 1, inputs[1], Errc::bad_shape, "the inputs do not broadcast");
      require.that(as_nhwc(output.shape).extent(d) == std::max(a, b), output, Errc::bad_shape,
                   "the output is not the inputs' broadcast shape");
    }
    const PerTensor lhs = inputs[0].per_tensor();
    const PerTensor rhs = inputs[1].per_tensor();
    require.that(kinglet::add::output_can_hold<T>(lhs, rhs, output.per_tensor()), output,
                 Errc::bad_quantization, "the scale is too small for the inputs' scales");
    if (!require.ok()) {
      return require.status();
    }
    for (std::size_t k = 0; k < 2; ++k) {
      if (inputs[k].elements() == output.elements()) {
        p.may_overwrite(k);
      }
    }
    const bool image = is_image(output) && inputs[0].constant.empty() && inputs[1].constant.empty();
    using S = State<T>;
    S* const state = p.template make_state<S>();
    if (state != nullptr) {
      *state = {{{p.template data<T>(inputs[0]), shape_of(inputs[0], flat, image)},
                 {p.template data<T>(inputs[1]), shape_of(inputs[1], flat, image)},
                 {p.template output_data<T>(), shape_of(output, flat, image)}},
                quantization_of<T>({lhs, rhs}, output.per_tensor(), *options)};
      if (flat) {
        state->quantization.linear =
            kinglet::add::find_linear<typename P::elementwise, T>(state->quantization);
      }
    }
    p.template set_step<S, run<T>>(state);
    if (flat && image) {
      p.template set_rows<S, run<T>>(stream::elementwise_rows(output.shape[1], output.shape[2]));
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
