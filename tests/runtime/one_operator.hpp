// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/one_operator.hpp
/// Models of one operator, written and run in every profile, and what to compare the answers with.
#pragma once

#include <doctest/doctest.h>

#include <kinglet/model/writer.hpp>
#include <support/random.hpp>

#include "engine.hpp"

namespace test {

using kinglet::ElementType;
using kinglet::index_t;
using kinglet::PerTensor;
using Shape = std::vector<std::int32_t>;

/// Each operator's rounding in each profile, said again: a change of a profile is to fail a test.
template <class P>
struct Prescribed;
template <>
struct Prescribed<kinglet::profile::tflm> {
  using conv2d = kinglet::double_rounding;
  using grouped_conv2d = kinglet::double_rounding;
  using fully_connected = kinglet::double_rounding;
  using others = kinglet::double_rounding;
  using quotient = float;
  static constexpr auto mean = kinglet::MeanArithmetic::fixed_point;
};
template <>
struct Prescribed<kinglet::profile::tflite> {
  using conv2d = kinglet::double_rounding_upward;
  using grouped_conv2d = kinglet::double_rounding;
  using fully_connected = kinglet::double_rounding_upward;
  using others = kinglet::double_rounding;
  using quotient = double;
  static constexpr auto mean = kinglet::MeanArithmetic::floating_point;
};
template <>
struct Prescribed<kinglet::profile::single> {
  using conv2d = kinglet::single_rounding;
  using grouped_conv2d = kinglet::single_rounding;
  using fully_connected = kinglet::single_rounding;
  using others = kinglet::single_rounding;
  using quotient = float;
  static constexpr auto mean = kinglet::MeanArithmetic::fixed_point;
};

/// A tensor with one scale.
template <class T>
kinglet::TensorSpec tensor(const std::string& name, const Shape& shape, PerTensor q) {
  return {.name = name,
          .type = kinglet::element_type_of<T>,
          .shape = shape,
          .scales = {q.scale},
          .zero_points = {q.zero_point}};
}
/// A tensor that is not quantized.
inline kinglet::TensorSpec plain(const std::string& name, ElementType type, const Shape& shape) {
  return {.name = name, .type = type, .shape = shape};
}

inline std::size_t size_of(const Shape& shape) {
  std::size_t size = 1;
  for (const std::int32_t extent : shape) {
    size *= static_cast<std::size_t>(extent);
  }
  return size;
}

/// A model with one operator; tensors in the order of its inputs.
class OneOperator {
 public:
  OneOperator& input(const kinglet::TensorSpec& spec) {
    operands_.push_back(writer_.add_tensor(spec));
    inputs_.push_back(operands_.back());
    return *this;
  }
  template <class T>
  OneOperator& constant(kinglet::TensorSpec spec, const std::vector<T>& values) {
    spec.constant = std::as_bytes(std::span(values));
    operands_.push_back(writer_.add_tensor(spec));
    return *this;
  }
  OneOperator& absent() {
    operands_.push_back(-1);
    return *this;
  }
  template <class Options = kinglet::NoOptions>
  Bytes finish(const kinglet::OperatorSpec& op, const kinglet::TensorSpec& output,
               const Options& options = {}) {
    const std::int32_t result = writer_.add_tensor(output);
    writer_.add_operator(op, operands_, {result}, options);
    writer_.set_inputs(inputs_);
    writer_.set_outputs({result});
    return writer_.finish();
  }
  template <class Options = kinglet::NoOptions>
  Bytes finish(kinglet::BuiltinOperator code, const kinglet::TensorSpec& output,
               const Options& options = {}) {
    return finish(kinglet::OperatorSpec{code}, output, options);
  }

 private:
  kinglet::ModelWriter writer_;
  std::vector<std::int32_t> operands_;
  std::vector<std::int32_t> inputs_;
};

/// The file's answer in profile P.
template <class P, class T>
std::vector<T> run(const Bytes& file, const std::vector<Bytes>& inputs) {
  const Answer answer = run_model<P>(file, inputs);
  INFO(P::name, ": ", answer.failure);
  REQUIRE(answer.failure.empty());
  return elements_of<T>(answer.outputs[0]);
}

template <class T>
std::vector<T> random_elements(Random& random, std::size_t count) {
  std::vector<T> values(count);
  std::generate(values.begin(), values.end(), [&] { return random.element<T>(); });
  return values;
}
inline float random_real(Random& random, float low, float high) {
  return low + (high - low) * static_cast<float>(random.in(0, 1 << 20)) / static_cast<float>(1 << 20);
}
/// Any zero point of a type; 16-bit tensors have 0.
template <class T>
std::int32_t random_zero_point(Random& random) {
  return sizeof(T) == 2 ? 0 : random.element<T>();
}
/// None in every second case: RELU hides how negative sums are rounded.
inline kinglet::Activation random_activation(Random& random) {
  return random.one_in(2) ? kinglet::Activation::none : static_cast<kinglet::Activation>(random.in(1, 3));
}

/// Along one dimension: outputs, and padding in front (arithmetic.md, "SAME padding").
struct Reach {
  index_t output;
  index_t pad;
};
inline Reach reach(kinglet::Padding padding, index_t input, index_t filter,
                   const std::pair<index_t, index_t>& stride_and_dilation) {
  const auto [stride, dilation] = stride_and_dilation;
  const index_t effective = dilation * (filter - 1) + 1;
  if (padding == kinglet::Padding::valid) {
    return {(input - effective) / stride + 1, 0};
  }
  const index_t output = (input + stride - 1) / stride;
  return {output, std::max((output - 1) * stride + effective - input, 0) / 2};
}

}  // namespace test
