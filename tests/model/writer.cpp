// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/writer.cpp
/// What is written is what is read.
#include <doctest/doctest.h>

#include <kinglet/model/model.hpp>

#include "small_model.hpp"

using kinglet::Activation;
using kinglet::BuiltinOperator;
using kinglet::ElementType;
using kinglet::Model;
using kinglet::ModelWriter;
using kinglet::Padding;

namespace {
template <class T>
std::vector<T> copy(std::span<const T> list) {
  return {list.begin(), list.end()};
}
using Integers = std::vector<std::int32_t>;
}  // namespace

TEST_CASE("Tensors and operators come back") {
  const std::vector<std::byte> file = test::small_model();
  const auto model = Model::open(file);
  REQUIRE(model);
  CHECK(model->version() == 3);
  CHECK(model->subgraph_count() == 1);
  CHECK(model->description() == "a small model");
  CHECK(model->tensor_count() == 10);
  CHECK(model->operator_count() == 5);
  CHECK(copy(model->inputs()) == Integers{0});
  CHECK(copy(model->outputs()) == Integers{9});

  const kinglet::TensorInfo filter = model->tensor(1);
  CHECK(filter.index == 1);
  CHECK(filter.name == "filter");
  CHECK(filter.type == ElementType::int8);
  CHECK(filter.type_name == "INT8");
  CHECK(copy(filter.shape) == Integers{2, 3, 3, 2});
  CHECK(filter.rank() == 4);
  CHECK(filter.elements() == 36);
  CHECK(filter.bytes() == 36);
  CHECK(filter.constant.size() == 36);
  CHECK(filter.constant[35] == std::byte{5});
  CHECK(copy(filter.scale) == std::vector<float>{0.25F, 0.125F});
  CHECK(filter.zero_points.size() == 2);
  CHECK(filter.per_channel().at(1) == 0.125F);
  CHECK_FALSE(filter.is_variable);

  const kinglet::TensorInfo bias = model->tensor(2);
  CHECK(bias.quantized_dimension == 3);
  CHECK(bias.type == ElementType::int32);
  CHECK(bias.bytes() == 8);
  const kinglet::TensorInfo image = model->tensor(0);
  CHECK_FALSE(image.is_constant());
  CHECK(image.per_tensor() == kinglet::PerTensor{0.5F, -3});
  const kinglet::TensorInfo state = model->tensor(8);
  CHECK(state.is_variable);
  CHECK_FALSE(state.is_quantized());
  CHECK(state.type == ElementType::float32);

  const kinglet::OperatorInfo conv = model->op(0);
  CHECK(conv.index == 0);
  CHECK(conv.code == BuiltinOperator::conv_2d);
  CHECK(conv.name == "CONV_2D");
  CHECK(conv.version == 3);
  CHECK(copy(conv.inputs) == Integers{0, 1, 2});
  CHECK(copy(conv.outputs) == Integers{3});
  CHECK(conv.input(2) == 2);
  CHECK(conv.input(3) == -1);
  CHECK(conv.output(0) == 3);
  CHECK(conv.output(1) == -1);
  const kinglet::OperatorInfo own = model->op(4);
  CHECK(own.code == BuiltinOperator::custom);
  CHECK(own.name == "own_operator");
  CHECK(own.input(1) == -1);
  CHECK(copy(model->op(3).reshape_options()->new_shape) == Integers{-1});
}

TEST_CASE("Constants start at multiples of 16 bytes") {
  ModelWriter w;
  std::vector<std::vector<std::byte>> constants;
  for (std::size_t size = 1; size <= 40; ++size) {
    constants.emplace_back(size, static_cast<std::byte>(size));
    w.add_tensor({.name = std::string(size % 7, 'x'),
                  .shape = {static_cast<std::int32_t>(size)},
                  .constant = constants.back()});
  }
  const std::vector<std::byte> file = w.finish();
  const auto model = Model::open(file);
  REQUIRE(model);
  for (std::int32_t i = 0; i < model->tensor_count(); ++i) {
    const auto bytes = model->tensor(i).constant;
    CHECK((bytes.data() - file.data()) % 16 == 0);
    CHECK(copy(bytes) == constants[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("Operator codes: one for each kind and version, in both fields") {
  ModelWriter w;
  for (const std::int32_t version : {1, 2, 1}) {
    w.add_operator({BuiltinOperator::add, version}, {}, {});
  }
  w.add_operator(BuiltinOperator::gelu, {}, {});
  w.add_operator({BuiltinOperator::custom, 1, "one"}, {}, {});
  w.add_operator({BuiltinOperator::custom, 1, "two"}, {}, {});
  const std::vector<std::byte> file = w.finish();
  const auto model = Model::open(file);
  REQUIRE(model);
  CHECK(model->op(0).version == 1);
  CHECK(model->op(1).version == 2);
  CHECK(model->op(2).version == 1);
  CHECK(model->op(3).name == "GELU");
  CHECK(model->op(4).name == "one");
  CHECK(model->op(5).name == "two");
  const auto& codes = *kinglet::schema::GetModel(file.data())->operator_codes();
  REQUIRE(codes.size() == 5);
  CHECK(codes[0]->deprecated_builtin_code() == 0);
  CHECK(codes[2]->deprecated_builtin_code() == 127);  // 150 does not fit
  CHECK(codes[2]->builtin_code() == kinglet::schema::BuiltinOperator::GELU);
  CHECK(codes[3]->deprecated_builtin_code() == 32);
  CHECK(codes[3]->builtin_code() == kinglet::schema::BuiltinOperator::CUSTOM);
}

TEST_CASE_TEMPLATE("Options come back", Options, kinglet::Conv2DOptions, kinglet::DepthwiseConv2DOptions,
                   kinglet::TransposeConvOptions, kinglet::Pool2DOptions, kinglet::FullyConnectedOptions,
                   kinglet::AddOptions, kinglet::SubOptions, kinglet::MulOptions,
                   kinglet::ConcatenationOptions, kinglet::ReducerOptions, kinglet::SoftmaxOptions,
                   kinglet::LeakyReluOptions, kinglet::ResizeBilinearOptions, kinglet::StridedSliceOptions) {
  // Every field different from the format's default and, of one type, from the next.
  Options o;
  if constexpr (requires { o.padding; }) {
    o.padding = Padding::valid;
  }
  if constexpr (requires { o.activation; }) {
    o.activation = Activation::relu6;
  }
  if constexpr (requires { o.stride_h; }) {
    o.stride_h = 2;
    o.stride_w = 3;
  }
  if constexpr (requires { o.dilation_h; }) {
    o.dilation_h = 4;
    o.dilation_w = 5;
  }
  if constexpr (requires { o.filter_h; }) {
    o.filter_h = 6;
    o.filter_w = 7;
  }
  if constexpr (requires { o.depth_multiplier; }) {
    o.depth_multiplier = 8;
  }
  if constexpr (requires { o.keep_num_dims; }) {
    o.keep_num_dims = true;
  }
  if constexpr (requires { o.keep_dims; }) {
    o.keep_dims = true;
  }
  if constexpr (requires { o.pot_scale_int16; }) {
    o.pot_scale_int16 = false;
  }
  if constexpr (requires { o.axis; }) {
    o.axis = -1;
  }
  if constexpr (requires { o.beta; }) {
    o.beta = 0.75F;
  }
  if constexpr (requires { o.alpha; }) {
    o.alpha = 0.2F;
  }
  if constexpr (requires { o.half_pixel_centers; }) {
    o.half_pixel_centers = true;
  }
  if constexpr (requires { o.begin_mask; }) {
    o = {1, 2, 3, 4, 5, true};
  }
  ModelWriter w;
  w.add_operator(BuiltinOperator::custom, {}, {}, o);
  w.add_operator(BuiltinOperator::custom, {}, {}, Options{});
  const std::vector<std::byte> file = w.finish();
  const auto model = Model::open(file);
  REQUIRE(model);
  REQUIRE(model->op(0).template options<Options>());
  CHECK(*model->op(0).template options<Options>() == o);
  REQUIRE(model->op(1).template options<Options>());
  CHECK(*model->op(1).template options<Options>() == Options{});
  CHECK_FALSE(o == Options{});
}

TEST_CASE("Lists among the options come back") {
  ModelWriter w;
  const std::int32_t shape[] = {1, -1, 7};
  w.add_operator(BuiltinOperator::reshape, {}, {}, kinglet::ReshapeOptions{shape});
  w.add_operator(BuiltinOperator::squeeze, {}, {}, kinglet::SqueezeOptions{std::span(shape).first(2)});
  w.add_operator(BuiltinOperator::squeeze, {}, {}, kinglet::SqueezeOptions{});
  const std::vector<std::byte> file = w.finish();
  const auto model = Model::open(file);
  REQUIRE(model);
  CHECK(copy(model->op(0).reshape_options()->new_shape) == Integers{1, -1, 7});
  CHECK(copy(model->op(1).squeeze_options()->squeeze_dims) == Integers{1, -1});
  CHECK(model->op(2).squeeze_options()->squeeze_dims.empty());
}
