// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/model.cpp
/// What the reader says about written models and real ones, and that it takes nothing from the heap.
#include <doctest/doctest.h>

#include <cstdlib>
#include <kinglet/core/message.hpp>
#include <new>
#include <support/data.hpp>

#include "raw_model.hpp"
#include "small_model.hpp"
#include "sweep.hpp"

namespace {
std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);  // NOLINT: this is `operator new`
}
}  // namespace

// For the whole program; the other forms of new end here.
void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* pointer) noexcept {
  std::free(pointer);
}
void operator delete[](void* pointer) noexcept {
  std::free(pointer);
}
void operator delete(void* pointer, std::size_t) noexcept {
  std::free(pointer);
}
void operator delete[](void* pointer, std::size_t) noexcept {
  std::free(pointer);
}

using kinglet::BuiltinOperator;
using kinglet::ElementType;
using kinglet::Model;

static_assert(std::is_trivially_copyable_v<Model> && sizeof(Model) == 2 * sizeof(void*));

TEST_CASE("Opening and reading take nothing from the heap") {
  const std::vector<std::byte> file = test::small_model();
  const std::size_t before = allocations;
  const auto model = Model::open(file);
  const std::uint64_t digest = model ? test::sweep(*model) : 0;
  const std::size_t after = allocations;
  CHECK(after == before);
  CHECK(digest != 0);
  CHECK(before > 0);  // the count is alive
}

TEST_CASE("A file that is refused says why") {
  const auto model = Model::open({});
  CHECK_FALSE(model);
  CHECK(model.status().code == kinglet::Errc::not_a_model);
}

TEST_CASE("Zero points at odd multiples of 4 are read") {
  alignas(8) std::byte room[32] = {};
  const std::int64_t value[] = {-7, 5'000'000'000};
  for (const std::size_t shift : {0U, 4U, 8U, 12U}) {
    std::memcpy(room + shift, value, sizeof value);
    const kinglet::ZeroPoints points(room + shift, 2);
    CHECK(points[0] == -7);
    CHECK(points[1] == 5'000'000'000);
    kinglet::TensorInfo tensor;
    tensor.zero_points = points;
    CHECK(tensor.zero_point(0) == -7);
    CHECK(tensor.zero_point(1) == 0x7fffffff);  // saturated
    CHECK(tensor.zero_point(9) == 0x7fffffff);  // the last one serves all further slices
  }
  CHECK(kinglet::TensorInfo{}.zero_point() == 0);
}

TEST_CASE("The larger of two operator codes counts") {
  struct Case {
    std::int8_t old_code;
    std::int32_t code;
    BuiltinOperator expected;
  };
  for (const Case& c : {Case{3, 0, BuiltinOperator::conv_2d}, Case{3, 3, BuiltinOperator::conv_2d},
                        Case{0, 3, BuiltinOperator::conv_2d}, Case{127, 150, BuiltinOperator::gelu},
                        Case{-1, 4, BuiltinOperator::depthwise_conv_2d}}) {
    raw::Model m;
    m.codes[0] = {c.old_code, c.code};
    const std::vector<std::byte> file = raw::write(m);
    const auto model = Model::open(file);
    REQUIRE(model);
    CHECK(model->op(0).code == c.expected);
    CHECK(model->op(0).name == kinglet::operator_name(c.expected));
  }
}

TEST_CASE("Operators that nobody knows are read all the same") {
  raw::Model m;
  m.codes = {{32, 0, ""}, {0, 5'000, "ignored"}};
  const std::vector<std::byte> file = raw::write(m);
  const auto model = Model::open(file);
  REQUIRE(model);
  CHECK(model->op(0).name == "CUSTOM");
  CHECK(model->op(1).name == "UNKNOWN");
  CHECK(static_cast<std::int32_t>(model->op(1).code) == 5'000);
}

TEST_CASE("Types that are not computed with keep their name") {
  raw::Model m;
  m.tensors.push_back({"half", {3}, raw::schema::TensorType::FLOAT16});
  m.tensors.push_back({"future", {3}, static_cast<raw::schema::TensorType>(99)});
  const std::vector<std::byte> file = raw::write(m);
  const auto model = Model::open(file);
  REQUIRE(model);
  CHECK(model->tensor(5).type == ElementType::other);
  CHECK(model->tensor(5).type_name == "FLOAT16");
  CHECK(model->tensor(5).bytes() == 0);
  CHECK(model->tensor(6).type_name == "UNKNOWN");
}

TEST_CASE("A file that leaves out all it may") {
  namespace schema = kinglet::schema;
  flatbuffers::FlatBufferBuilder to;
  const auto graph = schema::CreateSubGraph(to);
  const auto graphs = to.CreateVector(&graph, 1);
  schema::FinishModelBuffer(to, schema::CreateModel(to, 3, 0, graphs));
  const auto* const bytes = reinterpret_cast<const std::byte*>(to.GetBufferPointer());
  const std::vector<std::byte> file(bytes, bytes + to.GetSize());
  const auto model = Model::open(file);
  REQUIRE(model);
  CHECK(model->description().empty());
  CHECK(model->tensor_count() == 0);
  CHECK(model->operator_count() == 0);
  CHECK(model->inputs().empty());
  CHECK(model->outputs().empty());
}

TEST_CASE("Every real model opens") {
  const auto folder = test::data_folder();
  if (!folder) {
    MESSAGE("skipped: no data folder");
    return;
  }
  int opened = 0;
  for (const char* const sub : {"models", "int16x8"}) {
    for (const auto& item : std::filesystem::directory_iterator(*folder / sub)) {
      if (item.path().extension() != ".tflite") {
        continue;
      }
      CAPTURE(item.path().string());
      const std::vector<std::byte> file = test::read_file(item.path());
      const auto model = Model::open(file);
      char room[400];
      CHECK_MESSAGE(model.ok(), kinglet::message(model.status(), room));
      if (!model) {
        continue;
      }
      ++opened;
      CHECK(model->inputs().size() >= 1);
      CHECK(model->outputs().size() == 1);
      for (std::int32_t i = 0; i < model->operator_count(); ++i) {
        const kinglet::OperatorInfo op = model->op(i);
        CAPTURE(op.name);
        switch (op.code) {
          case BuiltinOperator::conv_2d: CHECK(op.conv2d_options()); break;
          case BuiltinOperator::depthwise_conv_2d: CHECK(op.depthwise_conv2d_options()); break;
          case BuiltinOperator::transpose_conv: CHECK(op.transpose_conv_options()); break;
          case BuiltinOperator::fully_connected: CHECK(op.fully_connected_options()); break;
          case BuiltinOperator::average_pool_2d: CHECK(op.pool2d_options()); break;
          case BuiltinOperator::add: CHECK(op.add_options()); break;
          case BuiltinOperator::sub: CHECK(op.sub_options()); break;
          case BuiltinOperator::softmax: CHECK(op.softmax_options()->beta == 1.0F); break;
          case BuiltinOperator::mean: CHECK(op.reducer_options()); break;
          case BuiltinOperator::leaky_relu: CHECK(op.leaky_relu_options()->alpha != 0.0F); break;
          default: break;
        }
      }
    }
  }
  CHECK(opened >= 81);
}

TEST_CASE("A real model, in detail") {
  const auto folder = test::data_folder();
  if (!folder) {
    MESSAGE("skipped: no data folder");
    return;
  }
  const std::vector<std::byte> file = test::read_file(*folder / "models/kws_ref_model.tflite");
  const auto model = Model::open(file);
  REQUIRE(model);
  const kinglet::TensorInfo input = model->tensor(model->inputs()[0]);
  CHECK(input.type == ElementType::int8);
  CHECK(std::vector(input.shape.begin(), input.shape.end()) == std::vector<std::int32_t>{1, 49, 10, 1});
  CHECK(input.per_tensor().scale == 0.584702909F);
  CHECK(input.per_tensor().zero_point == 83);
  CHECK(input.bytes() == 490);
  const kinglet::OperatorInfo first = model->op(0);
  CHECK(first.name == "CONV_2D");
  CHECK(first.version == 3);
  const kinglet::TensorInfo filter = model->tensor(first.input(1));
  CHECK(filter.is_constant());
  CHECK(filter.per_channel().scale.size() == static_cast<std::size_t>(filter.shape[0]));
  CHECK(filter.bytes() == filter.constant.size());
  CHECK(model->op(model->operator_count() - 1).name == "SOFTMAX");
}
