// SPDX-License-Identifier: Apache-2.0
/// @file model/model.hpp
/// The reader: a .tflite file in the caller's memory, verified, as plain structs. Nothing is copied or allocated.
#pragma once

#include <kinglet/model/operator_info.hpp>
#include <kinglet/model/verify.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// The first subgraph of a model. Points into the file's bytes, which must outlive it and stay unchanged.
class Model {
 public:
  /// Verifies the bytes (see model/verify.hpp), which start at a multiple of `model_alignment`.
  static Result<Model> open(std::span<const std::byte> bytes) noexcept {
    const Status status = verify(bytes);
    if (!status.ok()) {
      return status;
    }
    return Model(*schema::GetModel(bytes.data()));
  }

  [[nodiscard]] std::string_view description() const noexcept { return detail::text(model_->description()); }
  [[nodiscard]] std::int32_t version() const noexcept { return static_cast<std::int32_t>(model_->version()); }
  [[nodiscard]] std::int32_t subgraph_count() const noexcept {
    return static_cast<std::int32_t>(detail::count(model_->subgraphs()));
  }
  [[nodiscard]] std::string_view name() const noexcept { return detail::text(graph_->name()); }

  [[nodiscard]] std::int32_t tensor_count() const noexcept {
    return static_cast<std::int32_t>(detail::count(graph_->tensors()));
  }
  /// Precondition: 0 <= i < tensor_count().
  [[nodiscard]] TensorInfo tensor(std::int32_t i) const noexcept {
    return detail::tensor_info(*model_, detail::entry(graph_->tensors(), static_cast<std::size_t>(i)), i);
  }

  [[nodiscard]] std::int32_t operator_count() const noexcept {
    return static_cast<std::int32_t>(detail::count(graph_->operators()));
  }
  /// In the order of execution. Precondition: 0 <= i < operator_count().
  [[nodiscard]] OperatorInfo op(std::int32_t i) const noexcept {
    const schema::Operator& table = detail::entry(graph_->operators(), static_cast<std::size_t>(i));
    const schema::OperatorCode& code = detail::entry(model_->operator_codes(), table.opcode_index());
    return {.index = i,
            .code = detail::builtin_operator(code),
            .name = detail::name_of(code),
            .version = code.version(),
            .inputs = detail::list(table.inputs()),
            .outputs = detail::list(table.outputs()),
            .table = &table};
  }

  /// Tensor indexes of the graph's inputs and outputs.
  [[nodiscard]] std::span<const std::int32_t> inputs() const noexcept {
    return detail::list(graph_->inputs());
  }
  [[nodiscard]] std::span<const std::int32_t> outputs() const noexcept {
    return detail::list(graph_->outputs());
  }

 private:
  explicit Model(const schema::Model& model) noexcept
      : model_(&model), graph_(&detail::entry(model.subgraphs(), 0)) {}
  const schema::Model* model_;
  const schema::SubGraph* graph_;
};

}  // namespace kinglet::inline KINGLET_TARGET
