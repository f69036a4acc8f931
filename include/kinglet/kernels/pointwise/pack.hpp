// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/pack.hpp
/// The layout of filters for targets whose dot product sums 4 neighbouring bytes, or 2 numbers of 16 bits, of each of 16
/// lanes.
///
/// Output channels are cut into blocks of 4 vectors of 16 lanes; the last has 1, 2 or 4. Behind the first 64-byte aligned
/// address a block holds, one after another, all aligned so as well:
///   head                       64 bytes, of which the first two are `scaling` and `halves`; not used by 16-bit activations
///   requantization constants   `vectors` x RequantizeBlock16, or FloatBlock16 or WordBlock16 at the start of each
///   bias                       `vectors` x 16 int32, zero points folded in, and x0 of FloatBlock16
///   weights                    for each segment ceil(depth / group) x `vectors` x 16 lanes x `group` int8, zeros behind
///                              the last; `group` is 4, of 16-bit activations 2
/// A filter is one segment, or several that are multiplied with activations which do not lie together.
///
/// Lane l of vector v has output channel 4 V (l / 4) + 4 v + l % 4 of a block of V vectors: narrowing four vectors of 32
/// bits to one of bytes works within 128-bit parts, and this order makes the bytes of a part come out in order. Not so in a
/// block that `halves`, whose last vector has at most 8 channels: channel 16 v + l, and these twice.
///
/// Activations are multiplied as unsigned bytes u (int8 plus 128) and weights as signed ones w (uint8 less 128), so
///   sum (x - zi)(f - zf) = sum u w - (zi + 128) sum w + d (sum u - depth zi),  d = 128 - zf,
/// for int8: zi + 128 of signed activations, d = 0; for uint8: zi alone. Only sum u depends on the activations.
#pragma once

#include <kinglet/isa/requantize_float_avx512.hpp>
#include <kinglet/isa/requantize_words_avx512.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <array>
#include <kinglet/kernels/pointwise/groups_pack.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>
#include <span>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Where blocks lie; the same numbers while packing and running.
struct PackedRows {
  index_t depth;  ///< of a segment
  index_t outputs;
  index_t segments = 1;
  index_t group = 4;  ///< or 2

  static constexpr index_t lanes = 16;
  static constexpr index_t most_vectors = 4;

  /// Whether the last vector of a block has so few channels that it may have them twice.
  [[nodiscard]] constexpr bool may_halve(index_t b) const noexcept {
    const index_t left = outputs - b * most_vectors * lanes;
    return group == 4 && left <= 2 * lanes && (left - 1) % lanes < lanes / 2;
  }

  /// Of a segment. Asked for every call of a kernel, which a division by a number would hold up.
  [[nodiscard]] constexpr index_t groups() const noexcept {
    return group == 4 ? (depth + 3) / 4 : (depth + 1) / 2;
  }
  /// Of activations.
  [[nodiscard]] constexpr index_t segment_bytes() const noexcept { return group == 4 ? depth : depth * 2; }
  /// Bytes of a vector's weights for one group.
  [[nodiscard]] constexpr index_t group_bytes() const noexcept { return lanes * group; }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    return (outputs + most_vectors * lanes - 1) / (most_vectors * lanes);
  }
  [[nodiscard]] constexpr index_t vectors_of(index_t b) const noexcept {
    const index_t left = outputs - b * most_vectors * lanes;
    return left > 2 * lanes ? most_vectors : left > lanes ? 2 : 1;
  }
  [[nodiscard]] constexpr std::size_t bytes_of(index_t vectors) const noexcept {
    return 64 + static_cast<std::size_t>(vectors) *
                    (sizeof(isa::RequantizeBlock16) + 64 +
                     static_cast<std::size_t>(segments * groups()) * static_cast<std::size_t>(group_bytes()));
  }
  /// With room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(blocks() - 1) * bytes_of(most_vectors) +
           bytes_of(vectors_of(blocks() - 1)) + packed_alignment;
  }
};

/// How a block's sums are requantized: the first that is exact for all its channels.
enum class Scaling : std::uint8_t {
  // isa::FloatBlock16, in the way of that name:
  one_product,
  one_product_away,
  two_products,
  // isa::Requantize16:
  short_integer,  ///< every multiplier is below one half
  long_integer,
};

/// One block of so many vectors in packed memory.
struct PackedBlock {
  const std::byte* at;

  [[nodiscard]] Scaling scaling() const noexcept { return static_cast<Scaling>(*at); }
  /// The last vector has at most 8 channels, twice: kernels/pointwise/avx512_vnni_halves.hpp. One product it is, then.
  [[nodiscard]] bool halves() const noexcept { return at[1] != std::byte{0}; }
  [[nodiscard]] const isa::RequantizeBlock16* stage() const noexcept {
    return reinterpret_cast<const isa::RequantizeBlock16*>(at + 64);
  }
  [[nodiscard]] const isa::FloatBlock16& floats(index_t vector) const noexcept {
    return *reinterpret_cast<const isa::FloatBlock16*>(stage() + vector);
  }
  [[nodiscard]] const isa::WordBlock16& words(index_t vector) const noexcept {
    return *reinterpret_cast<const isa::WordBlock16*>(stage() + vector);
  }
  template <index_t Vectors>
  [[nodiscard]] const std::int32_t* bias() const noexcept {
    return reinterpret_cast<const std::int32_t*>(stage() + Vectors);
  }
  template <index_t Vectors>
  [[nodiscard]] const std::int8_t* weights() const noexcept {
    return reinterpret_cast<const std::int8_t*>(bias<Vectors>() + Vectors * PackedRows::lanes);
  }
};

constexpr index_t channel_of(index_t vectors, index_t vector, index_t lane) noexcept {
  return 4 * vectors * (lane / 4) + 4 * vector + lane % 4;
}

inline constexpr index_t half_lanes = PackedRows::lanes / 2;
/// The same in a block that halves.
constexpr index_t halved_channel_of(index_t vectors, index_t vector, index_t lane) noexcept {
  return PackedRows::lanes * vector + (vector + 1 == vectors ? lane % half_lanes : lane);
}

/// The stage with outputs as signed bytes: those of uint8 less 128.
template <class T>
constexpr OutputStage as_signed(OutputStage stage) noexcept {
  constexpr std::int32_t less = std::is_signed_v<T> ? 0 : 128;
  return {stage.multiplier, stage.zero_point - less, stage.min - less, stage.max - less};
}

/// How zero points fold into a bias: bias - (zi + 128) (sum w + d n), n weights.
template <class T, class W>
struct Folding {
  std::uint32_t input_zero;
  std::uint32_t d;

  constexpr explicit Folding(const ConvolutionQuantization& q) noexcept
      : input_zero(static_cast<std::uint32_t>(q.input_zero_point + (std::is_signed_v<T> ? 128 : 0))),
        d(static_cast<std::uint32_t>((std::is_signed_v<W> ? 0 : 128) - q.filter_zero_point)) {}
  [[nodiscard]] constexpr std::int32_t bias(std::int32_t given, std::uint32_t weight_sum,
                                            std::int64_t weights) const noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(given) -
                                     input_zero * (weight_sum + d * static_cast<std::uint32_t>(weights)));
  }
};

/// What a block's lanes have besides weights. Lanes without a channel stay as they are.
struct PackedLanes {
  Multiplier multipliers[PackedRows::most_vectors][PackedRows::lanes]{};
  std::int32_t given[PackedRows::most_vectors][PackedRows::lanes]{};  ///< biases
  std::int32_t bias[PackedRows::most_vectors][PackedRows::lanes]{};   ///< folded ones
  SumReach reach[PackedRows::most_vectors][PackedRows::lanes]{};      ///< where it is needed
  bool has_all_ways = true;  ///< the kernel has; else one_product alone
  bool halves = false;       ///< of the block

  /// Writes head, requantization constants and biases of a block.
  /// @param largest_sum that is added to a given bias, in magnitude
  template <Rounding R>
  constexpr Scaling store(index_t vectors, const OutputStage& stage, std::int64_t largest_sum,
                          std::byte* to) const noexcept {
    constexpr auto stage_bytes = static_cast<index_t>(sizeof(isa::RequantizeBlock16));
    isa::FloatWay way = has_all_ways || !isa::FloatBlock16::is_away<R>(stage) ? isa::FloatWay::one_product
                                                                              : isa::FloatWay::none;
    isa::FloatBlock16 floats[PackedRows::most_vectors]{};
    std::int32_t zero_offsets[PackedRows::most_vectors][PackedRows::lanes]{};
    for (index_t v = 0; v < vectors && way != isa::FloatWay::none; ++v) {
      const isa::FloatWay least =
          isa::FloatBlock16::make<R>(floats[v], multipliers[v], reach[v], stage, zero_offsets[v]);
      way = least == isa::FloatWay::none ? least : std::max(way, least);
      for (index_t lane = 0; lane < PackedRows::lanes; ++lane) {
        const std::int64_t most = magnitude(given[v][lane]) + magnitude(zero_offsets[v][lane]) + largest_sum;
        way = most <= std::numeric_limits<std::int32_t>::max() ? way : isa::FloatWay::none;
      }
    }
    Scaling scaling =
        scaling_of(has_all_ways || way == isa::FloatWay::one_product ? way : isa::FloatWay::none);
    const bool is_float = scaling < Scaling::short_integer;
    for (index_t v = 0; v < vectors && scaling == Scaling::short_integer; ++v) {
      for (const Multiplier& m : multipliers[v]) {
        scaling = m.value == 0 || m.shift <= -1 ? scaling : Scaling::long_integer;
      }
    }
    for (index_t i = 0; i < 64; ++i) {
      to[i] = static_cast<std::byte>(i == 1 ? static_cast<std::uint8_t>(halves)
                                            : static_cast<std::uint8_t>(scaling));
    }
    std::byte* const biases = to + 64 + vectors * stage_bytes;
    for (index_t v = 0; v < vectors; ++v) {
      std::byte* const constants = to + 64 + v * stage_bytes;
      if (is_float) {
        store_bytes(constants, floats[v]);
      } else {
        Multiplier ones[PackedRows::lanes];
        for (index_t lane = 0; lane < PackedRows::lanes; ++lane) {
          ones[lane] = multipliers[v][lane].value == 0 ? Multiplier{0, -1} : multipliers[v][lane];
        }
        store_bytes(constants, isa::RequantizeBlock16::make<R>(ones, scaling == Scaling::short_integer));
      }
      for (index_t lane = 0; lane < PackedRows::lanes; ++lane) {
        const std::int32_t more = is_float ? zero_offsets[v][lane] : 0;
        store_bytes(biases + (v * PackedRows::lanes + lane) * 4, wrapping_add(bias[v][lane], more));
      }
    }
    return scaling;
  }

 private:
  static constexpr Scaling scaling_of(isa::FloatWay way) noexcept {
    switch (way) {
      case isa::FloatWay::one_product: return Scaling::one_product;
      case isa::FloatWay::one_product_away: return Scaling::one_product_away;
      case isa::FloatWay::two_products: return Scaling::two_products;
      default: return Scaling::short_integer;
    }
  }
  static constexpr std::int64_t magnitude(std::int64_t x) noexcept { return x < 0 ? -x : x; }
};

/// The filters behind the lanes of one block, null where there is none.
template <class W>
struct BlockFilters {
  std::array<const W*, static_cast<std::size_t>(PackedRows::most_vectors* PackedRows::lanes)> of{};

  /// In the order of memory, from the first byte to the last.
  template <index_t Group>
  constexpr void pack(const PackedRows& rows, index_t vectors, std::byte* to) const noexcept {
    const std::span<const W* const> lanes(of.data(), static_cast<std::size_t>(vectors * PackedRows::lanes));
    const std::ptrdiff_t stride = std::ptrdiff_t{vectors} * PackedRows::lanes * Group;
    for (index_t s = 0; s < rows.segments; ++s, to += rows.groups() * stride) {
      pack_groups<Group>(FilterGroups<W>{lanes, std::ptrdiff_t{s} * rows.depth, rows.depth, 0}, stride, to);
    }
  }
};

/// @tparam T activations  @param packed `rows.bytes()` bytes
template <Rounding R, class T, class W>
constexpr void pack_rows(const PackedRows& rows, const RowFilters<W>& from, const ConvolutionQuantization& q,
                         std::byte* packed) noexcept {
  const Folding<T, W> folding(q);
  const std::int64_t weight_count = std::int64_t{rows.depth} * rows.segments;
  std::byte* at = packed + aligned_offset(packed);
  index_t first = 0;
  for (index_t b = 0; b < rows.blocks(); ++b) {
    const index_t vectors = rows.vectors_of(b);
    BlockFilters<W> filters;
    const auto store = [&](bool halves) {
      PackedLanes lanes;
      lanes.halves = halves;
      filters = {};
      for (index_t v = 0; v < vectors; ++v) {
        for (index_t lane = 0; lane < PackedRows::lanes; ++lane) {
          const index_t o =
              first + (halves ? halved_channel_of(vectors, v, lane) : channel_of(vectors, v, lane));
          if (o >= rows.outputs) {
            continue;
          }
          const W* const filter = from.filter + o * weight_count;
          filters.of[static_cast<std::size_t>(v * PackedRows::lanes + lane)] = filter;
          const auto weight_sum = static_cast<std::uint32_t>(
              sum_of_weights(std::span(filter, static_cast<std::size_t>(weight_count))));
          lanes.multipliers[v][lane] = q.output.multiplier[o];
          lanes.given[v][lane] = from.bias == nullptr ? 0 : from.bias[o];
          lanes.bias[v][lane] = folding.bias(lanes.given[v][lane], weight_sum, weight_count);
          if (isa::FloatBlock16::needs_reach(lanes.multipliers[v][lane], weight_count)) {
            const auto weight = [&](std::ptrdiff_t k) { return filter[k] - q.filter_zero_point; };
            lanes.reach[v][lane] =
                SumReach::of<T>(weight_count, lanes.given[v][lane], q.input_zero_point, weight);
          }
        }
      }
      return lanes.store<R>(vectors, as_signed<T>(q.output), largest_sum<W>(weight_count), at);
    };
    // Only what needs one product is worth kernels of its own.
    const bool may_halve = rows.may_halve(b);
    if (store(may_halve) >= Scaling::two_products && may_halve) {
      store(false);
    }
    filters.template pack<4>(rows, vectors,
                             at + 64 + vectors * static_cast<index_t>(sizeof(isa::RequantizeBlock16) + 64));
    at += rows.bytes_of(vectors);
    first += vectors * PackedRows::lanes;
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
