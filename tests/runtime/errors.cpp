// SPDX-License-Identifier: Apache-2.0
// What the other operators refuse, and what any operator is refused for; all of a model's failures at once.
#include <array>
#include <kinglet/core/message.hpp>

#include "operators.hpp"
#include "spoilt.hpp"

using namespace kinglet;
using test::Bytes;
using test::failure;
using test::Operands;
using test::spec;
using test::Spoilt;

TEST_CASE("errors of ADD") {
  const Spoilt<AddOptions> add(BuiltinOperator::add,
                               {.a = spec<std::int8_t>("lhs", {2, 3}),
                                .b = spec<std::int8_t>("rhs", {2, 3}),
                                .result = spec<std::int8_t>("sum", {2, 3}),
                                .b_is_constant = false},
                               {});
  add.says("tensor 1 'rhs'", Errc::bad_shape, "the inputs do not broadcast", [](Operands& o) {
    o.b.shape = {2, 2};
  });
  add.says("tensor 2 'sum'", Errc::bad_shape, "the output is not the inputs' broadcast shape",
           [](Operands& o) {
             o.result.shape = {3, 2};
           });
  add.says("tensor 0 'lhs'", Errc::bad_shape, "the rank is too high (found 5, limit 4)", [](Operands& o) {
    o.a.shape = {1, 1, 1, 2, 3};
  });
  add.says("tensor 1 'rhs'", Errc::unsupported_type, "UINT8",
           [](Operands& o) { o.b.type = ElementType::uint8; });
  add.says("tensor 2 'sum'", Errc::unsupported_type, "INT32",
           [](Operands& o) { o.a.type = o.b.type = o.result.type = ElementType::int32; });
  add.says("tensor 2 'sum'", Errc::bad_quantization, "the scale is too small for the inputs' scales",
           [](Operands& o) { o.result.scales = {0x1p-20F}; });
  add.says("tensor 1 'rhs'", Errc::bad_quantization, "one scale is needed (found 0, limit 1)",
           [](Operands& o) { o.b.scales = {}; });
  add.says("", Errc::missing_tensor, "a required input is absent", [](Operands& o) { o.b = {}; });
  add.is_too_new_after(5);
}

TEST_CASE("errors of pools") {
  const Spoilt<Pool2DOptions> pool(
      BuiltinOperator::average_pool_2d,
      {.a = spec<std::int8_t>("image", {1, 4, 4, 2}), .result = spec<std::int8_t>("pooled", {1, 4, 4, 2})},
      {.filter_h = 2, .filter_w = 2});
  pool.says("tensor 1 'pooled'", Errc::bad_quantization, "pooling does not rescale: it must be the input's",
            [](Operands& o) { o.result.zero_points = {1}; });
  pool.says("tensor 1 'pooled'", Errc::bad_shape,
            "extent 2 differs from what the operator computes (found 3, limit 4)", [](Operands& o) {
              o.result.shape = {1, 4, 3, 2};
            });
  pool.says_of_options("", Errc::bad_option, "a filter extent is less than 1 (found 0, limit 1)",
                       [](Pool2DOptions& o) { o.filter_h = 0; });
  const Spoilt<Pool2DOptions> wide(BuiltinOperator::max_pool_2d,
                                   {.a = spec<std::int16_t>("image", {1, 200, 200, 1}),
                                    .result = spec<std::int16_t>("pooled", {1, 200, 200, 1})},
                                   {.filter_h = 2, .filter_w = 2});
  wide.says_of_options("", Errc::bad_option, "too many pixels under one window (found 40000, limit 32767)",
                       [](Pool2DOptions& o) { o.filter_h = o.filter_w = 1000; });
}

TEST_CASE("errors of MEAN and PAD") {
  const Spoilt<ReducerOptions> mean(BuiltinOperator::mean,
                                    {.a = spec<std::int8_t>("image", {2, 3, 4}),
                                     .b = test::plain("axes", ElementType::int32, {2}),
                                     .result = spec<std::int8_t>("mean", {4}),
                                     .integers = {0, -2}},
                                    {});
  mean.says("tensor 1 'axes'", Errc::bad_option, "an axis is outside the input's rank", [](Operands& o) {
    o.integers = {0, 3};
  });
  mean.says("tensor 1 'axes'", Errc::bad_option, "an axis is outside the input's rank", [](Operands& o) {
    o.integers = {-4, 0};
  });
  mean.says("tensor 1 'axes'", Errc::not_constant, "the operator needs it when loading",
            [](Operands& o) { o.b_is_constant = false; });
  mean.says("tensor 1 'axes'", Errc::unsupported_type, "FLOAT32",
            [](Operands& o) { o.b.type = ElementType::float32; });
  mean.says("tensor 2 'mean'", Errc::bad_shape, "wrong number of elements (found 3, limit 4)",
            [](Operands& o) { o.result.shape = {3}; });
  mean.says("tensor 2 'mean'", Errc::bad_shape, "not the input's shape without the averaged dimensions",
            [](Operands& o) {
              o.result.shape = {2, 2};
            });

  const Spoilt<NoOptions> pad(BuiltinOperator::pad,
                              {.a = spec<std::int8_t>("image", {2, 3}),
                               .b = test::plain("paddings", ElementType::int32, {2, 2}),
                               .result = spec<std::int8_t>("padded", {3, 6}),
                               .integers = {1, 0, 1, 2}},
                              {});
  pad.says("tensor 1 'paddings'", Errc::bad_option, "a padding is negative", [](Operands& o) {
    o.integers = {1, 0, -1, 4};
  });
  pad.says("tensor 2 'padded'", Errc::bad_shape,
           "extent 1 differs from what the operator computes (found 6, limit 2147483651)", [](Operands& o) {
             o.integers = {1, 0, 1, 2147483647};
           });
  pad.says("tensor 1 'paddings'", Errc::bad_shape, "wrong number of elements (found 2, limit 4)",
           [](Operands& o) {
             o.b.shape = {1, 2};
             o.integers = {1, 0};
           });
  pad.says("tensor 2 'padded'", Errc::unsupported_type, "UINT8",
           [](Operands& o) { o.result.type = ElementType::uint8; });
  pad.says("tensor 0 'image'", Errc::unsupported_type, "FLOAT16",
           [](Operands& o) { o.a.type = TensorType(std::int8_t{1}); });
}

TEST_CASE("errors of SOFTMAX, QUANTIZE, DEQUANTIZE and RESHAPE") {
  const Spoilt<SoftmaxOptions> softmax(BuiltinOperator::softmax,
                                       {.a = spec<std::int8_t>("logits", {2, 3}),
                                        .result = spec<std::int8_t>("p", {2, 3}, {1.0F / 256, -128})},
                                       {});
  const std::string fixed = "the operator's output has scale 1/256 and the lowest zero point";
  softmax.says("tensor 1 'p'", Errc::bad_quantization, fixed,
               [](Operands& o) { o.result.zero_points = {0}; });
  softmax.says("tensor 1 'p'", Errc::bad_quantization, fixed,
               [](Operands& o) { o.result.scales = {1e-38F}; });
  softmax.says("tensor 1 'p'", Errc::unsupported_type, "UINT8", [](Operands& o) {
    o.result.type = ElementType::uint8;
    o.result.zero_points = {0};
  });
  softmax.says("tensor 0 'logits'", Errc::unsupported_type, "INT16",
               [](Operands& o) { o.a.type = o.result.type = ElementType::int16; });
  softmax.says_of_options("", Errc::bad_option, "beta is negative", [](SoftmaxOptions& o) { o.beta = -1; });
  Operands steep{.a = spec<std::int8_t>("logits", {2, 3}, {1e30F, 0}),
                 .result = spec<std::int8_t>("p", {2, 3}, {1.0F / 256, -128})};
  CHECK(failure(write(BuiltinOperator::softmax, steep, SoftmaxOptions{1e30F})) ==
        "operator 0 SOFTMAX, tensor 0 'logits': quantization parameters are missing or invalid: scale * beta "
        "is not finite");

  const Spoilt<NoOptions> quantize(
      BuiltinOperator::quantize,
      {.a = spec<std::int32_t>("from", {6}), .result = spec<std::int8_t>("to", {6})}, {});
  quantize.says("tensor 0 'from'", Errc::bad_quantization, "the scale is not a finite positive number",
                [](Operands& o) { o.a.scales = {0.0F}; });
  quantize.says("tensor 1 'to'", Errc::bad_shape, "wrong number of elements (found 5, limit 6)",
                [](Operands& o) { o.result.shape = {5}; });
  quantize.says("tensor 1 'to'", Errc::unsupported_type, "FLOAT32",
                [](Operands& o) { o.result.type = ElementType::float32; });
  quantize.says("tensor 0 'from'", Errc::unsupported_type, "BOOL",
                [](Operands& o) { o.a.type = ElementType::boolean; });

  const Spoilt<NoOptions> dequantize(
      BuiltinOperator::dequantize,
      {.a = spec<std::int8_t>("from", {6}), .result = test::plain("to", ElementType::float32, {6})}, {});
  dequantize.says("tensor 0 'from'", Errc::unsupported_type, "INT32",
                  [](Operands& o) { o.a.type = ElementType::int32; });
  dequantize.says("tensor 0 'from'", Errc::unsupported_type, "FLOAT16",
                  [](Operands& o) { o.a.type = TensorType(std::int8_t{1}); });
  dequantize.says("tensor 1 'to'", Errc::unsupported_type, "INT8",
                  [](Operands& o) { o.result.type = ElementType::int8; });

  const Spoilt<ReshapeOptions> reshape(
      BuiltinOperator::reshape, {.a = spec<std::int8_t>("x", {6}), .result = spec<std::int8_t>("y", {2, 3})},
      {});
  reshape.says("tensor 1 'y'", Errc::bad_shape, "wrong number of elements (found 7, limit 6)",
               [](Operands& o) { o.result.shape = {7}; });
  reshape.says("tensor 0 'x'", Errc::unsupported_type, "FLOAT16",
               [](Operands& o) { o.a.type = o.result.type = TensorType(std::int8_t{1}); });
}

TEST_CASE("operators that are unknown, and outputs that no operator can have") {
  const auto one = [](const OperatorSpec& op) {
    return failure(
        test::OneOperator().input(spec<std::int8_t>("x", {4})).finish(op, spec<std::int8_t>("y", {4})));
  };
  CHECK(one({BuiltinOperator::leaky_relu, 2}) == "operator 0 LEAKY_RELU: the operator is not supported");
  CHECK(one({BuiltinOperator::custom, 1, "own_operator"}) ==
        "operator 0 own_operator: the operator is not supported");
  CHECK(one({static_cast<BuiltinOperator>(4000)}) == "operator 0 UNKNOWN: the operator is not supported");

  ModelWriter two;
  const auto x = two.add_tensor(spec<std::int8_t>("x", {4}));
  const auto y = two.add_tensor(spec<std::int8_t>("y", {4}));
  const auto z = two.add_tensor(spec<std::int8_t>("z", {4}));
  two.add_operator(BuiltinOperator::quantize, {x}, {y, z});
  two.set_inputs({x});
  two.set_outputs({y, z});
  CHECK(failure(two.finish()) ==
        "operator 0 QUANTIZE: a required tensor is missing: the operator must have one output");

  ModelWriter many;
  const auto p = many.add_tensor(spec<std::int8_t>("p", {4}));
  const auto q = many.add_tensor(spec<std::int8_t>("q", {4}));
  many.add_operator(BuiltinOperator::quantize, {p, p}, {q});
  many.set_inputs({p});
  many.set_outputs({q});
  CHECK(
      failure(many.finish()) ==
      "operator 0 QUANTIZE: the operator is not supported: more inputs than this operator is known to take");
}

TEST_CASE("variables, which nothing here keeps from run to run") {
  const TensorSpec plain = spec<std::int8_t>("x", {4});
  TensorSpec kept = spec<std::int8_t>("state", {4});
  kept.is_variable = true;
  const std::string detail =
      "'state': the file uses a part of the format that is not supported: a variable tensor";

  ModelWriter reads;
  const auto x = reads.add_tensor(plain);
  const auto state = reads.add_tensor(kept);
  const auto sum = reads.add_tensor(plain);
  reads.add_operator(BuiltinOperator::add, {x, state}, {sum}, AddOptions{});
  reads.set_inputs({x});
  reads.set_outputs({sum});
  CHECK(failure(reads.finish()) == "operator 0 ADD, tensor 1 " + detail);

  ModelWriter returns;
  returns.set_outputs({returns.add_tensor(kept)});
  CHECK(failure(returns.finish()) == "tensor 0 " + detail);
}

TEST_CASE("check_operators reports everything that keeps a model from running") {
  ModelWriter writer;
  const auto x = writer.add_tensor(spec<std::int8_t>("x", {1, 2, 2, 1}));
  const auto a = writer.add_tensor(spec<std::int8_t>("a", {1, 2, 2, 1}));
  const auto b = writer.add_tensor(spec<std::int8_t>("b", {1, 2, 2, 1}));
  const auto c = writer.add_tensor(spec<std::int8_t>("c", {1, 2, 2, 1}));
  const auto d = writer.add_tensor(spec<std::int8_t>("d", {1, 2, 2, 2}));
  writer.add_operator(BuiltinOperator::tanh, {x}, {a});
  writer.add_operator(BuiltinOperator::quantize, {a}, {b});
  writer.add_operator({BuiltinOperator::max_pool_2d, 4}, {b}, {c}, Pool2DOptions{});
  writer.add_operator(BuiltinOperator::reshape, {c}, {d}, ReshapeOptions{});
  writer.set_inputs({x});
  writer.set_outputs({d});
  const Bytes file = writer.finish();
  const auto model = Model::open(file);
  REQUIRE(model);
  std::vector<std::string> reports;
  const std::size_t failures =
      check_operators(*model, test::Operators<profile::tflm>::table, [&](const Status& status) {
        std::array<char, message_capacity> text{};
        reports.emplace_back(message(status, text));
      });
  CHECK(failures == 3);
  REQUIRE(reports.size() == 3);
  CHECK(reports[0] == "operator 0 TANH: the operator is not supported");
  CHECK(reports[1] ==
        "operator 2 MAX_POOL_2D: this version of the operator is not supported: version (found 4, limit 3)");
  CHECK(reports[2] ==
        "operator 3 RESHAPE, tensor 4 'd': a shape is invalid or does not fit the operator: wrong number of "
        "elements (found 8, limit 4)");
  CHECK(failure(file) == reports[0]);  // running stops at the first
}
