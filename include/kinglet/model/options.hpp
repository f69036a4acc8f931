// SPDX-License-Identifier: Apache-2.0
/// @file model/options.hpp
/// Options of operators, as plain structs: what the reader returns and the writer takes.
///
/// The initial values suit a writer. A reader never leaves them: what a file does not say has the format's own
/// default, such as a stride of 0, which is an error.
#pragma once

#include <kinglet/kernels/window.hpp>
#include <kinglet/quant/activation.hpp>
#include <span>

namespace kinglet::inline KINGLET_TARGET {

/// CONV_2D. Strides and dilations are at least 1.
struct Conv2DOptions {
  Padding padding = Padding::same;
  index_t stride_h = 1;
  index_t stride_w = 1;
  index_t dilation_h = 1;
  index_t dilation_w = 1;
  Activation activation = Activation::none;
  friend constexpr bool operator==(const Conv2DOptions&, const Conv2DOptions&) = default;
};

/// DEPTHWISE_CONV_2D. Strides and dilations are at least 1.
struct DepthwiseConv2DOptions {
  Padding padding = Padding::same;
  index_t stride_h = 1;
  index_t stride_w = 1;
  index_t dilation_h = 1;
  index_t dilation_w = 1;
  index_t depth_multiplier = 1;  ///< as the file has it, 0 included: the shapes of input and filter decide
  Activation activation = Activation::none;
  friend constexpr bool operator==(const DepthwiseConv2DOptions&, const DepthwiseConv2DOptions&) = default;
};

/// TRANSPOSE_CONV. Strides are at least 1.
struct TransposeConvOptions {
  Padding padding = Padding::same;
  index_t stride_h = 1;
  index_t stride_w = 1;
  Activation activation = Activation::none;
  friend constexpr bool operator==(const TransposeConvOptions&, const TransposeConvOptions&) = default;
};

/// AVERAGE_POOL_2D and MAX_POOL_2D. Strides and filter extents are at least 1.
struct Pool2DOptions {
  Padding padding = Padding::same;
  index_t stride_h = 1;
  index_t stride_w = 1;
  index_t filter_h = 1;
  index_t filter_w = 1;
  Activation activation = Activation::none;
  friend constexpr bool operator==(const Pool2DOptions&, const Pool2DOptions&) = default;
};

/// FULLY_CONNECTED.
struct FullyConnectedOptions {
  Activation activation = Activation::none;
  bool keep_num_dims = false;  ///< the output has the input's rank
  friend constexpr bool operator==(const FullyConnectedOptions&, const FullyConnectedOptions&) = default;
};

/// ADD.
struct AddOptions {
  Activation activation = Activation::none;
  bool pot_scale_int16 = true;  ///< int16 only: scales are powers of two
  friend constexpr bool operator==(const AddOptions&, const AddOptions&) = default;
};

/// SUB.
struct SubOptions {
  Activation activation = Activation::none;
  bool pot_scale_int16 = true;  ///< int16 only: scales are powers of two
  friend constexpr bool operator==(const SubOptions&, const SubOptions&) = default;
};

/// MUL.
struct MulOptions {
  Activation activation = Activation::none;
  friend constexpr bool operator==(const MulOptions&, const MulOptions&) = default;
};

/// CONCATENATION.
struct ConcatenationOptions {
  index_t axis = 0;  ///< negative counts from the last dimension
  Activation activation = Activation::none;
  friend constexpr bool operator==(const ConcatenationOptions&, const ConcatenationOptions&) = default;
};

/// MEAN and the other reductions.
struct ReducerOptions {
  bool keep_dims = false;
  friend constexpr bool operator==(const ReducerOptions&, const ReducerOptions&) = default;
};

/// SOFTMAX: exp(beta * x), normalized. Finite and not negative.
struct SoftmaxOptions {
  float beta = 1.0F;
  friend constexpr bool operator==(const SoftmaxOptions&, const SoftmaxOptions&) = default;
};

/// LEAKY_RELU: the slope for negative x; finite.
struct LeakyReluOptions {
  float alpha = 0.0F;
  friend constexpr bool operator==(const LeakyReluOptions&, const LeakyReluOptions&) = default;
};

/// RESHAPE: used when there is no second input. One extent may be -1.
struct ReshapeOptions {
  std::span<const std::int32_t> new_shape{};
};

/// SQUEEZE: empty means every dimension of extent 1; negative counts from the last.
struct SqueezeOptions {
  std::span<const std::int32_t> squeeze_dims{};
};

/// RESIZE_BILINEAR.
struct ResizeBilinearOptions {
  bool align_corners = false;
  bool half_pixel_centers = false;
  friend constexpr bool operator==(const ResizeBilinearOptions&, const ResizeBilinearOptions&) = default;
};

/// STRIDED_SLICE: bit i of a mask is about dimension i.
struct StridedSliceOptions {
  std::int32_t begin_mask = 0;
  std::int32_t end_mask = 0;
  std::int32_t ellipsis_mask = 0;
  std::int32_t new_axis_mask = 0;
  std::int32_t shrink_axis_mask = 0;
  bool offset = false;  ///< `end` counts from `begin`
  friend constexpr bool operator==(const StridedSliceOptions&, const StridedSliceOptions&) = default;
};

/// An operator without options.
struct NoOptions {};

}  // namespace kinglet::inline KINGLET_TARGET
