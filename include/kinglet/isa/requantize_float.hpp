// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_float.hpp
/// The output stage in single precision, equal to quant/requantize.hpp bit for bit wherever `make` says so: 3
/// operations, zero point included, where integers take 8 and more; 5 where ties of negative outputs go away from zero,
/// 6 for the few blocks of channels that need two products. Here are its constants and their proof, which
/// isa/float_steps.hpp carries out; what computes with them is in isa/requantize_float_avx2.hpp and _avx512.hpp.
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

#include <kinglet/isa/float_steps.hpp>

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
        if (!few.exact) {
          return FloatWay::none;
        }
        block.high[c] = few.high;
        block.offset[c] = block.offset_below[c] = static_cast<float>(few.base);
        zero_offsets[c] = -few.first;
        channels.leave(c);
        continue;
      }
      if (m.shift > 0) {
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
  using Channels = FloatChannels<count>;
  using Steps = FloatSteps<Unsigned>;
  static constexpr bool needs_few_outputs(const Multiplier& m) noexcept { return m.shift < -most_right; }

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
      const FloatOffset offset = above.offset(channels, c);
      const FloatOffset offset_below = has_limit ? below.offset(channels, c) : offset;
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
