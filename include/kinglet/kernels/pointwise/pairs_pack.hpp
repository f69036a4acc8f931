// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/pairs_pack.hpp
/// The layout of filters for targets whose dot product sums 2 neighbouring 16-bit numbers of each 32-bit lane, or
/// `Group` = 4 neighbouring bytes.
///
/// The first 64 bytes say how the layer is computed (`PairHead`). Output channels are cut into blocks of 2 vectors of
/// `Lanes::count` lanes, the last of 1 or 2. A block holds, one after another, each a whole number of vectors:
///   requantization constants   `vectors` x Lanes::Constants, or Lanes::Floats at the start of each
///   bias                       `vectors` x lanes int32, the input's zero point folded in, and x0 of Lanes::Floats
///   weights                    ceil(depth / Group) x `vectors` x lanes x Group int8
/// Lane l of vector v has the block's channel v * lanes + l. Weights w are signed (uint8 less 128) and widened while
/// running, less their zero point z (uint8: less 128, too):
///   sum (x - zi)(w - z) = sum x (w - z) - zi sum (w - z).
/// z stands where there is no weight, behind the last one and in channels that are not there. In fours, z = 0 and int8
/// activations are multiplied as unsigned bytes x + 128, so that their zero point is zi + 128.
///
/// 16-bit activations: while |bias| + 2^15 sum |w| < 2^31 in every channel, no sum of theirs leaves 32 bits either, and
/// their requantization is single_rounding with the multiplier's upper 15 bits. Other layers are `wide`: 64-bit biases
/// lie in the place of the constants.
#pragma once

#include <array>
#include <kinglet/isa/requantize_float.hpp>
#include <kinglet/kernels/pointwise/groups_pack.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>
#include <limits>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Where blocks lie; the same numbers while packing and running.
template <class Lanes, index_t Group = 2>
struct PairRows {
  index_t depth;
  index_t outputs;

  static constexpr index_t lanes = Lanes::count;
  static constexpr index_t most_vectors = 2;
  static constexpr std::size_t vector_bytes = static_cast<std::size_t>(lanes) * 4;

  [[nodiscard]] constexpr index_t groups() const noexcept { return (depth + Group - 1) / Group; }
  [[nodiscard]] constexpr index_t vectors() const noexcept { return (outputs + lanes - 1) / lanes; }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    return (vectors() + most_vectors - 1) / most_vectors;
  }
  [[nodiscard]] constexpr index_t vectors_of(index_t b) const noexcept {
    return std::min(most_vectors, vectors() - b * most_vectors);
  }
  [[nodiscard]] constexpr std::size_t bytes_of(index_t vectors) const noexcept {
    const std::size_t weights =
        static_cast<std::size_t>(groups()) * static_cast<std::size_t>(vectors) * lanes * Group;
    return static_cast<std::size_t>(vectors) * (sizeof(typename Lanes::Constants) + vector_bytes) +
           (weights + vector_bytes - 1) / vector_bytes * vector_bytes;
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    const index_t whole = blocks() - 1;
    return static_cast<std::size_t>(whole) * bytes_of(most_vectors) + bytes_of(vectors_of(whole)) +
           2 * packed_alignment;
  }
};

/// What the first bytes of a packed layer say.
struct PairHead {
  bool is_short;              ///< every multiplier is below one half
  bool is_wide;               ///< sums need 64 bits
  bool is_float;              ///< requantized in single precision, exactly
  bool two_products = false;  ///< some of it, so all

  constexpr void store(std::byte* to) const noexcept {
    to[0] = static_cast<std::byte>(is_short);
    to[1] = static_cast<std::byte>(is_wide);
    to[2] = static_cast<std::byte>(is_float);
    to[3] = static_cast<std::byte>(two_products);
  }
  static PairHead load(const std::byte* from) noexcept {
    const auto is = [from](int i) { return from[i] != std::byte{0}; };
    return {is(0), is(1), is(2), is(3)};
  }
  template <Rounding R>
  [[nodiscard]] Finish finish(const OutputStage& stage) const noexcept {
    Finish how = Finish::of<R>(stage, is_short);
    how.is_float = is_float;
    how.two_products = two_products;
    return how;
  }
};

/// One block in packed memory.
template <class Lanes>
struct PairBlock {
  const typename Lanes::Constants* stage;
  const std::int32_t* bias;
  const std::int8_t* weights;

  PairBlock(const std::byte* at, index_t vectors) noexcept
      : stage(reinterpret_cast<const typename Lanes::Constants*>(at)),
        bias(reinterpret_cast<const std::int32_t*>(stage + vectors)),
        weights(reinterpret_cast<const std::int8_t*>(bias + vectors * Lanes::count)) {}
  /// Of a wide layer.
  [[nodiscard]] std::int64_t wide_bias(index_t channel) const noexcept {
    return reinterpret_cast<const std::int64_t*>(stage + channel / Lanes::count)[channel % Lanes::count];
  }
};

/// The zero point of weights W as they are packed.
template <class W>
constexpr std::int32_t packed_zero_point(const ConvolutionQuantization& q) noexcept {
  return q.filter_zero_point - (std::is_signed_v<W> ? 0 : 128);
}

/// The multiplier that vectors of T's sums are requantized with.
template <class T>
constexpr Multiplier stage_multiplier(Multiplier m) noexcept {
  if constexpr (sizeof(T) == 1) {
    return m;
  } else {
    return {upper_15_bits(m.value) << 16, m.shift};
  }
}

/// How a layer of 16-bit activations is computed, from the absolute sums of its channels' weights and its biases.
class WideSums {
 public:
  constexpr void add(std::int64_t bias, std::int64_t absolute_weights) noexcept {
    const std::int64_t absolute_bias = bias < 0 ? -bias : bias;
    needed_ = needed_ || absolute_bias + (absolute_weights << 15) > 0x7fffffff;
  }
  [[nodiscard]] constexpr bool needed() const noexcept { return needed_; }

 private:
  bool needed_ = false;
};

/// Whether layers of activations T may be requantized in single precision.
template <class Lanes, class T>
inline constexpr bool takes_floats = sizeof(T) == 1 && !std::is_void_v<typename Lanes::Floats>;

/// The constants behind one vector's lanes, and the folding of zero points into their biases.
template <class Lanes, class T>
struct PairLanes {
  Multiplier multipliers[Lanes::count]{};
  accumulator_t<T> bias[Lanes::count]{};
  std::int64_t largest_bias = 0;   ///< magnitude of those given
  SumReach reach[Lanes::count]{};  ///< where it is needed

  struct Channel {
    std::int32_t input_zero_point;
    Multiplier multiplier;
  };
  /// Lane `lane` is channel o. @param weight_sum sum (w - z), modulo 2^32 for 8-bit activations
  constexpr void set(index_t lane, index_t o, const accumulator_t<T>* given, std::int64_t weight_sum,
                     const Channel& channel) noexcept {
    const auto b = given == nullptr ? accumulator_t<T>{0} : given[o];
    multipliers[lane] = stage_multiplier<T>(channel.multiplier);
    largest_bias = std::max(largest_bias, magnitude(b));
    bias[lane] = wrapping_multiply_add<accumulator_t<T>>(b, -channel.input_zero_point,
                                                         static_cast<accumulator_t<T>>(weight_sum));
  }
  constexpr void leave(index_t lane) noexcept { multipliers[lane] = {0, -1}; }
  struct Sums {
    std::int64_t weights;
    std::int32_t input_zero_point;
    std::int64_t bias;
  };
  /// Of a lane that is set. @param weight (k): of its channel, less the zero point
  template <class Weight>
  constexpr void set_reach(index_t lane, const Sums& sums, const Weight& weight) noexcept {
    if constexpr (takes_floats<Lanes, T>) {
      if (Lanes::Floats::needs_reach(multipliers[lane], sums.weights)) {
        reach[lane] = SumReach::of<T>(sums.weights, static_cast<std::int32_t>(sums.bias),
                                      sums.input_zero_point, weight);
      }
    }
  }

  struct Stage {
    const OutputStage& output;
    std::int64_t largest_sum;  ///< that is added to a given bias, in magnitude
  };
  /// @param head says that two products are needed, from then on  @return whether the constants that it asks for are exact
  template <Rounding R>
  constexpr bool store(PairHead& head, const Stage& stage, std::byte* constants,
                       std::byte* biases) const noexcept {
    if (head.is_wide) {
      for (index_t lane = 0; lane < Lanes::count; ++lane) {
        store_bytes(constants + lane * 8, static_cast<std::int64_t>(bias[lane]));
      }
      return true;
    }
    std::int32_t zero_offsets[Lanes::count]{};
    if (!head.is_float) {
      using Policy = std::conditional_t<sizeof(T) == 1, R, single_rounding>;
      store_bytes(constants, Lanes::Constants::template make<Policy>(multipliers, head.is_short));
    } else if constexpr (takes_floats<Lanes, T>) {
      static_assert(sizeof(typename Lanes::Floats) <= sizeof(typename Lanes::Constants));
      typename Lanes::Floats floats{};
      const isa::FloatWay way =
          Lanes::Floats::template make<R>(floats, multipliers, reach, stage.output, zero_offsets);
      if (way == isa::FloatWay::none) {
        return false;
      }
      head.two_products = head.two_products || way == isa::FloatWay::two_products;
      store_bytes(constants, floats);
    }
    for (index_t lane = 0; lane < Lanes::count; ++lane) {
      if (largest_bias + magnitude(zero_offsets[lane]) + stage.largest_sum >
              std::numeric_limits<std::int32_t>::max() &&
          head.is_float) {
        return false;
      }
      store_bytes(biases + lane * 4, wrapping_add(static_cast<std::int32_t>(bias[lane]), zero_offsets[lane]));
    }
    return true;
  }

 private:
  static constexpr std::int64_t magnitude(std::int64_t x) noexcept { return x < 0 ? -x : x; }
};

/// Whether and how a layer of `filters` x `depth` weights needs more than 32 bits; `weight(o, k)` less its zero point.
template <class T, class Weight>
constexpr PairHead pair_head(index_t filters, index_t depth, const accumulator_t<T>* bias,
                             const ConvolutionQuantization& q, const Weight& weight) noexcept {
  WideSums wide;
  if constexpr (sizeof(T) == 2) {
    for (index_t o = 0; o < filters; ++o) {
      std::int64_t sum = 0;
      std::int64_t absolute = 0;
      for (index_t k = 0; k < depth; ++k) {
        const std::int64_t w = weight(o, k);
        sum += w;
        absolute += w < 0 ? -w : w;
      }
      wide.add((bias == nullptr ? 0 : bias[o]) - q.input_zero_point * sum, absolute);
    }
  }
  return {short_way(q.output, filters), wide.needed(), false};
}

/// Calls pack_blocks(head), with a head for single precision first where there is one; it says whether that is exact.
template <class Lanes, class T, class PackBlocks>
constexpr void pack_blocks_exactly(PairHead head, const PackBlocks& pack_blocks) noexcept {
  head.is_float = takes_floats<Lanes, T>;
  if (!pack_blocks(head)) {
    head.is_float = false;
    pack_blocks(head);
  }
}

/// @return whether what `head` asks for is exact
template <Rounding R, class T, class Lanes, index_t Group, class W>
constexpr bool pack_pair_blocks(const PairRows<Lanes, Group>& rows, PairHead head,
                                const RowFilters<W, accumulator_t<T>>& from, const ConvolutionQuantization& q,
                                std::byte* packed) noexcept {
  constexpr index_t lanes = Lanes::count;
  constexpr auto stage_bytes = static_cast<index_t>(sizeof(typename Lanes::Constants));
  static_assert(stage_bytes >= lanes * 8, "64-bit biases lie in the constants' place");
  const std::int32_t zero = packed_zero_point<W>(q);
  const std::int32_t input_zero = q.input_zero_point + (Group == 4 && std::is_signed_v<T> ? 128 : 0);
  const typename PairLanes<Lanes, T>::Stage stage{q.output, largest_sum<W>(rows.depth)};
  std::byte* const start = packed + aligned_offset(packed);
  std::byte* at = start + packed_alignment;
  for (index_t b = 0, o = 0; b < rows.blocks(); ++b) {
    const index_t vectors = rows.vectors_of(b);
    std::byte* const biases = at + vectors * stage_bytes;
    std::array<const W*, static_cast<std::size_t>(PairRows<Lanes, Group>::most_vectors * lanes)> filters{};
    for (index_t v = 0; v < vectors; ++v) {
      PairLanes<Lanes, T> constants;
      for (index_t lane = 0; lane < lanes; ++lane, ++o) {
        if (o >= rows.outputs) {
          constants.leave(lane);
          continue;
        }
        const W* const filter = from.filter + std::ptrdiff_t{o} * rows.depth;
        filters[static_cast<std::size_t>(v * lanes + lane)] = filter;
        const std::int64_t weight_sum =
            sum_of_weights(std::span(filter, static_cast<std::size_t>(rows.depth)), zero);
        constants.set(lane, o, from.bias, weight_sum, {input_zero, q.output.multiplier[o]});
        constants.set_reach(lane, {rows.depth, q.input_zero_point, from.bias == nullptr ? 0 : from.bias[o]},
                            [&](std::int64_t k) { return filter[k] - q.filter_zero_point; });
      }
      if (!constants.template store<R>(head, stage, at + v * stage_bytes, biases + v * lanes * 4)) {
        return false;
      }
    }
    const std::span<const W* const> block(filters.data(), static_cast<std::size_t>(vectors * lanes));
    pack_groups<Group>(FilterGroups<W>{block, 0, rows.depth, zero}, std::ptrdiff_t{vectors} * lanes * Group,
                       biases + vectors * lanes * 4);
    at += rows.bytes_of(vectors);
  }
  head.store(start);
  return true;
}

/// @tparam T activations  @param packed `rows.bytes()` bytes
template <Rounding R, class T, class Lanes, index_t Group, class W>
constexpr void pack_pairs(const PairRows<Lanes, Group>& rows, const RowFilters<W, accumulator_t<T>>& from,
                          const ConvolutionQuantization& q, std::byte* packed) noexcept {
  const PairHead head = pair_head<T>(rows.outputs, rows.depth, from.bias, q, [&](index_t o, index_t k) {
    return from.filter[std::ptrdiff_t{o} * rows.depth + k] - q.filter_zero_point;
  });
  pack_blocks_exactly<Lanes, T>(
      head, [&](const PairHead& tried) { return pack_pair_blocks<R, T>(rows, tried, from, q, packed); });
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
