// SPDX-License-Identifier: Apache-2.0
/// @file runtime/folded_pad.hpp
/// An explicit PAD in front of a convolution is the convolution's own padding: what PAD writes around the image is the
/// zero point that taps outside an image count as. Models from Keras with ZeroPadding2D
/// have one before every convolution of stride 2. Such a PAD does not run, and the padded image never exists.
#pragma once

#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Of operator `index`: what PAD, right before it, surrounds its input by. Nothing unless it is a convolution of images
/// that PAD makes from others as deep. Whether anybody else uses the padded ones, only the whole graph tells.
inline FoldedPad folded_pad_of(const Model& model, std::int32_t index) noexcept {
  if (index < 1) {
    return {};
  }
  const OperatorInfo reader = model.op(index);
  const OperatorInfo pad = model.op(index - 1);
  const bool convolves =
      reader.code == BuiltinOperator::conv_2d || reader.code == BuiltinOperator::depthwise_conv_2d;
  if (!convolves || pad.code != BuiltinOperator::pad || pad.inputs.size() != 2 || pad.outputs.size() != 1 ||
      pad.inputs[0] < 0 || pad.inputs[1] < 0 || reader.inputs.empty() || reader.inputs[0] != pad.outputs[0] ||
      reader.outputs.size() != 1 || reader.outputs[0] == pad.inputs[0]) {
    return {};
  }
  const TensorInfo from = model.tensor(pad.inputs[0]);
  const TensorInfo to = model.tensor(pad.outputs[0]);
  const TensorInfo amounts = model.tensor(pad.inputs[1]);
  const bool integers = amounts.type == ElementType::int32 || amounts.type == ElementType::int64;
  if (from.shape.size() != 4 || to.shape.size() != 4 || from.type != to.type || !from.constant.empty() ||
      !to.constant.empty() || amounts.constant.empty() || !integers || amounts.elements() != 8 ||
      from.shape[0] != to.shape[0] || from.shape[3] != to.shape[3]) {
    return {};
  }
  for (const std::size_t d : {std::size_t{1}, std::size_t{2}}) {
    const std::int64_t before = constant_integer(amounts, 2 * d);
    const std::int64_t after = constant_integer(amounts, 2 * d + 1);
    if (before < 0 || after < 0 || from.shape[d] + before + after != to.shape[d]) {
      return {};
    }
  }
  return {from.index, constant_integer(amounts, 2), constant_integer(amounts, 4)};
}

}  // namespace kinglet::inline KINGLET_TARGET
