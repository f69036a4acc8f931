// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/quantize.hpp
/// QUANTIZE (from float, or from one integer type or scale to another) and DEQUANTIZE (to float).
#pragma once

#include <kinglet/kernels/quantize/linear.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

namespace detail {

/// Calls `f.template operator()<T>()` for an integer type, or fails naming the tensor.
template <class F>
Status dispatch_integer(const Preparation& p, const TensorInfo& tensor, F f) noexcept {
  switch (tensor.type) {
    case ElementType::int8: return f.template operator()<std::int8_t>();
    case ElementType::uint8: return f.template operator()<std::uint8_t>();
    case ElementType::int16: return f.template operator()<std::int16_t>();
    case ElementType::int32: return f.template operator()<std::int32_t>();
    default: return p.fail(tensor, Errc::unsupported_type, tensor.type_name);
  }
}

/// Elements of a row of an image; of anything else, which does not run row by row, 0.
inline index_t row_elements(const TensorInfo& tensor) noexcept {
  return is_image(tensor) ? tensor.shape[2] * tensor.shape[3] : 0;
}

/// One input, one output, as many elements.
inline Status check_elementwise(Preparation& p) noexcept {
  Require require(p);
  if (require.arity({.required = 1, .inputs = 1}).ok()) {
    require.elements(p.output(), p.input(0).elements());
  }
  return require.status();
}

/// Images of one shape run row by row as well.
template <class State, void (*Run)(const State&) noexcept>
void set_elementwise_rows(Preparation& p) noexcept {
  const TensorInfo input = p.input(0);
  if (is_image(input) && std::ranges::equal(input.shape, p.output().shape) && input.constant.empty()) {
    p.template set_rows<State, Run>(stream::elementwise_rows(input.shape[1], input.shape[2]));
  }
}

}  // namespace detail

template <Profile P, class Kernels>
struct Quantize {
  static constexpr BuiltinOperator code = BuiltinOperator::quantize;
  static constexpr std::int32_t max_version = 5;

  static Status prepare(Preparation& p) noexcept {
    if (const Status status = detail::check_elementwise(p); !status.ok()) {
      return status;
    }
    return detail::dispatch_integer(p, p.output(), [&p]<class To>() {
      if (p.input(0).type == ElementType::float32) {
        return prepare_real<To>(p);
      }
      return detail::dispatch_integer(p, p.input(0),
                                      [&p]<class From>() { return prepare_integer<From, To>(p); });
    });
  }

 private:
  template <class From, class To, class Quantization>
  struct State {
    std::span<const From> input;
    To* output;
    index_t row;  ///< elements
    Quantization quantization;

    [[nodiscard]] State slice(const stream::RowSlice& rows) const noexcept {
      return {{input.data() + std::ptrdiff_t{rows.input_at[0]} * row,
               static_cast<std::size_t>(rows.count) * static_cast<std::size_t>(row)},
              output + std::ptrdiff_t{rows.output_at} * row,
              row,
              quantization};
    }
  };
  using Rescale = kinglet::quantize::RequantizeQuantization;

  template <class From, class To>
  static void run_integer(const State<From, To, Rescale>& s) noexcept {
    Kernels::quantize::template run<typename P::elementwise, From, To>(s.input, s.output, s.quantization);
  }
  template <class To>
  static void run_real(const State<float, To, PerTensor>& s) noexcept {
    Kernels::quantize::template run<typename P::quantize_quotient>(s.input, s.output, s.quantization);
  }

  template <class From, class To>
  static Status prepare_integer(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo output = p.output();
    Require require(p);
    if (!require.per_tensor(input).per_tensor(output).ok()) {
      return require.status();
    }
    if constexpr (sizeof(From) == sizeof(To)) {
      p.may_overwrite(0);
    }
    using S = State<From, To, Rescale>;
    S* const state = p.template make_state<S>();
    if (state != nullptr) {
      *state = {{p.template data<From>(input), input.elements()},
                p.template output_data<To>(),
                detail::row_elements(input),
                kinglet::quantize::make_requantize_quantization<To>(input.per_tensor(), output.per_tensor())};
      state->quantization.linear =
          kinglet::quantize::find_linear<typename P::elementwise, From, To>(state->quantization);
    }
    p.template set_step<S, run_integer<From, To>>(state);
    detail::set_elementwise_rows<S, run_integer<From, To>>(p);
    return {};
  }

  template <class To>
  static Status prepare_real(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    const TensorInfo output = p.output();
    if constexpr (!QuantizedElement<To>) {
      return p.fail(output, Errc::unsupported_type, output.type_name);
    } else {
      Require require(p);
      if (!require.per_tensor(output).ok()) {
        return require.status();
      }
      using S = State<float, To, PerTensor>;
      S* const state = p.template make_state<S>();
      if (state != nullptr) {
        *state = {{p.template data<float>(input), input.elements()},
                  p.template output_data<To>(),
                  detail::row_elements(input),
                  output.per_tensor()};
      }
      p.template set_step<S, run_real<To>>(state);
      detail::set_elementwise_rows<S, run_real<To>>(p);
      return {};
    }
  }
};

template <Profile P, class Kernels>
struct Dequantize {
  static constexpr BuiltinOperator code = BuiltinOperator::dequantize;
  static constexpr std::int32_t max_version = 8;

  static Status prepare(Preparation& p) noexcept {
    if (const Status status = detail::check_elementwise(p); !status.ok()) {
      return status;
    }
    return detail::dispatch_integer(p, p.input(0), [&p]<class From>() { return prepare_typed<From>(p); });
  }

 private:
  template <class From>
  struct State {
    std::span<const From> input;
    float* output;
    index_t row;  ///< elements
    PerTensor quantization;

    [[nodiscard]] State slice(const stream::RowSlice& rows) const noexcept {
      return {{input.data() + std::ptrdiff_t{rows.input_at[0]} * row,
               static_cast<std::size_t>(rows.count) * static_cast<std::size_t>(row)},
              output + std::ptrdiff_t{rows.output_at} * row,
              row,
              quantization};
    }
  };
  template <class From>
  static void run(const State<From>& s) noexcept {
    Kernels::dequantize::template run<From>(s.input, s.output, s.quantization);
  }

  template <class From>
  static Status prepare_typed(Preparation& p) noexcept {
    const TensorInfo input = p.input(0);
    if constexpr (!QuantizedElement<From>) {
      return p.fail(input, Errc::unsupported_type, input.type_name);
    } else {
      Require require(p);
      if (!require.per_tensor(input).type(p.output(), ElementType::float32).ok()) {
        return require.status();
      }
      using S = State<From>;
      S* const state = p.template make_state<S>();
      if (state != nullptr) {
        *state = {{p.template data<From>(input), input.elements()},
                  p.template output_data<float>(),
                  detail::row_elements(input),
                  input.per_tensor()};
      }
      p.template set_step<S, run<From>>(state);
      detail::set_elementwise_rows<S, run<From>>(p);
      return {};
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::operators
