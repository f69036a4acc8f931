// SPDX-License-Identifier: Apache-2.0
/// @file model/tables.hpp
/// Reading the generated tables: what is absent from a file reads as empty. The bytes have been verified.
#pragma once

#include <algorithm>
#include <bit>
#include <kinglet/model/schema_generated.hpp>
#include <kinglet/model/tensor_info.hpp>

namespace kinglet::inline KINGLET_TARGET::detail {

/// A list of 1-byte or 4-byte values. Lists start at a multiple of 4, so wider values have no span.
template <class T>
std::span<const T> list(const flatbuffers::Vector<T>* vector) noexcept {
  static_assert(alignof(T) <= 4);
  return vector == nullptr ? std::span<const T>{}
                           : std::span<const T>(reinterpret_cast<const T*>(vector->Data()), vector->size());
}

/// Number of entries of a list of tables.
template <class T>
std::size_t count(const flatbuffers::Vector<flatbuffers::Offset<T>>* vector) noexcept {
  return vector == nullptr ? 0 : vector->size();
}

/// Entry i of a list of tables. Precondition: i < count(vector).
template <class T>
const T& entry(const flatbuffers::Vector<flatbuffers::Offset<T>>* vector, std::size_t i) noexcept {
  return *vector->Get(static_cast<flatbuffers::uoffset_t>(i));
}

inline std::string_view text(const flatbuffers::String* string) noexcept {
  return string == nullptr ? std::string_view{} : std::string_view(string->c_str(), string->size());
}

/// Asks the bits, so that -ffast-math in a user's build does not turn the check off.
constexpr bool is_finite(float value) noexcept {
  constexpr std::uint32_t exponent = 0x7f800000;
  return (std::bit_cast<std::uint32_t>(value) & exponent) != exponent;
}

/// Files from before `builtin_code` leave it 0, newer files fill both: the larger one is the operator.
inline BuiltinOperator builtin_operator(const schema::OperatorCode& code) noexcept {
  return static_cast<BuiltinOperator>(std::max(static_cast<std::int32_t>(code.deprecated_builtin_code()),
                                               static_cast<std::int32_t>(code.builtin_code())));
}

/// "CONV_2D"; of a custom operator its own name.
inline std::string_view name_of(const schema::OperatorCode& code) noexcept {
  const BuiltinOperator builtin = builtin_operator(code);
  const std::string_view custom = text(code.custom_code());
  return builtin == BuiltinOperator::custom && !custom.empty() ? custom : operator_name(builtin);
}

/// A constant's bytes; empty for buffer 0, which stands for "not constant" whatever it holds.
/// Precondition: the buffer's index is inside the file's table.
inline std::span<const std::byte> constant_of(const schema::Model& model,
                                              const schema::Tensor& tensor) noexcept {
  if (tensor.buffer() == 0) {
    return {};
  }
  return std::as_bytes(list(entry(model.buffers(), tensor.buffer()).data()));
}

/// Precondition: as for constant_of.
inline TensorInfo tensor_info(const schema::Model& model, const schema::Tensor& tensor,
                              std::int32_t index) noexcept {
  const TensorType type{static_cast<std::int8_t>(tensor.type())};
  TensorInfo info;
  info.index = index;
  info.name = text(tensor.name());
  info.type = type.element();
  info.type_name = type.name();
  info.shape = list(tensor.shape());
  info.constant = constant_of(model, tensor);
  info.is_variable = tensor.is_variable();
  if (const schema::QuantizationParameters* q = tensor.quantization(); q != nullptr) {
    info.scale = list(q->scale());
    if (q->zero_point() != nullptr) {
      info.zero_points = ZeroPoints(q->zero_point()->Data(), q->zero_point()->size());
    }
    info.quantized_dimension = q->quantized_dimension();
  }
  return info;
}

}  // namespace kinglet::inline KINGLET_TARGET::detail
