// SPDX-License-Identifier: Apache-2.0
/// @file isa/float_steps.hpp
/// The search for slopes and offsets of isa/requantize_float.hpp, where the letters are explained: of every channel, both
/// sides of every step are looked at.
#pragma once

#include <algorithm>
#include <kinglet/isa/few_outputs.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET::isa {

/// The remainder from 0 on, also of negative numbers. @param q positive
constexpr std::int64_t modulo(std::int64_t a, std::int64_t q) noexcept {
  const std::int64_t remainder = a % q;
  return remainder < 0 ? remainder + q : remainder;
}

// -shift of a multiplier whose sums may have any output:
inline constexpr int most_right = 15;         ///< at most
inline constexpr int most_right_of_one = 12;  ///< at most for one product
inline constexpr int usual_right = 11;        ///< beyond, one product is seldom exact for all outputs

/// What is known of a vector's channels, and which slopes are tried.
template <std::size_t Count>
struct FloatChannels {
  static constexpr std::size_t count = Count;
  static constexpr int slopes = 2;  ///< for one product
  std::int32_t q[count];
  std::int32_t h[count];
  // In units of 2^-h.
  std::int64_t rest[count];
  std::int64_t less[count];   ///< of rest, below the limit
  std::uint32_t step[count];  ///< 2^h mod q
  std::int32_t error[count];  ///< e
  std::int32_t tilt[count];
  std::int32_t least_output[count];  ///< in reach
  std::int32_t most_output[count];
  bool has_reach[count];  ///< it is known
  bool left_out[count];   ///< takes part in nothing
  bool settled[count];
  bool two_products;

  constexpr void set(std::size_t c, std::int32_t value, int right, std::int64_t remainder,
                     bool has_limit) noexcept {
    q[c] = value;
    h[c] = right;
    rest[c] = remainder;
    less[c] = has_limit ? std::int64_t{1} << 31 : 0;
    step[c] = static_cast<std::uint32_t>((std::int64_t{1} << h[c]) % value);
  }
  constexpr void set_reach(std::size_t c, std::int32_t least, std::int32_t most) noexcept {
    least_output[c] = least;
    most_output[c] = most;
    has_reach[c] = true;
  }
  constexpr void leave(std::size_t c) noexcept {
    q[c] = 1 << 30;
    h[c] = 31;
    left_out[c] = settled[c] = true;
  }
  /// The multiple of 2^7 next to q, or the next but one; less than 2^31, so that `high` is less than 1.
  constexpr void take_slopes(int number) noexcept {
    for (std::size_t c = 0; c < count; ++c) {
      const std::int32_t behind = q[c] & 127;
      const std::int32_t next = behind < 64 ? -behind : 128 - behind;
      const std::int32_t most = std::numeric_limits<std::int32_t>::max() - 127 - q[c];
      error[c] = std::min(number == 0 ? next : next > 0 ? next - 128 : next + 128, most);
      const float exact = static_cast<float>(-error[c]) / (static_cast<float>(q[c]) * unit(c));
      tilt[c] = static_cast<std::int32_t>(exact + (exact < 0 ? -0.5F : 0.5F));
    }
  }
  /// No slopes: two products for all channels, settled ones too.
  constexpr void take_two_products() noexcept {
    two_products = true;
    std::fill_n(error, count, 0);
    std::fill_n(tilt, count, 0);
    std::copy_n(left_out, count, settled);
  }
  [[nodiscard]] constexpr bool takes_one_product() const noexcept {
    bool all = true;
    for (std::size_t c = 0; c < count; ++c) {
      all = all && (has_reach[c] || h[c] <= 31 + most_right_of_one);
    }
    return all;
  }
  [[nodiscard]] constexpr float unit(std::size_t c) const noexcept { return power_of_two(-h[c]); }
  [[nodiscard]] constexpr float high(std::size_t c) const noexcept {
    return static_cast<float>(two_products ? std::int64_t{q[c] & ~127} : std::int64_t{q[c]} + error[c]) *
           unit(c);
  }
  [[nodiscard]] constexpr float low(std::size_t c) const noexcept {
    return left_out[c] ? 0 : static_cast<float>(q[c] & 127) * unit(c);
  }
};

/// FloatBlock's `offset`, and whether it is right for every step.
struct FloatOffset {
  float value;
  bool exact;
};

/// left + tilt k of all channels, for one k after another.
/// @tparam Unsigned as of FloatBlock
template <class Unsigned>
struct FloatSteps {
  static constexpr std::size_t count = Unsigned::count;
  using Channels = FloatChannels<count>;
  /// Keeps left + tilt k positive: |tilt k| is less, but for channels that are looked at closely.
  static constexpr std::uint32_t bias = 1U << 29;
  std::uint32_t q[count];
  std::uint32_t left[count];
  std::uint32_t step[count];    ///< 2^h mod q
  std::uint32_t tilted[count];  ///< bias + tilt k
  std::uint32_t tilt[count];
  std::uint32_t least[count];
  std::uint32_t most[count];
  std::int64_t rest[count];
  // Of b, to be right for every step.
  std::int64_t lowest[count];
  std::int64_t highest[count];

  /// Looks at every k in [from, last]. @param is_below the limit
  constexpr FloatSteps(const Channels& of, bool is_below, std::int32_t from, std::int32_t last) noexcept {
    for (std::size_t c = 0; c < count; ++c) {
      q[c] = static_cast<std::uint32_t>(of.q[c]);
      step[c] = of.step[c];
      rest[c] = of.rest[c] - (is_below ? of.less[c] : 0);
      left[c] = static_cast<std::uint32_t>(modulo((std::int64_t{from} << of.h[c]) - rest[c] - 1, of.q[c]));
      tilt[c] = static_cast<std::uint32_t>(of.tilt[c]);
      tilted[c] = bias + tilt[c] * static_cast<std::uint32_t>(from);
    }
    look(of, from, last);
    const std::int64_t doubt = of.two_products ? 256 : 640;
    for (std::size_t c = 0; c < count; ++c) {
      lowest[c] = std::int64_t{most[c]} - bias + 1 - of.q[c] + doubt;
      highest[c] = std::int64_t{least[c]} - bias - doubt;
      if (of.has_reach[c] && !of.two_products && !of.settled[c]) {
        look_closely(of, c, std::max(from, of.least_output[c]), std::min(last, of.most_output[c] + 1));
      }
    }
  }
  constexpr void look_closely(const Channels& of, std::size_t c, std::int32_t k, std::int32_t to) noexcept {
    constexpr std::int64_t any = std::int64_t{1} << 31;
    lowest[c] = -any;
    highest[c] = any;
    for (; k <= to; ++k) {
      const std::int64_t before = (std::int64_t{k} << of.h[c]) - rest[c] - 1;
      const std::int64_t remainder = modulo(before, of.q[c]);
      const std::int64_t x = (before - remainder) / of.q[c];  // the last X that should be below
      lowest[c] = std::max(lowest[c], remainder + 1 - of.q[c] - (x + 1) * of.error[c]);
      highest[c] = std::min(highest[c], remainder - x * of.error[c]);
    }
  }
  /// The least and the most of them from `k`, where they are, up to `last`.
  constexpr void look(const Channels& of, std::int32_t k, std::int32_t last) noexcept {
    if (!std::is_constant_evaluated()) {
      look_by_vectors(k, last);
      return;
    }
    for (std::size_t c = 0; c < count; ++c) {
      if (of.settled[c]) {
        least[c] = most[c] = bias;  // are not asked for
      } else {
        look_at_channel(k, last, c);
      }
    }
  }
  /// While compiling, which is made of few operations.
  constexpr void look_at_channel(std::int32_t k, std::int32_t last, std::size_t c) noexcept {
    std::uint32_t smallest = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t largest = 0;
    std::uint32_t remainder = left[c];
    std::uint32_t more = tilted[c];
    const std::uint32_t divisor = q[c];
    const std::uint32_t stride = step[c];
    const std::uint32_t slope = tilt[c];
    for (; k <= last; ++k) {
      const std::uint32_t at = remainder + more;
      smallest = at < smallest ? at : smallest;
      largest = at > largest ? at : largest;
      remainder += stride;  // below 2^32
      remainder -= remainder < divisor ? 0 : divisor;
      more += slope;
    }
    least[c] = smallest;
    most[c] = largest;
  }
  /// Four parts of the range side by side: each step waits for the one before it.
  void look_by_vectors(std::int32_t k, std::int32_t last) noexcept {
    const auto divisor = Unsigned::load(q);
    const auto add = [&](auto a, auto b) KINGLET_INLINE_LAMBDA {
      const auto sum = Unsigned::add(a, b);
      return Unsigned::min(sum, Unsigned::subtract(sum, divisor));
    };
    const auto stride = Unsigned::load(step);
    const auto slope = Unsigned::load(tilt);
    auto smallest = Unsigned::all(std::numeric_limits<std::uint32_t>::max());
    auto largest = Unsigned::all(0);
    const auto note = [&](auto remainder, auto more) KINGLET_INLINE_LAMBDA {
      const auto at = Unsigned::add(remainder, more);
      smallest = Unsigned::min(smallest, at);
      largest = Unsigned::max(largest, at);
    };
    const std::int32_t number = std::max<std::int32_t>(last - k + 1, 0);
    const std::int32_t part = number / 4;
    auto part_stride = Unsigned::all(0);
    auto part_slope = Unsigned::all(0);
    auto power = stride;  // of two, times the stride
    auto slope_power = slope;
    for (std::int32_t bits = part; bits != 0; bits >>= 1) {
      part_stride = (bits & 1) != 0 ? add(part_stride, power) : part_stride;
      part_slope = (bits & 1) != 0 ? Unsigned::add(part_slope, slope_power) : part_slope;
      power = add(power, power);
      slope_power = Unsigned::add(slope_power, slope_power);
    }
    auto a = Unsigned::load(left);
    auto b = add(a, part_stride);
    auto c = add(b, part_stride);
    auto d = add(c, part_stride);
    auto more_a = Unsigned::load(tilted);
    auto more_b = Unsigned::add(more_a, part_slope);
    auto more_c = Unsigned::add(more_b, part_slope);
    auto more_d = Unsigned::add(more_c, part_slope);
    for (std::int32_t i = 0; i < part; ++i) {
      note(a, more_a);
      note(b, more_b);
      note(c, more_c);
      note(d, more_d);
      a = add(a, stride);
      b = add(b, stride);
      c = add(c, stride);
      d = add(d, stride);
      more_a = Unsigned::add(more_a, slope);
      more_b = Unsigned::add(more_b, slope);
      more_c = Unsigned::add(more_c, slope);
      more_d = Unsigned::add(more_d, slope);
    }
    for (std::int32_t i = 4 * part; i < number; ++i) {
      note(d, more_d);
      d = add(d, stride);
      more_d = Unsigned::add(more_d, slope);
    }
    Unsigned::store(least, smallest);
    Unsigned::store(most, largest);
  }
  constexpr void include(const FloatSteps& other, std::size_t c) noexcept {
    lowest[c] = std::max(lowest[c], other.lowest[c]);
    highest[c] = std::min(highest[c], other.highest[c]);
  }
  /// rest + b, with a b that is right for every step if there is one.
  [[nodiscard]] constexpr FloatOffset offset(const Channels& of, std::size_t c) const noexcept {
    constexpr std::int64_t grain = 256;  // multiples of it are floats, below 2^32
    // The first multiple above rest, or the one nearest to it within bounds.
    const auto above = [](std::int64_t x) { return (x + grain - 1) & -grain; };
    std::int64_t sum = above(rest[c]);
    sum = sum - rest[c] > highest[c] ? (rest[c] + highest[c]) & -grain : sum;
    sum = sum - rest[c] < lowest[c] ? above(rest[c] + lowest[c]) : sum;
    return {static_cast<float>(sum) * of.unit(c), sum - rest[c] <= highest[c]};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa
