// SPDX-License-Identifier: Apache-2.0
/// @file model/writer.hpp
/// Builds .tflite files: for tests, generated models and the quantizer. It runs on workstations and uses the heap,
/// unlike every other header of model/; nothing on the way to run a model includes it.
#pragma once

#include <algorithm>
#include <kinglet/model/write_options.hpp>
#include <string>
#include <vector>

namespace kinglet::inline KINGLET_TARGET {

/// A tensor to be written.
struct TensorSpec {
  std::string name{};
  TensorType type = ElementType::int8;
  std::vector<std::int32_t> shape{};
  std::vector<float> scales{};  ///< empty: not quantized
  std::vector<std::int64_t> zero_points{};
  std::int32_t quantized_dimension = 0;
  std::span<const std::byte> constant{};  ///< copied; empty: not a constant
  bool is_variable = false;
};

/// Which operator, and which version of its definition.
struct OperatorSpec {
  BuiltinOperator code = BuiltinOperator::custom;
  std::int32_t version = 1;
  std::string custom_code{};  ///< the name, for `BuiltinOperator::custom`
};

/// Tables are written as they are added, so memory is that of the file. Nothing is checked: what a writer says is
/// for `Model::open` to judge.
class ModelWriter {
 public:
  explicit ModelWriter(std::string_view description = {}) {
    buffers_.push_back(schema::CreateBuffer(builder_));  // buffer 0: "not a constant"
    description_ = builder_.CreateString(description.data(), description.size());
  }

  /// @return the tensor's index.
  std::int32_t add_tensor(const TensorSpec& spec) {
    std::uint32_t buffer = 0;
    if (!spec.constant.empty()) {
      const auto* const bytes = reinterpret_cast<const std::uint8_t*>(spec.constant.data());
      builder_.ForceVectorAlignment(spec.constant.size(), sizeof(std::uint8_t), 16);
      buffer = static_cast<std::uint32_t>(buffers_.size());
      buffers_.push_back(schema::CreateBuffer(builder_, builder_.CreateVector(bytes, spec.constant.size())));
    }
    flatbuffers::Offset<schema::QuantizationParameters> quantization{};
    if (!spec.scales.empty()) {
      const auto scales = builder_.CreateVector(spec.scales);
      const auto zero_points = builder_.CreateVector(spec.zero_points);
      quantization = schema::CreateQuantizationParameters(builder_, 0, 0, scales, zero_points, 0,
                                                          spec.quantized_dimension);
    }
    const auto shape = builder_.CreateVector(spec.shape);
    const auto name = builder_.CreateString(spec.name);
    tensors_.push_back(schema::CreateTensor(builder_, shape,
                                            static_cast<schema::TensorType>(spec.type.code()), buffer, name,
                                            quantization, spec.is_variable));
    return static_cast<std::int32_t>(tensors_.size()) - 1;
  }

  /// Operators run in the order they are added. @return the operator's index.
  template <class Options = NoOptions>
  std::int32_t add_operator(const OperatorSpec& spec, const std::vector<std::int32_t>& inputs,
                            const std::vector<std::int32_t>& outputs, const Options& options = {}) {
    auto type = schema::BuiltinOptions::NONE;
    flatbuffers::Offset<void> table{};
    if constexpr (!std::is_same_v<Options, NoOptions>) {
      type = schema::BuiltinOptionsTraits<typename detail::option_table<Options>::type>::enum_value;
      table = detail::write(builder_, options).Union();
    }
    const std::uint32_t code = code_index(spec);
    const IntegerList input_list = list(inputs);
    const IntegerList output_list = list(outputs);
    operators_.push_back(schema::CreateOperator(builder_, code, input_list, output_list, type, table));
    return static_cast<std::int32_t>(operators_.size()) - 1;
  }
  template <class Options = NoOptions>
  std::int32_t add_operator(BuiltinOperator code, const std::vector<std::int32_t>& inputs,
                            const std::vector<std::int32_t>& outputs, const Options& options = {}) {
    return add_operator(OperatorSpec{code}, inputs, outputs, options);
  }

  void set_inputs(const std::vector<std::int32_t>& tensors) { inputs_ = list(tensors); }
  void set_outputs(const std::vector<std::int32_t>& tensors) { outputs_ = list(tensors); }

  /// The file. The writer is spent.
  std::vector<std::byte> finish() {
    std::vector<flatbuffers::Offset<schema::OperatorCode>> codes;
    for (const OperatorSpec& spec : codes_) {
      const auto number = static_cast<std::int32_t>(spec.code);
      // Readers from before `builtin_code` see the placeholder for the operators that do not fit their byte.
      const auto old_number = static_cast<std::int8_t>(
          std::min(number, static_cast<std::int32_t>(BuiltinOperator::placeholder_for_greater_op_codes)));
      flatbuffers::Offset<flatbuffers::String> custom{};
      if (!spec.custom_code.empty()) {
        custom = builder_.CreateString(spec.custom_code);
      }
      codes.push_back(schema::CreateOperatorCode(builder_, old_number, custom, spec.version,
                                                 static_cast<schema::BuiltinOperator>(number)));
    }
    const auto tensors = builder_.CreateVector(tensors_);
    const auto operators = builder_.CreateVector(operators_);
    const auto graph = schema::CreateSubGraph(builder_, tensors, inputs_, outputs_, operators);
    const auto code_list = builder_.CreateVector(codes);
    const auto graphs = builder_.CreateVector(&graph, 1);
    const auto buffers = builder_.CreateVector(buffers_);
    schema::FinishModelBuffer(builder_,
                              schema::CreateModel(builder_, 3, code_list, graphs, description_, buffers));
    const auto* const bytes = reinterpret_cast<const std::byte*>(builder_.GetBufferPointer());
    return {bytes, bytes + builder_.GetSize()};
  }

 private:
  using IntegerList = flatbuffers::Offset<flatbuffers::Vector<std::int32_t>>;

  IntegerList list(const std::vector<std::int32_t>& values) { return builder_.CreateVector(values); }
  /// One entry for all operators of one kind and version.
  std::uint32_t code_index(const OperatorSpec& spec) {
    const auto same = [&](const OperatorSpec& other) {
      return other.code == spec.code && other.version == spec.version &&
             other.custom_code == spec.custom_code;
    };
    const auto found = std::find_if(codes_.begin(), codes_.end(), same);
    const auto index = static_cast<std::uint32_t>(found - codes_.begin());
    if (found == codes_.end()) {
      codes_.push_back(spec);
    }
    return index;
  }

  flatbuffers::FlatBufferBuilder builder_;
  std::vector<flatbuffers::Offset<schema::Buffer>> buffers_;
  std::vector<flatbuffers::Offset<schema::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<schema::Operator>> operators_;
  std::vector<OperatorSpec> codes_;
  IntegerList inputs_;
  IntegerList outputs_;
  flatbuffers::Offset<flatbuffers::String> description_;
};

}  // namespace kinglet::inline KINGLET_TARGET
