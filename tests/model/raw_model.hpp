// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/raw_model.hpp
/// A small valid model as plain fields, each of which a test can break by itself before it is written.
#pragma once

#include <kinglet/model/schema_generated.hpp>
#include <optional>
#include <string>
#include <vector>

namespace raw {

namespace schema = kinglet::schema;

struct Tensor {
  std::string name{};
  std::vector<std::int32_t> shape{};
  schema::TensorType type = schema::TensorType::INT8;
  std::uint32_t buffer = 0;
  std::vector<float> scale{};
  std::vector<std::int64_t> zero_point{};
  std::int32_t quantized_dimension = 0;
  std::uint8_t details_type = 0;
  bool is_variable = false;
  bool sparse = false;
  std::uint32_t external_buffer = 0;
};

struct Buffer {
  std::vector<std::uint8_t> data{};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct Code {
  std::int8_t deprecated_builtin_code = 0;
  std::int32_t builtin_code = 0;
  std::string custom_code{};
};

struct Operator {
  std::uint32_t opcode_index = 0;
  std::vector<std::int32_t> inputs{};
  std::vector<std::int32_t> outputs{};
};

/// image -> CONV_2D(filter, bias) -> hidden -> ADD(hidden, hidden) -> result.
struct Model {
  std::uint32_t version = 3;
  std::string identifier = "TFL3";
  int subgraphs = 1;
  std::vector<Tensor> tensors{
      {"image", {1, 4, 4, 2}, schema::TensorType::INT8, 0, {0.5F}, {-3}},
      {"filter", {3, 1, 1, 2}, schema::TensorType::INT8, 1, {0.25F, 0.5F, 1.0F}, {0, 0, 0}, 0},
      {"bias", {3}, schema::TensorType::INT32, 2, {0.125F, 0.25F, 0.5F}, {0, 0, 0}, 0},
      {"hidden", {1, 4, 4, 3}, schema::TensorType::INT8, 0, {2.0F}, {1}},
      {"result", {1, 4, 4, 3}, schema::TensorType::INT8, 0, {4.0F}, {}},
  };
  std::vector<Buffer> buffers{{}, {{1, 2, 3, 4, 5, 6}}, {std::vector<std::uint8_t>(12, 7)}};
  std::vector<Code> codes{{3, 0}, {0, 0}};
  std::vector<Operator> operators{{0, {0, 1, 2}, {3}}, {1, {3, 3}, {4}}};
  std::vector<std::int32_t> inputs{0};
  std::vector<std::int32_t> outputs{4};
};

namespace detail {

using Builder = flatbuffers::FlatBufferBuilder;

inline auto write(Builder& to, const Tensor& t) {
  const auto scale = to.CreateVector(t.scale);
  const auto zero_point = to.CreateVector(t.zero_point);
  const auto quantization = schema::CreateQuantizationParameters(to, 0, 0, scale, zero_point, t.details_type,
                                                                 t.quantized_dimension);
  const auto shape = to.CreateVector(t.shape);
  const auto name = to.CreateString(t.name);
  flatbuffers::Offset<schema::SparsityParameters> sparsity{};
  if (t.sparse) {
    sparsity = schema::CreateSparsityParameters(to);
  }
  return schema::CreateTensor(to, shape, t.type, t.buffer, name, quantization, t.is_variable, sparsity,
                              t.external_buffer);
}

inline auto write(Builder& to, const Buffer& b) {
  to.ForceVectorAlignment(b.data.size(), 1, 16);
  const auto data = to.CreateVector(b.data);
  return schema::CreateBuffer(to, data, b.offset, b.size);
}

inline auto write(Builder& to, const Code& c) {
  const auto custom = to.CreateString(c.custom_code);
  return schema::CreateOperatorCode(to, c.deprecated_builtin_code, custom, 1,
                                    static_cast<schema::BuiltinOperator>(c.builtin_code));
}

inline auto write(Builder& to, const Operator& o) {
  const auto inputs = to.CreateVector(o.inputs);
  const auto outputs = to.CreateVector(o.outputs);
  return schema::CreateOperator(to, o.opcode_index, inputs, outputs);
}

template <class T>
auto write_all(Builder& to, const std::vector<T>& items) {
  std::vector<decltype(write(to, items[0]))> offsets;
  for (const T& item : items) {
    offsets.push_back(write(to, item));
  }
  return to.CreateVector(offsets);
}

}  // namespace detail

inline std::vector<std::byte> write(const Model& model) {
  detail::Builder to;
  const auto buffers = detail::write_all(to, model.buffers);
  const auto tensors = detail::write_all(to, model.tensors);
  const auto operators = detail::write_all(to, model.operators);
  const auto codes = detail::write_all(to, model.codes);
  const auto inputs = to.CreateVector(model.inputs);
  const auto outputs = to.CreateVector(model.outputs);
  const auto graph = schema::CreateSubGraph(to, tensors, inputs, outputs, operators);
  const std::vector<flatbuffers::Offset<schema::SubGraph>> graphs(static_cast<std::size_t>(model.subgraphs),
                                                                  graph);
  const auto graph_list = to.CreateVector(graphs);
  const auto description = to.CreateString("a small model");
  const auto root = schema::CreateModel(to, model.version, codes, graph_list, description, buffers);
  to.Finish(root, model.identifier.c_str());
  const auto* const bytes = reinterpret_cast<const std::byte*>(to.GetBufferPointer());
  return {bytes, bytes + to.GetSize()};
}

}  // namespace raw
