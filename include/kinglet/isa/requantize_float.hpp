// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_float.hpp
/// The output stage in single precision, equal to quant/requantize.hpp bit for bit wherever `make` says so: 3
/// operations, zero point included, where integers take 8 and more; 5 where ties of negative outputs go away from zero,
/// 6 for the few blocks of channels that need two products. Here are its constants and their proof; what computes with
/// them is in isa/requantize_float_avx2.hpp and _avx512.hpp.
///
/// Every policy is y = floor((x q + C) / 2^h), h = 31 - s, with C as in isa/requantize_avx2.hpp; for double_rounding in
/// two steps, where x q < -2^30, it is floor((x q + C - 2^31) / 2^h). With C + zero_point 2^h = x0 q + rest,
/// 0 <= rest < q, and X = x + x0,
///   y + zero_point = floor((X q + rest) / 2^h);
/// below `limit`, the X that belongs to x q = -2^30, rest is 2^31 less. x0 is added to the bias when weights are packed. In
/// single precision this is
///   one product:   floor(X high + offset),                high 2^h = q + e, |e| <= 128, offset 2^h = rest + b,
///   two products:  floor(X high + (X low + offset)),      high 2^h = q without its lowest 7 bits, low 2^h those bits,
/// with all that is outermost rounded down, and the inner sum in any way.
///
/// Why it is exact. Count in units of 2^-h, and take |X| <= 2^24, so that X is a float. Rounding down to a float passes no
/// integer, so what is rounded down last has the floor of its exact value, and that is X q + rest and an error E:
///   one product:   E = X e + b,
///   two products:  E = b, or less than 2^8 beside it: |X low + offset| < 2^32 is rounded to a multiple of 2^8 at most.
/// Outputs only rise with X, so they are right if every multiple k 2^h with k in (min, max], outside of which outputs are
/// clamped, is passed at the right X. The first X that should be there is q - 1 - left above it, and the one before 1 + left
/// below, left = (k 2^h - rest - 1) mod q: so it is right if for each k
///   left + 1 - q <= E < left + 1.
/// X e is -tilt k there, tilt = -e 2^h / q, give or take 640 units: 384 as both X are less than 3 beside k 2^h / q, 128
/// as tilt is rounded, 100 as it is computed in single precision. `make` looks at left + tilt k for all k, 255 at most,
/// and takes a b that is right for the least and the most of them: where multipliers are at least 2^-13 for the two e
/// that are closest to zero, else, or if there is none, for two products. X below `limit` give outputs up to the zero
/// point, others from there on, so each has a b of its own, and both are looked at for one k only, the one after the
/// zero point. Between the zero point and the limit are 2^(h-1) units, so what is from the limit on is not below it.
/// Where no k is in reach any b will do: no output is near those that are kept. Beyond |X| = 2^24, where X is rounded
/// as well, every step is monotonic and q / 2^h >= 2^-16 has made y 256 or more already; and high < 1, so that y keeps
/// within 32 bits, though X rounded to a float may not; where that is 1 - 2^-24 with low beside it, offset is about 1 /
/// 2. Of channels with such small multipliers, if they are known to reach few outputs, only the k next to these are
/// looked at, and X e is computed.
///
/// Smaller multipliers are taken where sums reach few outputs: isa/few_outputs.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <kinglet/isa/few_outputs.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET::isa {

/// How a block's outputs are computed.
enum class FloatWay : std::uint8_t {
  none,              ///< by integers: single precision is not exact
  one_product,       ///< `limit` and `offset_below` are not needed
  one_product_away,  ///< ties of negative outputs go away from zero
  two_products,      ///< whatever becomes of ties
};

/// The constants of a vector's channels. Plain data: it is made once, when weights are packed.
/// @tparam Unsigned the target's vectors of unsigned numbers: count, load, store, all(x), min, max, add, subtract
template <class Unsigned>
struct alignas(4 * Unsigned::count) FloatBlock {
  static constexpr std::size_t count = Unsigned::count;
  float high[count];
  float low[count];  ///< 0 where one product is enough
  float offset[count];
  // Where negative outputs are kept and their ties go away from zero.
  std::int32_t limit[count];  ///< X below it are negative
  float offset_below[count];

  // -shift of a multiplier, unless sums have few outputs:
  static constexpr int most_right = 15;         ///< at most
  static constexpr int most_right_of_one = 12;  ///< at most for one product
  static constexpr int usual_right = 11;        ///< beyond, one product is seldom exact for all outputs

  /// Whether `make` wants to know what a channel with this multiplier reaches. Of sums of few products it is soon known,
  /// and may save one here.
  static constexpr bool needs_reach(const Multiplier& m, std::int64_t products) noexcept {
    constexpr std::int64_t few_products = 128;
    return m.value != 0 && (needs_few_outputs(m) || (m.shift < -usual_right && products <= few_products));
  }

  /// Whether outputs of a stage need the way that looks at `limit`.
  template <Rounding R>
  static constexpr bool is_away(const OutputStage& stage) noexcept {
    return std::same_as<R, double_rounding> && stage.min < stage.zero_point;
  }

  /// @param multipliers of the lanes  @param reach of each lane  @param zero_offsets x0 of each lane
  /// @returns the way in which the block is exact for every sum in reach for which x + x0 does not leave 32 bits
  template <Rounding R>
  static constexpr FloatWay make(FloatBlock& block, const Multiplier* multipliers, const SumReach* reach,
                                 const OutputStage& stage, std::int32_t* zero_offsets) noexcept {
    const bool away = is_away<R>(stage);
    Channels channels{};
    for (std::size_t c = 0; c < count; ++c) {
      const Multiplier m = multipliers[c];
      block.low[c] = 0;
      block.limit[c] = std::numeric_limits<std::int32_t>::min();
      if (m.value == 0) {
        block.high[c] = 0;
        block.offset[c] = block.offset_below[c] = static_cast<float>(stage.zero_point) + 0.5F;
        zero_offsets[c] = 0;
        channels.leave(c);
        continue;
      }
      if (needs_few_outputs(m)) {
        const FewOutputs few = FewOutputs::of<R>(m, stage, reach[c]);
        if (few.exact) {
          block.high[c] = few.high;
          block.offset[c] = block.offset_below[c] = static_cast<float>(few.base);
          zero_offsets[c] = -few.first;
          channels.leave(c);
          continue;
        }
      }
      if (m.shift > 0 || needs_few_outputs(m)) {
        return FloatWay::none;
      }
      const int h = 31 - m.shift;
      const bool two_steps = !std::same_as<R, single_rounding> && m.shift < 0;
      const std::int64_t rounding = (std::int64_t{1} << (h - 1)) + (two_steps ? std::int64_t{1} << 30 : 0);
      const std::int64_t zero = rounding + (std::int64_t{stage.zero_point} << h);
      const std::int64_t rest = modulo(zero, m.value);
      zero_offsets[c] = static_cast<std::int32_t>((zero - rest) / m.value);
      channels.set(c, m.value, h, rest, two_steps && away);
      if (m.shift < -usual_right && reach[c].least > std::numeric_limits<std::int32_t>::min()) {
        const auto output = [&](std::int32_t x) { return requantize<R>(x, m) + stage.zero_point; };
        channels.set_reach(c, output(reach[c].least), output(reach[c].most));
      }
      if (two_steps && away) {
        block.limit[c] = zero_offsets[c] - (m.value == 1 << 30 ? 1 : 0);
      }
    }
    for (int number = channels.takes_one_product() ? 0 : Channels::slopes; number < Channels::slopes;
         ++number) {
      channels.take_slopes(number);
      if (settle_channels(block, channels, stage)) {
        return away ? FloatWay::one_product_away : FloatWay::one_product;
      }
    }
    channels.take_two_products();
    const bool exact = settle_channels(block, channels, stage);
    for (std::size_t c = 0; c < count; ++c) {
      block.low[c] = channels.low(c);
    }
    return exact ? FloatWay::two_products : FloatWay::none;
  }

 private:
  static constexpr bool needs_few_outputs(const Multiplier& m) noexcept { return m.shift < -most_right; }
  static constexpr std::int64_t modulo(std::int64_t a, std::int64_t q) noexcept {
    const std::int64_t remainder = a % q;
    return remainder < 0 ? remainder + q : remainder;
  }

  /// What is known of the channels, and which slopes are tried.
  struct Channels {
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

  struct Offset {
    float value;
    bool exact;
  };

  /// left + tilt k of all channels, for one k after another.
  struct Steps {
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
    constexpr Steps(const Channels& of, bool is_below, std::int32_t from, std::int32_t last) noexcept {
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
    constexpr void include(const Steps& other, std::size_t c) noexcept {
      lowest[c] = std::max(lowest[c], other.lowest[c]);
      highest[c] = std::min(highest[c], other.highest[c]);
    }
    /// rest + b, with a b that is right for every step if there is one.
    [[nodiscard]] constexpr Offset offset(const Channels& of, std::size_t c) const noexcept {
      constexpr std::int64_t grain = 256;  // multiples of it are floats, below 2^32
      // The first multiple above rest, or the one nearest to it within bounds.
      const auto above = [](std::int64_t x) { return (x + grain - 1) & -grain; };
      std::int64_t sum = above(rest[c]);
      sum = sum - rest[c] > highest[c] ? (rest[c] + highest[c]) & -grain : sum;
      sum = sum - rest[c] < lowest[c] ? above(rest[c] + lowest[c]) : sum;
      return {static_cast<float>(sum) * of.unit(c), sum - rest[c] <= highest[c]};
    }
  };

  /// Gives the channels that have none yet a slope and offsets, if these are right. @return whether all have
  static constexpr bool settle_channels(FloatBlock& block, Channels& channels,
                                        const OutputStage& stage) noexcept {
    Steps below(channels, true, stage.min + 1, std::min(stage.max, stage.zero_point + 1));
    Steps above(channels, false, std::max(stage.min, stage.zero_point) + 1, stage.max);
    bool all = true;
    for (std::size_t c = 0; c < count; ++c) {
      if (channels.settled[c]) {
        continue;
      }
      const bool has_limit = channels.less[c] != 0;
      if (!has_limit) {  // one offset for all
        above.include(below, c);
      }
      const Offset offset = above.offset(channels, c);
      const Offset offset_below = has_limit ? below.offset(channels, c) : offset;
      channels.settled[c] = offset.exact && offset_below.exact;
      block.high[c] = channels.high(c);
      block.offset[c] = offset.value;
      block.offset_below[c] = offset_below.value;
      all = all && channels.settled[c];
    }
    return all;
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa
