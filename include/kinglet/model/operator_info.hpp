// SPDX-License-Identifier: Apache-2.0
/// @file model/operator_info.hpp
/// What a file says about one operator.
#pragma once

#include <kinglet/model/read_options.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Points into the model's bytes. Of a verified model, every tensor index is inside the tensor list, but for
/// inputs that are absent: -1.
struct OperatorInfo {
  std::int32_t index = -1;
  BuiltinOperator code = BuiltinOperator::custom;  ///< may lie beyond the enum's last value
  std::string_view name{};                         ///< "CONV_2D"; of a custom operator its own name
  std::int32_t version = 1;
  std::span<const std::int32_t> inputs{};
  std::span<const std::int32_t> outputs{};
  const schema::Operator* table = nullptr;  ///< for `options`

  /// Tensor index of input k, -1 when absent.
  [[nodiscard]] constexpr std::int32_t input(std::size_t k) const noexcept {
    return k < inputs.size() ? inputs[k] : -1;
  }
  /// Tensor index of output k, -1 when absent.
  [[nodiscard]] constexpr std::int32_t output(std::size_t k) const noexcept {
    return k < outputs.size() ? outputs[k] : -1;
  }

  // Options, each for the operator of its name; where a file has none, the format's defaults. A failure names the
  // operator.
  [[nodiscard]] Result<Conv2DOptions> conv2d_options() const noexcept { return options<Conv2DOptions>(); }
  [[nodiscard]] Result<DepthwiseConv2DOptions> depthwise_conv2d_options() const noexcept {
    return options<DepthwiseConv2DOptions>();
  }
  [[nodiscard]] Result<TransposeConvOptions> transpose_conv_options() const noexcept {
    return options<TransposeConvOptions>();
  }
  [[nodiscard]] Result<FullyConnectedOptions> fully_connected_options() const noexcept {
    return options<FullyConnectedOptions>();
  }
  [[nodiscard]] Result<Pool2DOptions> pool2d_options() const noexcept { return options<Pool2DOptions>(); }
  [[nodiscard]] Result<AddOptions> add_options() const noexcept { return options<AddOptions>(); }
  [[nodiscard]] Result<SubOptions> sub_options() const noexcept { return options<SubOptions>(); }
  [[nodiscard]] Result<MulOptions> mul_options() const noexcept { return options<MulOptions>(); }
  [[nodiscard]] Result<ConcatenationOptions> concatenation_options() const noexcept {
    return options<ConcatenationOptions>();
  }
  [[nodiscard]] Result<ReducerOptions> reducer_options() const noexcept { return options<ReducerOptions>(); }
  [[nodiscard]] Result<SoftmaxOptions> softmax_options() const noexcept { return options<SoftmaxOptions>(); }
  [[nodiscard]] Result<LeakyReluOptions> leaky_relu_options() const noexcept {
    return options<LeakyReluOptions>();
  }
  [[nodiscard]] Result<ReshapeOptions> reshape_options() const noexcept { return options<ReshapeOptions>(); }
  [[nodiscard]] Result<SqueezeOptions> squeeze_options() const noexcept { return options<SqueezeOptions>(); }
  [[nodiscard]] Result<ResizeBilinearOptions> resize_bilinear_options() const noexcept {
    return options<ResizeBilinearOptions>();
  }
  [[nodiscard]] Result<StridedSliceOptions> strided_slice_options() const noexcept {
    return options<StridedSliceOptions>();
  }
  template <class Options>
  [[nodiscard]] Result<Options> options() const noexcept {
    const Result<Options> result = read_options<Options>(*table);
    return result ? result : Result<Options>(fail(result.status()));
  }

  /// The failure, with this operator named.
  [[nodiscard]] constexpr Status fail(const Status& status) const noexcept {
    return status.at_operator(index, name);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET
