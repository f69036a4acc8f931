// SPDX-License-Identifier: Apache-2.0
/// @file model/write_options.hpp
/// From plain structs to a file's option tables. For the writer, which uses the heap.
#pragma once

#include <kinglet/model/read_options.hpp>

namespace kinglet::inline KINGLET_TARGET::detail {

constexpr schema::Padding to_schema(Padding padding) noexcept {
  return padding == Padding::same ? schema::Padding::SAME : schema::Padding::VALID;
}
constexpr schema::ActivationFunctionType to_schema(Activation activation) noexcept {
  switch (activation) {
    case Activation::relu: return schema::ActivationFunctionType::RELU;
    case Activation::relu_n1_to_1: return schema::ActivationFunctionType::RELU_N1_TO_1;
    case Activation::relu6: return schema::ActivationFunctionType::RELU6;
    case Activation::none: break;
  }
  return schema::ActivationFunctionType::NONE;
}

// The tables' fields come width first, ours height first.

using Builder = flatbuffers::FlatBufferBuilder;

inline auto write(Builder& to, const Conv2DOptions& o) {
  return schema::CreateConv2DOptions(to, to_schema(o.padding), o.stride_w, o.stride_h,
                                     to_schema(o.activation), o.dilation_w, o.dilation_h);
}
inline auto write(Builder& to, const DepthwiseConv2DOptions& o) {
  return schema::CreateDepthwiseConv2DOptions(to, to_schema(o.padding), o.stride_w, o.stride_h,
                                              o.depth_multiplier, to_schema(o.activation), o.dilation_w,
                                              o.dilation_h);
}
inline auto write(Builder& to, const TransposeConvOptions& o) {
  return schema::CreateTransposeConvOptions(to, to_schema(o.padding), o.stride_w, o.stride_h,
                                            to_schema(o.activation));
}
inline auto write(Builder& to, const Pool2DOptions& o) {
  return schema::CreatePool2DOptions(to, to_schema(o.padding), o.stride_w, o.stride_h, o.filter_w, o.filter_h,
                                     to_schema(o.activation));
}
inline auto write(Builder& to, const FullyConnectedOptions& o) {
  return schema::CreateFullyConnectedOptions(
      to, to_schema(o.activation), schema::FullyConnectedOptionsWeightsFormat::DEFAULT, o.keep_num_dims);
}
inline auto write(Builder& to, const AddOptions& o) {
  return schema::CreateAddOptions(to, to_schema(o.activation), o.pot_scale_int16);
}
inline auto write(Builder& to, const SubOptions& o) {
  return schema::CreateSubOptions(to, to_schema(o.activation), o.pot_scale_int16);
}
inline auto write(Builder& to, const MulOptions& o) {
  return schema::CreateMulOptions(to, to_schema(o.activation));
}
inline auto write(Builder& to, const ConcatenationOptions& o) {
  return schema::CreateConcatenationOptions(to, o.axis, to_schema(o.activation));
}
inline auto write(Builder& to, const ReducerOptions& o) {
  return schema::CreateReducerOptions(to, o.keep_dims);
}
inline auto write(Builder& to, const SoftmaxOptions& o) {
  return schema::CreateSoftmaxOptions(to, o.beta);
}
inline auto write(Builder& to, const LeakyReluOptions& o) {
  return schema::CreateLeakyReluOptions(to, o.alpha);
}
inline auto write(Builder& to, const ReshapeOptions& o) {
  return schema::CreateReshapeOptions(to, to.CreateVector(o.new_shape.data(), o.new_shape.size()));
}
inline auto write(Builder& to, const SqueezeOptions& o) {
  return schema::CreateSqueezeOptions(to, to.CreateVector(o.squeeze_dims.data(), o.squeeze_dims.size()));
}
inline auto write(Builder& to, const ResizeBilinearOptions& o) {
  return schema::CreateResizeBilinearOptions(to, o.align_corners, o.half_pixel_centers);
}
inline auto write(Builder& to, const StridedSliceOptions& o) {
  return schema::CreateStridedSliceOptions(to, o.begin_mask, o.end_mask, o.ellipsis_mask, o.new_axis_mask,
                                           o.shrink_axis_mask, o.offset);
}

}  // namespace kinglet::inline KINGLET_TARGET::detail
