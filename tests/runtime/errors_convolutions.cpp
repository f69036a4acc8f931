// SPDX-License-Identifier: Apache-2.0
// What convolutions refuse, and in which words: every message names the operator, and the tensor where there is one.
#include "spoilt.hpp"

using namespace kinglet;
using test::Bytes;
using test::failure;
using test::Operands;
using test::spec;
using test::Spoilt;

namespace {

Operands conv_operands() {
  return {.a = spec<std::int8_t>("image", {1, 4, 4, 2}),
          .b = {.name = "weights",
                .shape = {3, 3, 3, 2},
                .scales = {0.5F, 0.25F, 0.125F},
                .zero_points = {0, 0, 0}},
          .c = test::plain("bias", ElementType::int32, {3}),
          .result = spec<std::int8_t>("result", {1, 4, 4, 3})};
}

}  // namespace

TEST_CASE("errors of CONV_2D") {
  const Spoilt<Conv2DOptions> conv(BuiltinOperator::conv_2d, conv_operands(), {});
  conv.is_too_new_after(8);
  conv.says("", Errc::missing_tensor, "a required input is absent", [](Operands& o) { o.b = {.name = "-"}; });
  conv.says("tensor 1 'weights'", Errc::not_constant, "weights must be in the file",
            [](Operands& o) { o.b_is_constant = false; });
  conv.says("tensor 2 'bias'", Errc::not_constant, "bias must be in the file",
            [](Operands& o) { o.c_is_constant = false; });
  conv.says("tensor 0 'image'", Errc::bad_shape, "the rank is too low (found 3, limit 4)", [](Operands& o) {
    o.a.shape = {4, 4, 2};
  });
  conv.says("tensor 3 'result'", Errc::bad_shape, "the rank is too high (found 5, limit 4)", [](Operands& o) {
    o.result.shape = {1, 1, 4, 4, 3};
  });
  conv.says("tensor 3 'result'", Errc::bad_shape,
            "extent 1 differs from what the operator computes (found 5, limit 4)", [](Operands& o) {
              o.result.shape = {1, 5, 4, 3};
            });
  conv.says("tensor 3 'result'", Errc::bad_shape,
            "extent 3 differs from what the operator computes (found 2, limit 3)", [](Operands& o) {
              o.result.shape = {1, 4, 4, 2};
            });
  conv.says("tensor 1 'weights'", Errc::bad_shape, "input channels are not a multiple of the filter's",
            [](Operands& o) {
              o.b.shape = {3, 3, 3, 3};
            });
  conv.says("tensor 1 'weights'", Errc::bad_shape, "output channels are not a multiple of the groups",
            [](Operands& o) {
              o.b.shape = {3, 3, 3, 1};
            });
  conv.says("tensor 2 'bias'", Errc::bad_shape, "wrong number of elements (found 4, limit 3)",
            [](Operands& o) { o.c.shape = {4}; });
  conv.says("tensor 1 'weights'", Errc::bad_quantization, "weights need one scale, or one per output channel",
            [](Operands& o) { o.b.scales = {}; });
  conv.says("tensor 1 'weights'", Errc::bad_quantization, "scales must follow the output channels",
            [](Operands& o) { o.b.quantized_dimension = 1; });
  Operands beyond = conv_operands();  // found when the file is opened
  beyond.b.quantized_dimension = 4;
  CHECK(failure(write(BuiltinOperator::conv_2d, beyond, Conv2DOptions{})) ==
        "tensor 1 'weights': quantization parameters are missing or invalid: quantized_dimension (found 4, "
        "limit 3)");
  conv.says("tensor 1 'weights'", Errc::bad_quantization, "int8 weights need zero point 0", [](Operands& o) {
    o.b.zero_points = {0, 1, 0};
  });
  conv.says("tensor 0 'image'", Errc::bad_quantization, "one scale is needed (found 0, limit 1)",
            [](Operands& o) { o.a.scales = {}; });
  conv.says("tensor 3 'result'", Errc::bad_quantization, "one scale is needed (found 3, limit 1)",
            [](Operands& o) {
              o.result.scales = {1, 1, 1};
              o.result.zero_points = {};
              o.result.quantized_dimension = 3;
            });
  conv.says("tensor 0 'image'", Errc::unsupported_type, "FLOAT32", [](Operands& o) {
    o.a = test::plain("image", ElementType::float32, {1, 4, 4, 2});
  });
  conv.says("tensor 1 'weights'", Errc::unsupported_type, "UINT8",
            [](Operands& o) { o.b.type = ElementType::uint8; });
  conv.says("tensor 3 'result'", Errc::unsupported_type, "INT16",
            [](Operands& o) { o.result.type = ElementType::int16; });
  conv.says("tensor 2 'bias'", Errc::unsupported_type, "INT64",
            [](Operands& o) { o.c.type = ElementType::int64; });
  conv.says_of_options("", Errc::bad_option, "a stride is less than 1 (found 0, limit 1)",
                       [](Conv2DOptions& o) { o.stride_w = 0; });
  conv.says_of_options("", Errc::bad_option, "a dilation is less than 1 (found -1, limit 1)",
                       [](Conv2DOptions& o) { o.dilation_h = -1; });
  conv.says_of_options("", Errc::bad_option, "stride_h is too large (found 16777217, limit 16777216)",
                       [](Conv2DOptions& o) { o.stride_h = (1 << 24) + 1; });
  conv.says_of_options("", Errc::bad_option,
                       "the dilated filter is too wide (found 30000000, limit 16777216)",
                       [](Conv2DOptions& o) { o.dilation_w = 10'000'000; });
  conv.says_of_options("tensor 3 'result'", Errc::bad_shape,
                       "extent 1 differs from what the operator computes (found 4, limit 2)",
                       [](Conv2DOptions& o) { o.padding = Padding::valid; });
}

TEST_CASE("errors of 16-bit convolutions") {
  Operands operands = conv_operands();
  operands.a.type = operands.result.type = ElementType::int16;
  operands.c.type = ElementType::int64;
  const Spoilt<Conv2DOptions> conv(BuiltinOperator::conv_2d, operands, {});
  conv.says("tensor 0 'image'", Errc::bad_quantization, "16-bit activations need zero point 0",
            [](Operands& o) { o.a.zero_points = {1}; });
  conv.says("tensor 1 'weights'", Errc::bad_quantization,
            "input scale * weight scale / output scale is 2^14 or more",
            [](Operands& o) { o.b.scales[2] = 16384; });
  conv.says("tensor 2 'bias'", Errc::bad_buffer, "a bias is 2^46 or more", [](Operands& o) {
    o.wide = {0, 0, -(std::int64_t{1} << 46)};
  });
  Operands largest = operands;  // the last ones that are taken
  largest.b.scales[2] = 16383;
  largest.wide = {(std::int64_t{1} << 46) - 1, 0, 1 - (std::int64_t{1} << 46)};
  CHECK(failure(write(BuiltinOperator::conv_2d, largest, Conv2DOptions{})) == "");
}

TEST_CASE("errors of DEPTHWISE_CONV_2D") {
  Operands operands = conv_operands();
  operands.b.shape = {1, 3, 3, 4};
  operands.b.scales = {0.5F};
  operands.b.zero_points = {0};
  operands.c.shape = {4};
  operands.result.shape = {1, 4, 4, 4};
  const Spoilt<DepthwiseConv2DOptions> depthwise(BuiltinOperator::depthwise_conv_2d, operands, {});
  depthwise.says("tensor 1 'weights'", Errc::bad_shape, "output channels are not a multiple of the input's",
                 [](Operands& o) {
                   o.b.shape = {1, 3, 3, 3};
                 });
  depthwise.says("tensor 1 'weights'", Errc::bad_shape,
                 "extent 0 differs from what the operator computes (found 2, limit 1)", [](Operands& o) {
                   o.b.shape = {2, 3, 3, 4};
                 });
  depthwise.says("tensor 1 'weights'", Errc::bad_quantization, "scales must follow the output channels",
                 [](Operands& o) {
                   o.b.shape = {1, 4, 1, 4};
                   o.b.scales = {1, 1, 1, 1};
                   o.b.zero_points = {};
                   o.b.quantized_dimension = 1;
                 });
  depthwise.is_too_new_after(7);
}

TEST_CASE("errors of FULLY_CONNECTED") {
  const Spoilt<FullyConnectedOptions> dense(BuiltinOperator::fully_connected,
                                            {.a = spec<std::uint8_t>("rows", {2, 6}),
                                             .b = spec<std::uint8_t>("weights", {3, 6}, {0.5F, 100}),
                                             .result = spec<std::uint8_t>("result", {2, 3})},
                                            {});
  dense.says("tensor 0 'rows'", Errc::bad_shape,
             "the number of elements is not a multiple of the filter's columns", [](Operands& o) {
               o.a.shape = {2, 5};
             });
  dense.says("tensor 2 'result'", Errc::bad_shape, "wrong number of elements (found 3, limit 6)",
             [](Operands& o) {
               o.result.shape = {1, 3};
             });
  dense.says("tensor 2 'result'", Errc::bad_shape, "the last extent is not the filter's number of rows",
             [](Operands& o) {
               o.result.shape = {3, 2};
             });
  dense.says("tensor 1 'weights'", Errc::bad_shape, "the rank is too high (found 3, limit 2)",
             [](Operands& o) {
               o.b.shape = {3, 6, 1};
             });
  dense.says("tensor 1 'weights'", Errc::bad_quantization, "uint8 weights need one zero point",
             [](Operands& o) {
               o.b.scales = {1, 1, 1};
               o.b.zero_points = {1, 1, 2};
             });
  dense.is_too_new_after(14);
}
