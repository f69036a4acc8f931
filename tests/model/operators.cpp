// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/operators.cpp
/// Our names and numbers against those of the schema.
#include <doctest/doctest.h>

#include <kinglet/model/operators.hpp>
#include <kinglet/model/schema_generated.hpp>

using kinglet::BuiltinOperator;
using kinglet::ElementType;
using kinglet::TensorType;
namespace schema = kinglet::schema;

TEST_CASE("Operator names are the schema's, number by number") {
  for (std::int32_t i = 0; i <= static_cast<std::int32_t>(schema::BuiltinOperator::MAX); ++i) {
    CHECK(kinglet::operator_name(static_cast<BuiltinOperator>(i)) ==
          schema::EnumNameBuiltinOperator(static_cast<schema::BuiltinOperator>(i)));
  }
  CHECK(kinglet::operator_name(static_cast<BuiltinOperator>(210)) == "UNKNOWN");
  CHECK(kinglet::operator_name(static_cast<BuiltinOperator>(-1)) == "UNKNOWN");
}

TEST_CASE("Operator numbers are the schema's") {
  // The enum is a plain list: were a name missing, those behind it would be off by one.
  CHECK(static_cast<int>(BuiltinOperator::add) == 0);
  CHECK(static_cast<int>(BuiltinOperator::conv_2d) == 3);
  CHECK(static_cast<int>(BuiltinOperator::depthwise_conv_2d) == 4);
  CHECK(static_cast<int>(BuiltinOperator::fully_connected) == 9);
  CHECK(static_cast<int>(BuiltinOperator::custom) == 32);
  CHECK(static_cast<int>(BuiltinOperator::mean) == 40);
  CHECK(static_cast<int>(BuiltinOperator::transpose_conv) == 67);
  CHECK(static_cast<int>(BuiltinOperator::quantize) == 114);
  CHECK(static_cast<int>(BuiltinOperator::while_) == 119);
  CHECK(static_cast<int>(BuiltinOperator::placeholder_for_greater_op_codes) == 127);
  CHECK(static_cast<int>(BuiltinOperator::stablehlo_case) == 209);
  CHECK(schema::BuiltinOperator::MAX == schema::BuiltinOperator::STABLEHLO_CASE);
}

TEST_CASE("Tensor types: names, sizes, and back") {
  for (int i = 0; i <= static_cast<int>(schema::TensorType::MAX); ++i) {
    const TensorType type(static_cast<std::int8_t>(i));
    CHECK(type.name() == schema::EnumNameTensorType(static_cast<schema::TensorType>(i)));
    if (type.element() != ElementType::other) {
      CHECK(type.bits() == 8 * kinglet::element_bytes(type.element()));
      CHECK(TensorType(type.element()).code() == i);
    }
  }
  CHECK(TensorType(1).name() == "FLOAT16");
  CHECK(TensorType(1).bits() == 16);
  CHECK(TensorType(17).bits() == 4);
  CHECK(TensorType(5).bits() == 0);
  for (const int unknown : {23, 127, -1, -128}) {
    const TensorType type(static_cast<std::int8_t>(unknown));
    CHECK(type.name() == "UNKNOWN");
    CHECK(type.bits() == 0);
    CHECK(type.element() == ElementType::other);
  }
  CHECK(kinglet::type_name(ElementType::int8) == "INT8");
  CHECK(kinglet::type_name(ElementType::other) == "UNKNOWN");
}
