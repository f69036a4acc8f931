// SPDX-License-Identifier: Apache-2.0
/// @file kernels/quantize/generic.hpp
/// QUANTIZE and DEQUANTIZE in blocks that compilers vectorize. A block is complete before it is written, so
/// that the output may be the input.
#pragma once

#include <kinglet/kernels/blocks.hpp>
#include <kinglet/kernels/quantize/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::quantize {

namespace detail {
/// output(i) = element(input(i)).
template <class From, class To, class Element>
constexpr void transform(std::span<const From> input, To* output, Element element) noexcept {
  for_blocks(input.size(), [&](std::size_t start, auto count) {
    To block[block_size];
    const From* const from = input.data() + start;
    for (index_t i = 0; i < count; ++i) {
      block[i] = element(from[i]);
    }
    std::copy_n(block, static_cast<index_t>(count), output + start);
  });
}
}  // namespace detail

struct Generic {
  static constexpr std::string_view name = "generic";

  template <Rounding R, Integer From, Integer To>
  static constexpr void run(std::span<const From> input, To* output,
                            const RequantizeQuantization& q) noexcept {
    detail::transform(input, output, [q](From x) { return requantize_element<R, To>(x, q); });
  }

  template <QuantizedElement To>
  static constexpr void run(std::span<const float> input, To* output, PerTensor q) noexcept {
    detail::transform(input, output, [q](float x) { return quantize_element<To>(x, q); });
  }
};

struct GenericDequantize {
  static constexpr std::string_view name = "generic";

  template <QuantizedElement From>
  static constexpr void run(std::span<const From> input, float* output, PerTensor q) noexcept {
    detail::transform(input, output, [q](From x) { return dequantize_element(x, q); });
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::quantize
