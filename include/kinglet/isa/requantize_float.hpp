// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_float.hpp
/// The output stage in single precision, equal to quant/requantize.hpp bit for bit wherever `make` says so: 4 operations,
/// zero point included, where integers take 8 and more; 6 where ties of negative outputs go away from zero. Here are its
/// constants and their proof; what computes with them is in isa/requantize_float_avx2.hpp and _avx512.hpp.
///
/// Every policy is y = floor((x q + C) / 2^h), h = 31 - s, with C as in isa/requantize_avx2.hpp; for double_rounding in
/// two steps, where x q < -2^30, it is floor((x q + C - 2^31) / 2^h). With C + zero_point 2^h = x0 q + rest,
/// 0 <= rest < q, and X = x + x0,
///   y + zero_point = floor((X q + rest) / 2^h) = floor(X high + (X low + offset)),
/// where high 2^h is q without its lowest 7 bits, low 2^h those bits, and offset 2^h is a little more than rest, or a little
/// less; below `limit`, the X that belongs to x q = -2^30, it is about 2^31 less. x0 is added to the bias when weights are
/// packed. The inner sum is rounded in any way, the outer one down.
///
/// Why it is exact. Take |X| <= 2^24, so that X is a float, and count in units of 2^-h. offset is a multiple of 2^8 and at
/// least rest + 2^8, but less than rest + 2^9; or 768 less. |X low + offset| < 2^32, and rounding it moves it by less than
/// 2^8. So what is rounded down last is between the exact value and 768 units more, or less, and rounding down to a float
/// passes no integer: both have the same floor, unless X q + rest is less than 768 units below a multiple k 2^h, or above
/// it. For k in (min, max], outside of which outputs are clamped, the X before k is reached leaves 1 + left units,
/// left = (k 2^h - rest - 1) mod q, and the next X is q - 1 - left above: `make` looks at all of them, 255 at most, takes
/// the offset that none is too close for, and accepts the block if every channel has one. X below `limit` give outputs up
/// to the zero point, others from there on, so both rests are looked at for one k only, the one after the zero point.
/// Beyond 2^24, where X is rounded as well, every step is monotonic and q / 2^h >= 2^-16 has made y 256 or more already.
///
/// Smaller multipliers are taken where sums reach few outputs: isa/few_outputs.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <kinglet/isa/few_outputs.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET::isa {

/// The constants of a vector's channels. Plain data: it is made once, when weights are packed.
/// @tparam Unsigned the target's vectors of unsigned numbers: count, load, store, all(x), min, max, add, subtract
template <class Unsigned>
struct alignas(4 * Unsigned::count) FloatBlock {
  static constexpr std::size_t count = Unsigned::count;
  float high[count];
  float low[count];
  float offset[count];
  // Where negative outputs are kept and their ties go away from zero.
  std::int32_t limit[count];  ///< X below it are negative
  float offset_below[count];

  static constexpr int most_right = 15;  ///< -shift of a multiplier, at most, unless sums have few outputs

  /// Whether `make` looks at what a channel with this multiplier reaches.
  static constexpr bool needs_reach(const Multiplier& m) noexcept {
    return m.value != 0 && m.shift < -most_right;
  }

  /// Whether outputs of a stage need the way that looks at `limit`.
  template <Rounding R>
  static constexpr bool is_away(const OutputStage& stage) noexcept {
    return std::same_as<R, double_rounding> && stage.min < stage.zero_point;
  }

  /// @param multipliers of the lanes  @param reach of each lane  @param zero_offsets x0 of each lane
  /// @returns whether the block is exact for every sum in reach for which x + x0 does not leave 32 bits
  template <Rounding R>
  static constexpr bool make(FloatBlock& block, const Multiplier* multipliers, const SumReach* reach,
                             const OutputStage& stage, std::int32_t* zero_offsets) noexcept {
    Remainders at_zero{};
    Remainders below_zero{};
    std::int64_t above[count]{};  // offsets, a little more than they should be, in units
    std::int64_t below[count]{};
    float unit[count]{};
    for (std::size_t c = 0; c < count; ++c) {
      const Multiplier m = multipliers[c];
      block.limit[c] = std::numeric_limits<std::int32_t>::min();
      if (m.value == 0) {
        block.high[c] = block.low[c] = 0;
        unit[c] = 0.5F;
        above[c] = below[c] = 2 * std::int64_t{stage.zero_point} + 1;
        zero_offsets[c] = 0;
        at_zero.leave(c);
        below_zero.leave(c);
        continue;
      }
      if (needs_reach(m)) {
        const FewOutputs few = FewOutputs::of<R>(m, stage, reach[c]);
        if (!few.exact) {
          return false;
        }
        block.high[c] = few.high;
        block.low[c] = 0;
        unit[c] = 1;
        above[c] = below[c] = few.base;
        zero_offsets[c] = -few.first;
        at_zero.leave(c);
        below_zero.leave(c);
        continue;
      }
      if (m.shift > 0) {
        return false;
      }
      const int h = 31 - m.shift;
      const bool two_steps = !std::same_as<R, single_rounding> && m.shift < 0;
      const std::int64_t rounding = (std::int64_t{1} << (h - 1)) + (two_steps ? std::int64_t{1} << 30 : 0);
      const std::int64_t zero = rounding + (std::int64_t{stage.zero_point} << h);
      const std::int64_t rest = modulo(zero, m.value);
      const std::int64_t more_than_rest = (rest + 511) & ~std::int64_t{255};
      const std::int64_t less = two_steps && is_away<R>(stage) ? std::int64_t{1} << 31 : 0;
      zero_offsets[c] = static_cast<std::int32_t>((zero - rest) / m.value);
      block.high[c] = static_cast<float>(m.value & ~127) * power_of_two(-h);
      block.low[c] = static_cast<float>(m.value & 127) * power_of_two(-h);
      above[c] = more_than_rest;
      unit[c] = power_of_two(-h);
      below[c] = more_than_rest - less;
      if (less != 0) {
        block.limit[c] = zero_offsets[c] - (m.value == 1 << 30 ? 1 : 0);
      }
      at_zero.set(c, m.value, h, (std::max(stage.min, stage.zero_point) + std::int64_t{1}) << h, rest);
      below_zero.set(c, m.value, h, (stage.min + std::int64_t{1}) << h, rest - less);
    }
    const std::int32_t first = std::max(stage.min, stage.zero_point) + 1;
    below_zero.look(stage.min + 1, std::min(stage.max, stage.zero_point + 1));
    at_zero.look(first, stage.max);
    if (!is_away<R>(stage)) {
      at_zero.include(below_zero);  // one offset for all
    }
    bool all = true;
    for (std::size_t c = 0; c < count; ++c) {
      all = all && below_zero.has_offset(c) && at_zero.has_offset(c);
      block.offset[c] = static_cast<float>(above[c] - at_zero.less(c)) * unit[c];
      block.offset_below[c] = static_cast<float>(below[c] - below_zero.less(c)) * unit[c];
    }
    return all;
  }

 private:
  static constexpr std::uint32_t excess = 768;

  /// (k 2^h - rest - 1) mod q of all channels, for one k after another.
  struct Remainders {
    std::uint32_t q[count];
    std::uint32_t left[count];
    std::uint32_t step[count];  ///< 2^h mod q
    std::uint32_t least[count];
    std::uint32_t most[count];

    constexpr void set(std::size_t c, std::int64_t value, int h, std::int64_t k, std::int64_t rest) noexcept {
      q[c] = static_cast<std::uint32_t>(value);
      step[c] = static_cast<std::uint32_t>((std::int64_t{1} << h) % value);
      left[c] = static_cast<std::uint32_t>(modulo(k - rest - 1, value));
    }
    /// A channel that is never too close.
    constexpr void leave(std::size_t c) noexcept {
      q[c] = 1U << 30;
      left[c] = excess;
      step[c] = 0;
    }
    /// The least and the most of them from `k`, where they are, up to `last`.
    constexpr void look(std::int32_t k, std::int32_t last) noexcept {
      if (!std::is_constant_evaluated()) {
        look_at_once(k, last);
        return;
      }
      std::fill_n(least, count, std::numeric_limits<std::uint32_t>::max());
      std::fill_n(most, count, 0U);
      for (; k <= last; ++k) {
        for (std::size_t c = 0; c < count; ++c) {
          least[c] = std::min(least[c], left[c]);
          most[c] = std::max(most[c], left[c]);
          const std::uint32_t next = left[c] + step[c];  // below 2^32; less q, or more than that if below q
          left[c] = std::min(next, next - q[c]);
        }
      }
    }
    /// Four parts of the range side by side: each step waits for the one before it.
    void look_at_once(std::int32_t k, std::int32_t last) noexcept {
      const auto divisor = Unsigned::load(q);
      const auto add = [&](auto a, auto b) KINGLET_INLINE_LAMBDA {
        const auto sum = Unsigned::add(a, b);
        return Unsigned::min(sum, Unsigned::subtract(sum, divisor));
      };
      const auto stride = Unsigned::load(step);
      auto lowest = Unsigned::all(std::numeric_limits<std::uint32_t>::max());
      auto highest = Unsigned::all(0);
      const auto note = [&](auto x) KINGLET_INLINE_LAMBDA {
        lowest = Unsigned::min(lowest, x);
        highest = Unsigned::max(highest, x);
      };
      const std::int32_t number = std::max<std::int32_t>(last - k + 1, 0);
      const std::int32_t part = number / 4;
      auto part_stride = Unsigned::all(0);
      auto power = stride;  // of two, times the stride
      for (std::int32_t bits = part; bits != 0; bits >>= 1) {
        part_stride = (bits & 1) != 0 ? add(part_stride, power) : part_stride;
        power = add(power, power);
      }
      auto a = Unsigned::load(left);
      auto b = add(a, part_stride);
      auto c = add(b, part_stride);
      auto d = add(c, part_stride);
      for (std::int32_t i = 0; i < part; ++i) {
        note(a);
        note(b);
        note(c);
        note(d);
        a = add(a, stride);
        b = add(b, stride);
        c = add(c, stride);
        d = add(d, stride);
      }
      for (std::int32_t i = 4 * part; i < number; ++i) {
        note(d);
        d = add(d, stride);
      }
      Unsigned::store(least, lowest);
      Unsigned::store(most, highest);
    }
    constexpr void include(const Remainders& other) noexcept {
      for (std::size_t c = 0; c < count; ++c) {
        least[c] = std::min(least[c], other.least[c]);
        most[c] = std::max(most[c], other.most[c]);
      }
    }
    [[nodiscard]] constexpr bool has_offset(std::size_t c) const noexcept {
      return least[c] >= excess || most[c] + excess < q[c];
    }
    /// By which an offset that is a little more than it should be has to be smaller.
    [[nodiscard]] constexpr std::uint32_t less(std::size_t c) const noexcept {
      return least[c] >= excess ? 0 : excess;
    }
  };

  static constexpr std::int64_t modulo(std::int64_t a, std::int64_t q) noexcept {
    const std::int64_t remainder = a % q;
    return remainder < 0 ? remainder + q : remainder;
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa
