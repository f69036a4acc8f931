// SPDX-License-Identifier: Apache-2.0
/// @file model/verify_tensor.hpp
/// The checks of one tensor of an untrusted file: place of its bytes, shape, constant, quantization.
#pragma once

#include <kinglet/model/tables.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Dimensions of a tensor.
inline constexpr std::size_t max_rank = 8;
/// Elements of a tensor: 8 bytes each stay below 2^31, so that any offset fits an index_t.
inline constexpr std::size_t max_elements = (std::size_t{1} << 28) - 1;

namespace detail {

/// Counts list entries visited; 2^22 of them are more than any model within the other limits has use for.
class Work {
 public:
  constexpr Status spend(std::size_t entries) noexcept {
    constexpr std::size_t limit = std::size_t{1} << 22;
    if (entries > limit - spent_) {
      return Status::failure(Errc::unsupported_model, "the file's lists are too long, or shared too often");
    }
    spent_ += entries;
    return {};
  }

 private:
  std::size_t spent_ = 0;
};

/// Parts of the format that would change what a tensor's bytes mean.
inline Status verify_storage(const schema::Model& model, const schema::Tensor& tensor) noexcept {
  if (tensor.buffer() >= count(model.buffers())) {
    return Status::failure(Errc::bad_index, "buffer", std::int64_t{tensor.buffer()},
                           static_cast<std::int64_t>(count(model.buffers())) - 1);
  }
  const schema::Buffer& buffer = entry(model.buffers(), tensor.buffer());
  if (buffer.offset() != 0 || buffer.size() != 0 || tensor.external_buffer() != 0) {
    return Status::failure(Errc::unsupported_model, "a constant is stored outside the FlatBuffer");
  }
  if (tensor.sparsity() != nullptr) {
    return Status::failure(Errc::unsupported_model, "a sparse tensor");
  }
  if (tensor.quantization() != nullptr && tensor.quantization()->details_type() != 0) {
    return Status::failure(Errc::unsupported_model, "custom, blockwise or multi-axis quantization");
  }
  return {};
}

inline Status verify_shape(std::span<const std::int32_t> shape) noexcept {
  if (shape.size() > max_rank) {
    return Status::failure(Errc::bad_shape, "too many dimensions", static_cast<std::int64_t>(shape.size()),
                           static_cast<std::int64_t>(max_rank));
  }
  std::size_t elements = 1;
  for (const std::int32_t extent : shape) {
    if (extent < 1) {
      return Status::failure(Errc::bad_shape, "an extent is less than 1", extent, 1);
    }
    const auto next = checked_mul(elements, static_cast<std::size_t>(extent));
    if (!next || *next > max_elements) {
      return Status::failure(Errc::bad_shape, "too many elements");
    }
    elements = *next;
  }
  return {};
}

/// Bytes of a constant = ceil(elements * bits / 8); nothing to compare where elements have no fixed size.
/// Precondition: the shape was verified.
inline Status verify_constant(const TensorInfo& tensor, TensorType type) noexcept {
  const std::uint64_t bytes = (std::uint64_t{tensor.elements()} * type.bits() + 7) / 8;
  if (tensor.is_constant() && type.bits() != 0 && tensor.constant.size() != bytes) {
    return Status::failure(Errc::bad_buffer, "bytes", static_cast<std::int64_t>(tensor.constant.size()),
                           static_cast<std::int64_t>(bytes));
  }
  return {};
}

/// Lowest and highest zero point of a type.
struct ZeroPointRange {
  std::int64_t min;
  std::int64_t max;
};
constexpr ZeroPointRange zero_point_range(ElementType type) noexcept {
  switch (type) {
    case ElementType::uint8: return {0, 255};
    case ElementType::int16: return {-32'768, 32'767};
    default: return {-128, 127};
  }
}

/// Of 8-bit and 16-bit types only. What int32 and int64 biases say is ignored by every operator, and real files
/// have a quantized_dimension out of range there.
inline Status verify_quantization(const TensorInfo& tensor, Work& work) noexcept {
  const bool relied_on = tensor.type == ElementType::int8 || tensor.type == ElementType::uint8 ||
                         tensor.type == ElementType::int16;
  if (!relied_on || !tensor.is_quantized()) {
    return {};
  }
  const std::size_t scales = tensor.scale.size();
  const std::size_t zero_points = tensor.zero_points.size();
  if (zero_points != scales && zero_points > 1) {
    return Status::failure(Errc::bad_quantization,
                           "as many zero points as scales are needed, or one, or none",
                           static_cast<std::int64_t>(zero_points), static_cast<std::int64_t>(scales));
  }
  if (scales > 1) {
    const std::int32_t dimension = tensor.quantized_dimension;
    if (dimension < 0 || static_cast<std::size_t>(dimension) >= tensor.rank()) {
      return Status::failure(Errc::bad_quantization, "quantized_dimension", dimension,
                             static_cast<std::int64_t>(tensor.rank()) - 1);
    }
    const std::int32_t slices = tensor.shape[static_cast<std::size_t>(dimension)];
    if (scales != static_cast<std::size_t>(slices)) {
      return Status::failure(Errc::bad_quantization, "one scale is needed, or as many as slices",
                             static_cast<std::int64_t>(scales), slices);
    }
  }
  if (const Status status = work.spend(scales + zero_points); !status.ok()) {
    return status;
  }
  for (const float scale : tensor.scale) {
    if (!is_finite(scale) || !(scale > 0.0F)) {
      return Status::failure(Errc::bad_quantization, "a scale is not a finite positive number");
    }
  }
  const ZeroPointRange range = zero_point_range(tensor.type);
  for (std::size_t k = 0; k < zero_points; ++k) {
    const std::int64_t zero_point = tensor.zero_points[k];
    if (zero_point < range.min || zero_point > range.max) {
      return Status::failure(Errc::bad_quantization, "a zero point is outside the element type's range",
                             zero_point, zero_point < range.min ? range.min : range.max);
    }
  }
  return {};
}

inline Status verify_tensor(const schema::Model& model, const schema::Tensor& tensor, Work& work) noexcept {
  if (const Status status = verify_storage(model, tensor); !status.ok()) {
    return status;
  }
  const TensorInfo info = tensor_info(model, tensor, -1);
  if (const Status status = verify_shape(info.shape); !status.ok()) {
    return status;
  }
  if (const Status status = verify_constant(info, TensorType{static_cast<std::int8_t>(tensor.type())});
      !status.ok()) {
    return status;
  }
  return verify_quantization(info, work);
}

/// Every tensor of subgraph 0. Precondition: there is one.
inline Status verify_tensors(const schema::Model& model, Work& work) noexcept {
  const schema::SubGraph& graph = entry(model.subgraphs(), 0);
  for (std::size_t i = 0; i < count(graph.tensors()); ++i) {
    const schema::Tensor& tensor = entry(graph.tensors(), i);
    if (const Status status = verify_tensor(model, tensor, work); !status.ok()) {
      return status.at_tensor(static_cast<std::int32_t>(i), text(tensor.name()));
    }
  }
  return {};
}

}  // namespace detail
}  // namespace kinglet::inline KINGLET_TARGET
