// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/every_operator.hpp
/// A small written model with every operator of the executor and every element type it computes with: to be damaged.
#pragma once

#include <kinglet/model/writer.hpp>
#include <vector>

namespace test {

class EveryOperator {
 public:
  std::vector<std::byte> file() {
    using namespace kinglet;
    const auto real = plain("real", ElementType::float32, {1, 6, 6, 2});
    const auto image = activation("image", ElementType::int8, {1, 6, 6, 2});
    op(BuiltinOperator::quantize, {real}, image);
    const auto padded = activation("padded", ElementType::int8, {1, 8, 8, 2});
    op(BuiltinOperator::pad, {image, integers("paddings", {4, 2}, {0, 0, 1, 1, 1, 1, 0, 0})}, padded);
    const auto conv = activation("conv", ElementType::int8, {1, 3, 3, 4});
    op(BuiltinOperator::conv_2d,
       {padded, weights("conv/weights", {4, 3, 3, 2}, 4), integers("conv/bias", {4}, {1, -2, 3, -4})}, conv,
       Conv2DOptions{
           .padding = Padding::valid, .stride_h = 2, .stride_w = 2, .activation = Activation::relu6});
    const auto expanded = activation("expanded", ElementType::int8, {1, 3, 3, 8});
    op(BuiltinOperator::conv_2d, {conv, weights("expand/weights", {8, 1, 1, 4}, 1)}, expanded,
       Conv2DOptions{});
    const auto depthwise = activation("depthwise", ElementType::int8, {1, 3, 3, 8});
    op(BuiltinOperator::depthwise_conv_2d, {expanded, weights("depthwise/weights", {1, 3, 3, 8}, 8, 3), -1},
       depthwise, DepthwiseConv2DOptions{.dilation_w = 2});
    const auto sum = activation("sum", ElementType::int8, {1, 3, 3, 8});
    op(BuiltinOperator::add, {expanded, depthwise}, sum, AddOptions{});
    const auto most = activation("max", ElementType::int8, {1, 2, 2, 8});
    op(BuiltinOperator::max_pool_2d, {sum}, most,
       Pool2DOptions{.stride_h = 2, .stride_w = 2, .filter_h = 2, .filter_w = 2});
    const auto average = activation("average", ElementType::int8, {1, 1, 1, 8});
    op(BuiltinOperator::average_pool_2d, {most}, average,
       Pool2DOptions{.padding = Padding::valid, .filter_h = 2, .filter_w = 2});
    const auto mean = activation("mean", ElementType::int8, {1, 8});
    op(BuiltinOperator::mean, {most, integers("axes", {2}, {1, -2})}, mean, ReducerOptions{});
    const auto squeezed = activation("squeezed", ElementType::int8, {1, 8});
    op(BuiltinOperator::squeeze, {average}, squeezed, SqueezeOptions{});
    const auto both = activation("both", ElementType::int8, {1, 8});
    op(BuiltinOperator::add, {mean, squeezed}, both, AddOptions{});
    const auto logits = activation("logits", ElementType::int8, {1, 5});
    op(BuiltinOperator::fully_connected, {both, weights("dense/weights", {5, 8}, 5)}, logits,
       FullyConnectedOptions{});
    const auto p =
        writer_.add_tensor({.name = "p", .shape = {1, 5}, .scales = {1.0F / 256}, .zero_points = {-128}});
    op(BuiltinOperator::softmax, {logits}, p, SoftmaxOptions{});
    const auto wide = activation("wide", ElementType::int16, {1, 1, 1, 5});
    op(BuiltinOperator::quantize, {p}, wide);
    const auto wide_conv = activation("wide/conv", ElementType::int16, {1, 1, 1, 3});
    const std::vector<std::int64_t> bias = {100, -100, 1};
    op(BuiltinOperator::conv_2d,
       {wide, weights("wide/weights", {3, 1, 1, 5}, 3),
        constant("wide/bias", ElementType::int64, {3}, std::as_bytes(std::span(bias)))},
       wide_conv, Conv2DOptions{});
    const auto bytes = activation("bytes", ElementType::uint8, {1, 1, 1, 3});
    op(BuiltinOperator::quantize, {wide_conv}, bytes);
    const auto reshaped = activation("reshaped", ElementType::uint8, {3});
    op(BuiltinOperator::reshape, {bytes, integers("shape", {1}, {3})}, reshaped, ReshapeOptions{});
    const auto result = plain("result", ElementType::float32, {3});
    op(BuiltinOperator::dequantize, {reshaped}, result);
    writer_.set_inputs({real});
    writer_.set_outputs({result, sum});
    return writer_.finish();
  }

 private:
  using Shape = std::vector<std::int32_t>;

  std::int32_t plain(const char* name, kinglet::ElementType type, const Shape& shape) {
    return writer_.add_tensor({.name = name, .type = type, .shape = shape});
  }
  /// All have one scale, which pools need, and the zero point that suits the type.
  std::int32_t activation(const char* name, kinglet::ElementType type, const Shape& shape) {
    const std::int64_t zero_point = type == kinglet::ElementType::uint8 ? 128 : 0;
    return writer_.add_tensor(
        {.name = name, .type = type, .shape = shape, .scales = {0.5F}, .zero_points = {zero_point}});
  }
  std::int32_t constant(const char* name, kinglet::ElementType type, const Shape& shape,
                        std::span<const std::byte> bytes) {
    return writer_.add_tensor({.name = name, .type = type, .shape = shape, .constant = bytes});
  }
  std::int32_t integers(const char* name, const Shape& shape, const std::vector<std::int32_t>& values) {
    return constant(name, kinglet::ElementType::int32, shape, std::as_bytes(std::span(values)));
  }
  std::int32_t weights(const char* name, const Shape& shape, std::size_t scales, std::int32_t dimension = 0) {
    std::size_t size = 1;
    for (const std::int32_t extent : shape) {
      size *= static_cast<std::size_t>(extent);
    }
    std::vector<std::byte> values(size);
    for (std::size_t i = 0; i < size; ++i) {
      values[i] = static_cast<std::byte>(i * 37 + 11);
    }
    return writer_.add_tensor({.name = name,
                               .shape = shape,
                               .scales = std::vector<float>(scales, 0.01F),
                               .zero_points = std::vector<std::int64_t>(scales, 0),
                               .quantized_dimension = dimension,
                               .constant = values});
  }
  template <class Options = kinglet::NoOptions>
  void op(kinglet::BuiltinOperator code, const std::vector<std::int32_t>& inputs, std::int32_t output,
          const Options& options = {}) {
    writer_.add_operator(code, inputs, {output}, options);
  }

  kinglet::ModelWriter writer_;
};

inline std::vector<std::byte> every_operator() {
  return EveryOperator().file();
}

}  // namespace test
