// SPDX-License-Identifier: Apache-2.0
/// @file kernels/mean/reference.hpp
/// MEAN, the truth: plain loops, and how a sum becomes a mean (formulas: mean/quantization.hpp).
#pragma once

#include <kinglet/kernels/mean/quantization.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::mean {

/// @param sum of `q.count` raw elements, modulo 2^32
template <Rounding R, MeanArithmetic M>
constexpr std::int32_t finish(std::int32_t sum, const MeanQuantization& q) noexcept {
  using Formula = MeanQuantization::Formula;
  const auto centered = [&] {
    return static_cast<std::int32_t>(sum - std::int64_t{q.input_zero_point} * q.count);
  };
  std::int32_t mean = 0;
  if constexpr (M == MeanArithmetic::fixed_point) {
    mean = requantize<R>(centered(), q.multiplier);
  } else if (q.formula == Formula::rounded_quotient) {
    const std::int64_t total = requantize<R>(centered(), q.multiplier);
    const std::int64_t half = q.count / 2;
    mean = static_cast<std::int32_t>((total > 0 ? total + half : total - half) / q.count);
  } else if (q.formula == Formula::folded_zero_point) {
    mean = requantize<R>(sum, q.multiplier);
  } else if (q.formula == Formula::truncating) {
    return sum / q.count;
  } else {
    const float raw_mean = static_cast<float>(sum) / static_cast<float>(q.count);
    mean = detail::round_away(static_cast<double>(rounded(rounded(raw_mean * q.scale) + q.bias)));
  }
  // Clamped in 64 bits: the mean may be any int32.
  const std::int64_t output = std::int64_t{mean} + q.output_zero_point;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(output, q.min, q.max));
}

struct Reference {
  static constexpr std::string_view name = "reference";

  template <Rounding R, MeanArithmetic M, class A>
  static constexpr void run(const A& tensors, const MeanQuantization& q) noexcept {
    const auto& [input, output] = tensors;
    // Input indexes that one output index averages: all of them, or the same one.
    const auto first = [&, &in = input, &out = output](std::size_t d, index_t i) {
      return out.extent(d) == in.extent(d) ? i : 0;
    };
    const auto last = [&, &in = input, &out = output](std::size_t d, index_t i) {
      return out.extent(d) == in.extent(d) ? i + 1 : in.extent(d);
    };
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          for (index_t c = 0; c < output.extent(3); ++c) {
            std::uint32_t sum = 0;
            for (index_t in = first(0, n); in < last(0, n); ++in) {
              for (index_t iy = first(1, y); iy < last(1, y); ++iy) {
                for (index_t ix = first(2, x); ix < last(2, x); ++ix) {
                  for (index_t ic = first(3, c); ic < last(3, c); ++ic) {
                    sum += static_cast<std::uint32_t>(input(in, iy, ix, ic));
                  }
                }
              }
            }
            output(n, y, x, c) =
                static_cast<typename A::element_type>(finish<R, M>(static_cast<std::int32_t>(sum), q));
          }
        }
      }
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::mean
