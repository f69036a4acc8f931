// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/pad.hpp
/// PAD: surrounds a tensor of up to four dimensions with real zeros, i.e. the output's zero point.
#pragma once

#include <kinglet/kernels/pad/reference.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

template <Profile P, class Kernels>
struct Pad {
  static constexpr BuiltinOperator code = BuiltinOperator::pad;
  static constexpr std::int32_t max_version = 5;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 2, .inputs = 2}).ok()) {
      return require.status();
    }
    switch (p.input(0).type) {
      case ElementType::int8: return prepare_typed<std::int8_t>(p);
      case ElementType::uint8: return prepare_typed<std::uint8_t>(p);
      case ElementType::int16: return prepare_typed<std::int16_t>(p);
      case ElementType::int32: return prepare_typed<std::int32_t>(p);
      case ElementType::float32: return prepare_typed<float>(p);
      default: return p.fail(p.input(0), Errc::unsupported_type, p.input(0).type_name);
    }
  }

 private:
  template <class T>
  struct State {
    kinglet::pad::PadAmounts amounts;
    kinglet::pad::PadTensors<T, Nhwc, Nhwc> tensors;
    T value;

    [[nodiscard]] State slice(const stream::RowSlice& rows) const noexcept {
      State part{amounts,
                 {stream::rows_of(tensors.input, rows.input_at[0], rows.input_rows),
                  stream::rows_of(tensors.output, rows.output_at, rows.count)},
                 value};
      part.amounts.before[1] = rows.above;
      return part;
    }
  };
  template <class T>
  static void run(const State<T>& s) noexcept {
    Kernels::pad::run(s.amounts, s.tensors, s.value);
  }

  template <class T>
  static Status prepare_typed(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo paddings = p.input(1);
    const TensorInfo output = p.output();
    const std::size_t rank = input.shape.size();
    Require require(p);
    require.type(output, input.type).rank(input, 1, 4).rank(output, rank, rank);
    require.constant_integers(paddings).elements(paddings, rank * 2);
    if constexpr (QuantizedElement<T>) {
      require.per_tensor(output);
    }
    kinglet::pad::PadAmounts amounts;
    for (std::size_t d = 0; d < rank && require.ok(); ++d) {
      const std::int32_t before = constant_integer(paddings, d * 2);
      const std::int32_t after = constant_integer(paddings, d * 2 + 1);
      require.that(before >= 0 && after >= 0, paddings, Errc::bad_option, "a padding is negative");
      require.extent(output, d, std::int64_t{input.shape[d]} + before + after);
      amounts.before[4 - rank + d] = before;
    }
    if (!require.ok()) {
      return require.status();
    }
    T value{};
    if constexpr (QuantizedElement<T>) {
      value = static_cast<T>(output.per_tensor().zero_point);
    }
    using S = State<T>;
    S* const state = p.template make_state<S>();
    if (state != nullptr) {
      *state = {amounts,
                {{p.template data<T>(input), as_nhwc(input.shape)},
                 {p.template output_data<T>(), as_nhwc(output.shape)}},
                value};
    }
    p.template set_step<S, run<T>>(state);
    if (is_image(output) && is_image(input)) {
      const index_t rows = output.shape[1];
      p.template set_rows<S, run<T>>({.mode = RowMode::rows,
                                      .window = {1, amounts.before[1], 1},
                                      .input_rows = input.shape[1],
                                      .rows = rows,
                                      .batch = stream::row_batch(output.shape[2], rows)});
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
