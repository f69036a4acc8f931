// SPDX-License-Identifier: Apache-2.0
/// @file isa/few_outputs.hpp
/// The output stage of channels that hardly matter: weights of almost 0, as training leaves them, whose multipliers are too
/// small for isa/requantize_float.hpp. Their sums reach few outputs. Then
///   y + zero_point = floor((x - first) high + base),
/// with `first` the first sum whose output is `base`, the second lowest one in reach: while |x - first| <= 2^24 nothing is
/// rounded before it is rounded down, so a slope will do that has all the steps in reach where they should be. With one
/// step, any slope has whose products are less than 1.
#pragma once

#include <algorithm>
#include <bit>
#include <kinglet/quant/requantize.hpp>

namespace kinglet::inline KINGLET_TARGET::isa {

constexpr float power_of_two(int exponent) noexcept {
  return std::bit_cast<float>((127 + exponent) << 23);
}

/// Outputs are clamped and include the zero point.
struct FewOutputs {
  bool exact;  ///< for every sum in reach; where not, the others mean nothing
  std::int32_t base;
  std::int32_t first;
  float high;

  template <Rounding R>
  static constexpr FewOutputs of(const Multiplier& m, const OutputStage& stage,
                                 const SumReach& reach) noexcept {
    constexpr std::int32_t most_steps = 16;
    const auto output = [&](std::int64_t x) {
      const std::int32_t y = requantize<R>(static_cast<std::int32_t>(x), m) + stage.zero_point;
      return std::clamp(y, stage.min, stage.max);
    };
    const std::int32_t lowest = output(reach.least);
    const std::int32_t steps = output(reach.most) - lowest;
    if (steps == 0 || steps > most_steps) {
      return {steps == 0, lowest, 0, 0};
    }
    const auto first_of = [&](std::int32_t y) {
      std::int64_t before = reach.least;
      std::int64_t at = reach.most;
      while (at - before > 1) {
        const std::int64_t middle = before + (at - before) / 2;
        (output(middle) >= y ? at : before) = middle;
      }
      return at;
    };
    const std::int64_t first = first_of(lowest + 1);
    const std::int64_t below = first - reach.least;
    const std::int64_t above = reach.most - first;
    FewOutputs few{true, lowest + 1, static_cast<std::int32_t>(first), 0};
    if (steps == 1) {
      few.high = power_of_two(-bits_of(below + above) - 1);
      return few;
    }
    std::int64_t distance[most_steps]{};
    for (std::int32_t j = 1; j < steps; ++j) {
      distance[j] = first_of(lowest + 1 + j) - first;
    }
    // high = slope / 2^e, of 24 bits, the least with which no step comes too late. It is exact if none comes too early.
    const int e = 22 + bits_of(distance[1]);
    std::int64_t slope = 0;
    for (std::int32_t j = 1; j < steps; ++j) {
      slope = std::max(slope, ((std::int64_t{j} << e) + distance[j] - 1) / distance[j]);
    }
    few.exact = below + above <= 1 << 24 && (lowest == stage.min || slope * below <= std::int64_t{1} << e) &&
                (lowest + steps == stage.max || slope * above < std::int64_t{steps} << e);
    for (std::int32_t j = 1; j < steps; ++j) {
      few.exact = few.exact && slope * (distance[j] - 1) < std::int64_t{j} << e;
    }
    few.high = static_cast<float>(slope) * power_of_two(-e);
    return few;
  }

 private:
  static constexpr int bits_of(std::int64_t x) noexcept {
    return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(x)));
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa
