// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/sweep.hpp
/// Reads everything a model says, down to every byte of every list, and sums it up.
#pragma once

#include <kinglet/model/model.hpp>

namespace test {

/// FNV-1a over whatever is read, so that no read is left out and two files can be compared.
class Digest {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte b : bytes) {
      value_ = (value_ ^ static_cast<std::uint64_t>(b)) * 0x100000001b3U;
    }
  }
  void add(std::string_view text) noexcept { add(std::as_bytes(std::span(text.data(), text.size()))); }
  void add(std::int64_t number) noexcept { add(std::as_bytes(std::span(&number, 1))); }
  template <class T>
  void add_list(std::span<const T> list) noexcept {
    add(static_cast<std::int64_t>(list.size()));
    add(std::as_bytes(list));
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

/// Whether the options could be read, and what is in their lists.
template <class Options>
void sweep_options(const kinglet::OperatorInfo& op, Digest& digest) {
  const kinglet::Result<Options> options = op.options<Options>();
  digest.add(static_cast<std::int64_t>(options.status().code));
  if constexpr (std::is_same_v<Options, kinglet::ReshapeOptions>) {
    digest.add_list(options->new_shape);
  } else if constexpr (std::is_same_v<Options, kinglet::SqueezeOptions>) {
    digest.add_list(options->squeeze_dims);
  }
}

inline void sweep(const kinglet::OperatorInfo& op, Digest& digest) {
  digest.add(static_cast<std::int64_t>(op.code));
  digest.add(op.name);
  digest.add(std::int64_t{op.version});
  digest.add_list(op.inputs);
  digest.add_list(op.outputs);
  digest.add(std::int64_t{op.input(2)});
  digest.add(std::int64_t{op.output(1)});
  sweep_options<kinglet::Conv2DOptions>(op, digest);
  sweep_options<kinglet::DepthwiseConv2DOptions>(op, digest);
  sweep_options<kinglet::TransposeConvOptions>(op, digest);
  sweep_options<kinglet::Pool2DOptions>(op, digest);
  sweep_options<kinglet::FullyConnectedOptions>(op, digest);
  sweep_options<kinglet::AddOptions>(op, digest);
  sweep_options<kinglet::SubOptions>(op, digest);
  sweep_options<kinglet::MulOptions>(op, digest);
  sweep_options<kinglet::ConcatenationOptions>(op, digest);
  sweep_options<kinglet::ReducerOptions>(op, digest);
  sweep_options<kinglet::SoftmaxOptions>(op, digest);
  sweep_options<kinglet::LeakyReluOptions>(op, digest);
  sweep_options<kinglet::ReshapeOptions>(op, digest);
  sweep_options<kinglet::SqueezeOptions>(op, digest);
  sweep_options<kinglet::ResizeBilinearOptions>(op, digest);
  sweep_options<kinglet::StridedSliceOptions>(op, digest);
}

inline void sweep(const kinglet::TensorInfo& tensor, Digest& digest) {
  digest.add(tensor.name);
  digest.add(tensor.type_name);
  digest.add_list(tensor.shape);
  digest.add_list(tensor.constant);
  digest.add_list(tensor.scale);
  digest.add(static_cast<std::int64_t>(tensor.zero_points.size()));
  for (std::size_t k = 0; k < tensor.zero_points.size(); ++k) {
    digest.add(tensor.zero_points[k]);
    digest.add(std::int64_t{tensor.zero_point(k)});
  }
  digest.add(std::int64_t{tensor.quantized_dimension});
  digest.add(std::int64_t{tensor.is_variable});
  digest.add(static_cast<std::int64_t>(tensor.elements()));
  digest.add(static_cast<std::int64_t>(tensor.bytes()));
  digest.add(std::int64_t{tensor.per_tensor().zero_point});
}

inline std::uint64_t sweep(const kinglet::Model& model) {
  Digest digest;
  digest.add(model.description());
  digest.add(model.name());
  digest.add(std::int64_t{model.version()});
  digest.add(std::int64_t{model.subgraph_count()});
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    sweep(model.tensor(i), digest);
  }
  for (std::int32_t i = 0; i < model.operator_count(); ++i) {
    sweep(model.op(i), digest);
  }
  digest.add_list(model.inputs());
  digest.add_list(model.outputs());
  return digest.value();
}

}  // namespace test
