// SPDX-License-Identifier: Apache-2.0
/// @file kernels/softmax/quantization.hpp
/// SOFTMAX: its tensors and its table of exponentials.
#pragma once

#include <kinglet/core/exp.hpp>
#include <kinglet/quant/params.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/view.hpp>
#include <limits>
#include <span>

namespace kinglet::inline KINGLET_TARGET::softmax {

/// Rows of `depth` elements each, rank 2, input and output alike; depth is at least 1. The output may be the
/// input itself when the types are the same.
/// @tparam T int8 or uint8.  @tparam U T, or int16 for an int8 input.
template <QuantizedElement T, QuantizedElement U, class I, class O>
requires(sizeof(T) == 1) struct SoftmaxTensors {
  using input_type = T;
  using element_type = U;
  TensorView<const T, I> input;
  TensorView<U, O> output;
};

/// The output's own scale and zero point are fixed by the operator: 1/256 and -128 (int8) or 0 (uint8), 1/65536
/// and -32768 (int16).
template <QuantizedElement U>
constexpr PerTensor output_quantization() noexcept {
  return {sizeof(U) == 1 ? 0x1p-8F : 0x1p-16F, std::numeric_limits<U>::min()};
}

struct SoftmaxQuantization {
  const float* table = nullptr;  ///< 256 entries: exp(-scale * beta * k), from make_softmax_table
  float output_scale = 1.0F / 256;
  std::int32_t zero_point = 0;  ///< of the output
};

/// table(k) = exp(float(float(-input_scale * beta) * k)), correctly rounded but for about one entry in 2^27.
/// @param table 256 entries: one per distance of an element from its row's largest
constexpr void make_softmax_table(float input_scale, float beta, std::span<float, 256> table) noexcept {
  const float step = rounded(-input_scale * beta);
  for (std::size_t k = 0; k < table.size(); ++k) {
    table[k] = static_cast<float>(portable_exp(rounded(step * static_cast<float>(k))));
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::softmax
