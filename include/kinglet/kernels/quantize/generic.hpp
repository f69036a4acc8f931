// SPDX-License-Identifier: Apache-2.0
/// @file kernels/quantize/generic.hpp
/// QUANTIZE and DEQUANTIZE in blocks that compilers vectorize: each is complete before it is written, so it does
/// not matter that the output may be the input.
#pragma once

#include <kinglet/kernels/blocks.hpp>
#include <kinglet/kernels/quantize/reference.hpp>
#include <kinglet/quant/uniform_requantize.hpp>

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

/// quantize_element in a form that compilers vectorize: the clamp comes first, as reals which are integers, and
/// the part behind the point, scaled - trunc(scaled), is exact. Bounds known at run time only keep gcc from
/// turning the comparisons into branches.
template <QuantizedElement To, std::floating_point Real>
class FromReal {
 public:
  constexpr explicit FromReal(PerTensor q) noexcept
      : q_(q),
        lowest_(static_cast<Real>(std::numeric_limits<To>::min() - q.zero_point)),
        highest_(static_cast<Real>(std::numeric_limits<To>::max() - q.zero_point)) {}

  KINGLET_ALWAYS_INLINE constexpr To operator()(float x) const noexcept {
    Real scaled = static_cast<Real>(x) / static_cast<Real>(q_.scale);
    scaled = scaled == scaled ? scaled : Real{0};
    scaled = scaled < highest_ ? scaled : highest_;
    scaled = scaled > lowest_ ? scaled : lowest_;
    const auto whole = static_cast<std::int32_t>(scaled);
    const Real rest = scaled - static_cast<Real>(whole);
    constexpr Real half{0.5F};
    return static_cast<To>(whole + (rest >= half ? 1 : 0) - (rest <= -half ? 1 : 0) + q_.zero_point);
  }

 private:
  PerTensor q_;
  Real lowest_;
  Real highest_;
};
}  // namespace detail

struct Generic {
  static constexpr std::string_view name = "generic";

  template <Rounding R, Integer From, Integer To>
  static constexpr void run(std::span<const From> input, To* output,
                            const RequantizeQuantization& q) noexcept {
    if constexpr (sizeof(From) == 1) {
      if (moves<From>(q)) {
        const std::int32_t more = q.output_zero_point - q.input_zero_point;
        detail::transform(input, output, [more](From x) { return static_cast<To>(x + more); });
        return;
      }
      if (q.linear.shift != 0) {
        const auto linear = q.linear;
        detail::transform(input, output, [linear, min = q.min, max = q.max](From x) {
          return static_cast<To>(std::clamp(linear(x), min, max));
        });
        return;
      }
    }
    const UniformRequantize<R> scale(q.multiplier);
    detail::transform(input, output, [q, scale](From x) {
      return static_cast<To>(
          std::clamp(wrapping_add(scale(center(x, q.input_zero_point)), q.output_zero_point), q.min, q.max));
    });
  }

  /// Whether the output is the input plus the difference of zero points, which fits 32 bits then: scales are the same, and
  /// nothing is to be clamped. The input of networks with images as uint8 is such.
  template <Integer From>
  [[nodiscard]] static constexpr bool moves(const RequantizeQuantization& q) noexcept {
    constexpr std::int64_t small = 1 << 16;
    const std::int64_t more = std::int64_t{q.output_zero_point} - q.input_zero_point;
    return q.multiplier == Multiplier{std::int32_t{1} << 30, 1} && more > -small && more < small &&
           std::numeric_limits<From>::min() + more >= q.min &&
           std::numeric_limits<From>::max() + more <= q.max;
  }

  template <std::floating_point Real, QuantizedElement To>
  static constexpr void run(std::span<const float> input, To* output, PerTensor q) noexcept {
    detail::transform(input, output, detail::FromReal<To, Real>(q));
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
