// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/options.cpp
/// Options that a file leaves out, gives for another operator, or fills with values out of range.
#include <doctest/doctest.h>

#include <kinglet/model/operator_info.hpp>
#include <limits>

namespace schema = kinglet::schema;
using kinglet::Errc;

namespace {

/// An operator table by itself, with what `fill` makes as its options.
class OneOperator {
 public:
  template <class Fill>
  explicit OneOperator(Fill fill) {
    finish(fill(to_));
  }
  explicit OneOperator(std::uint8_t type = 0) { finish(static_cast<schema::BuiltinOptions>(type), 0); }

  [[nodiscard]] kinglet::OperatorInfo info() const {
    kinglet::OperatorInfo info;
    info.index = 7;
    info.name = "CONV_2D";
    info.table = flatbuffers::GetRoot<schema::Operator>(to_.GetBufferPointer());
    return info;
  }
  template <class Options>
  [[nodiscard]] Errc code() const {
    return info().options<Options>().status().code;
  }

 private:
  template <class Table>
  void finish(flatbuffers::Offset<Table> table) {
    finish(schema::BuiltinOptionsTraits<Table>::enum_value, table.Union());
  }
  void finish(schema::BuiltinOptions type, flatbuffers::Offset<void> table) {
    to_.Finish(schema::CreateOperator(to_, 0, 0, 0, type, table));
  }
  flatbuffers::FlatBufferBuilder to_;
};

constexpr auto same = schema::Padding::SAME;
constexpr auto none = schema::ActivationFunctionType::NONE;

}  // namespace

TEST_CASE("Absent options have the format's defaults") {
  // Nothing, a type byte without a table, and a type byte that nobody knows.
  constexpr std::uint8_t types[] = {0, 1, 200};
  for (const std::uint8_t type : types) {
    const OneOperator op(type);
    CHECK(op.info().add_options()->activation == kinglet::Activation::none);
    CHECK(op.info().add_options()->pot_scale_int16);
    CHECK(op.info().sub_options()->pot_scale_int16);
    CHECK_FALSE(op.info().reducer_options()->keep_dims);
    CHECK_FALSE(op.info().fully_connected_options()->keep_num_dims);
    CHECK(op.info().softmax_options()->beta == 0.0F);
    CHECK(op.info().concatenation_options()->axis == 0);
    CHECK(op.info().reshape_options()->new_shape.empty());
    CHECK(op.info().squeeze_options()->squeeze_dims.empty());
    // A stride of 0 is the default, and no stride.
    CHECK(op.info().conv2d_options().status().code == Errc::bad_option);
    CHECK(op.info().depthwise_conv2d_options().status().code == Errc::bad_option);
    CHECK(op.info().pool2d_options().status().code == Errc::bad_option);
  }
}

TEST_CASE("Another operator's options count as absent") {
  const OneOperator op([](auto& to) { return schema::CreateReducerOptions(to, true); });
  CHECK(op.info().reducer_options()->keep_dims);
  CHECK(op.info().softmax_options()->beta == 0.0F);
  CHECK_FALSE(op.info().fully_connected_options()->keep_num_dims);
}

TEST_CASE("Dilations are 1 when a file does not say") {
  const OneOperator op([](auto& to) { return schema::CreateConv2DOptions(to, same, 2, 3); });
  const auto options = op.info().conv2d_options();
  REQUIRE(options);
  CHECK(options->stride_w == 2);
  CHECK(options->stride_h == 3);
  CHECK(options->dilation_h == 1);
  CHECK(options->dilation_w == 1);
}

TEST_CASE("Padding") {
  for (const int value : {-1, 2, 127}) {
    const auto padding = static_cast<schema::Padding>(value);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateConv2DOptions(to, padding, 1, 1);
          }).code<kinglet::Conv2DOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateDepthwiseConv2DOptions(to, padding, 1, 1, 1);
          }).code<kinglet::DepthwiseConv2DOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreatePool2DOptions(to, padding, 1, 1, 1, 1);
          }).code<kinglet::Pool2DOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateTransposeConvOptions(to, padding, 1, 1);
          }).code<kinglet::TransposeConvOptions>() == Errc::bad_option);
  }
}

TEST_CASE("Fused activations") {
  for (int value = 0; value < 4; ++value) {
    const auto activation = static_cast<schema::ActivationFunctionType>(value);
    const OneOperator op([&](auto& to) { return schema::CreateAddOptions(to, activation); });
    CHECK(op.info().add_options()->activation == static_cast<kinglet::Activation>(value));
  }
  for (const int value : {4, 5, 6, -1}) {
    const auto activation = static_cast<schema::ActivationFunctionType>(value);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateConv2DOptions(to, same, 1, 1, activation);
          }).code<kinglet::Conv2DOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateDepthwiseConv2DOptions(to, same, 1, 1, 1, activation);
          }).code<kinglet::DepthwiseConv2DOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreatePool2DOptions(to, same, 1, 1, 1, 1, activation);
          }).code<kinglet::Pool2DOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateFullyConnectedOptions(to, activation);
          }).code<kinglet::FullyConnectedOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateAddOptions(to, activation);
          }).code<kinglet::AddOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateSubOptions(to, activation);
          }).code<kinglet::SubOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateMulOptions(to, activation);
          }).code<kinglet::MulOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateConcatenationOptions(to, 0, activation);
          }).code<kinglet::ConcatenationOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateTransposeConvOptions(to, same, 1, 1, activation);
          }).code<kinglet::TransposeConvOptions>() == Errc::bad_option);
  }
}

TEST_CASE("Steps and extents are at least 1") {
  for (const std::int32_t bad : {0, -1, std::numeric_limits<std::int32_t>::min()}) {
    for (int field = 0; field < 4; ++field) {
      std::int32_t v[] = {1, 1, 1, 1};
      v[field] = bad;
      CHECK(OneOperator([&](auto& to) {
              return schema::CreateConv2DOptions(to, same, v[0], v[1], none, v[2], v[3]);
            }).code<kinglet::Conv2DOptions>() == Errc::bad_option);
      CHECK(OneOperator([&](auto& to) {
              return schema::CreateDepthwiseConv2DOptions(to, same, v[0], v[1], 1, none, v[2], v[3]);
            }).code<kinglet::DepthwiseConv2DOptions>() == Errc::bad_option);
      CHECK(OneOperator([&](auto& to) {
              return schema::CreatePool2DOptions(to, same, v[0], v[1], v[2], v[3]);
            }).code<kinglet::Pool2DOptions>() == Errc::bad_option);
    }
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateTransposeConvOptions(to, same, bad, 1);
          }).code<kinglet::TransposeConvOptions>() == Errc::bad_option);
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateTransposeConvOptions(to, same, 1, bad);
          }).code<kinglet::TransposeConvOptions>() == Errc::bad_option);
  }
}

TEST_CASE("Other values without a meaning") {
  constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
  for (const float beta : {-1.0F, not_a_number, std::numeric_limits<float>::infinity()}) {
    CHECK(OneOperator([&](auto& to) {
            return schema::CreateSoftmaxOptions(to, beta);
          }).code<kinglet::SoftmaxOptions>() == Errc::bad_option);
  }
  CHECK(OneOperator([&](auto& to) {
          return schema::CreateLeakyReluOptions(to, not_a_number);
        }).code<kinglet::LeakyReluOptions>() == Errc::bad_option);
  const auto shuffled = schema::FullyConnectedOptionsWeightsFormat::SHUFFLED4x16INT8;
  CHECK(OneOperator([&](auto& to) {
          return schema::CreateFullyConnectedOptions(to, none, shuffled);
        }).code<kinglet::FullyConnectedOptions>() == Errc::bad_option);
}

TEST_CASE("A failure names the operator and shows the value") {
  const OneOperator op([](auto& to) { return schema::CreateConv2DOptions(to, same, -4, 1); });
  const kinglet::Status status = op.info().conv2d_options().status();
  CHECK(status.operator_index == 7);
  CHECK(status.operator_name == "CONV_2D");
  CHECK(status.detail == "a stride is less than 1");
  CHECK(status.actual == -4);
  CHECK(status.limit == 1);
}
