// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx2_pack.hpp
/// The layout of filters for targets whose dot product sums 2 neighbouring 16-bit numbers of each of 8 lanes.
///
/// The first 64 bytes say whether all blocks take the short way of isa::Requantize8. Output channels are cut into
/// blocks of 2 vectors of 8 lanes, the last of 1 or 2. A block holds, one after another, 32-byte aligned:
///   requantization constants   `vectors` x RequantizeBlock8
///   bias                       `vectors` x 8 int32, the input's zero point folded in
///   weights                    ceil(depth / 2) x `vectors` x 8 lanes x 2 int8
/// Lane l of vector v has the block's channel 8 v + l. Weights w are signed (uint8 less 128) and widened while
/// running, less their zero point z (uint8: less 128, too):
///   sum (x - zi)(w - z) = sum x (w - z) - zi sum (w - z).
/// z stands where there is no weight, behind the last one and in channels that are not there.
#pragma once

#include <kinglet/isa/requantize_avx2.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/pointwise/rows.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Where blocks lie; the same numbers while packing and running.
struct PairRows {
  index_t depth;
  index_t outputs;

  static constexpr index_t lanes = 8;
  static constexpr index_t most_vectors = 2;

  [[nodiscard]] constexpr index_t pairs() const noexcept { return (depth + 1) / 2; }
  [[nodiscard]] constexpr index_t vectors() const noexcept { return (outputs + lanes - 1) / lanes; }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    return (vectors() + most_vectors - 1) / most_vectors;
  }
  [[nodiscard]] constexpr index_t vectors_of(index_t b) const noexcept {
    return std::min(most_vectors, vectors() - b * most_vectors);
  }
  [[nodiscard]] constexpr std::size_t bytes_of(index_t vectors) const noexcept {
    const std::size_t weights = static_cast<std::size_t>(pairs()) * static_cast<std::size_t>(vectors) * 16;
    return static_cast<std::size_t>(vectors) * (sizeof(isa::RequantizeBlock8) + 32) +
           (weights + 31) / 32 * 32;
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    const index_t whole = blocks() - 1;
    return static_cast<std::size_t>(whole) * bytes_of(most_vectors) + bytes_of(vectors_of(whole)) +
           2 * packed_alignment;
  }
};

/// One block in packed memory.
struct PairBlock {
  const isa::RequantizeBlock8* stage;
  const std::int32_t* bias;
  const std::int8_t* weights;

  PairBlock(const std::byte* at, index_t vectors) noexcept
      : stage(reinterpret_cast<const isa::RequantizeBlock8*>(at)),
        bias(reinterpret_cast<const std::int32_t*>(stage + vectors)),
        weights(reinterpret_cast<const std::int8_t*>(bias + vectors * PairRows::lanes)) {}
};

/// The zero point of weights W as they are packed.
template <class W>
constexpr std::int32_t packed_zero_point(const ConvolutionQuantization& q) noexcept {
  return q.filter_zero_point - (std::is_signed_v<W> ? 0 : 128);
}

/// The constants behind one vector's lanes, and the folding of zero points into their biases.
struct PairLanes {
  Multiplier multipliers[PairRows::lanes]{};
  std::int32_t bias[PairRows::lanes]{};

  /// Lane `lane` is channel o. @param weight_sum sum (w - z)
  constexpr void set(index_t lane, index_t o, const std::int32_t* given, std::uint32_t weight_sum,
                     const ConvolutionQuantization& q) noexcept {
    const std::uint32_t b = given == nullptr ? 0U : static_cast<std::uint32_t>(given[o]);
    multipliers[lane] = q.output.multiplier[o];
    bias[lane] = static_cast<std::int32_t>(b - static_cast<std::uint32_t>(q.input_zero_point) * weight_sum);
  }
  constexpr void leave(index_t lane) noexcept { multipliers[lane] = {0, -1}; }

  template <Rounding R>
  constexpr void store(bool is_short, std::byte* stage, std::byte* biases) const noexcept {
    store_bytes(stage, isa::RequantizeBlock8::make<R>(multipliers, is_short));
    for (index_t lane = 0; lane < PairRows::lanes; ++lane) {
      store_bytes(biases + lane * 4, bias[lane]);
    }
  }
};

/// @param packed `rows.bytes()` bytes
template <Rounding R, class W>
constexpr void pack_pairs(const PairRows& rows, const RowFilters<W>& from, const ConvolutionQuantization& q,
                          std::byte* packed) noexcept {
  constexpr std::int32_t to_signed = std::is_signed_v<W> ? 0 : 128;
  const std::int32_t zero = packed_zero_point<W>(q);
  std::byte* at = packed + aligned_offset(packed);
  const bool is_short = short_way(q.output, rows.outputs);
  *at = static_cast<std::byte>(is_short);
  at += packed_alignment;
  for (index_t b = 0, o = 0; b < rows.blocks(); ++b) {
    const index_t vectors = rows.vectors_of(b);
    std::byte* const biases = at + vectors * static_cast<index_t>(sizeof(isa::RequantizeBlock8));
    std::byte* const weights = biases + vectors * 32;
    for (index_t v = 0; v < vectors; ++v) {
      PairLanes lanes;
      for (index_t lane = 0; lane < PairRows::lanes; ++lane, ++o) {
        const bool real = o < rows.outputs;
        const W* const filter = from.filter + (real ? std::ptrdiff_t{o} * rows.depth : 0);
        std::byte* to = weights + (v * PairRows::lanes + lane) * 2;
        std::uint32_t weight_sum = 0;
        for (index_t k = 0; k < rows.depth; k += 2, to += vectors * 16) {
          for (index_t i = 0; i < 2; ++i) {
            const std::int32_t w = real && k + i < rows.depth ? filter[k + i] - to_signed : zero;
            weight_sum += static_cast<std::uint32_t>(w - zero);
            to[i] = static_cast<std::byte>(w);
          }
        }
        if (real) {
          lanes.set(lane, o, from.bias, weight_sum, q);
        } else {
          lanes.leave(lane);
        }
      }
      lanes.store<R>(is_short, at + v * static_cast<index_t>(sizeof(isa::RequantizeBlock8)), biases + v * 32);
    }
    at += rows.bytes_of(vectors);
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
