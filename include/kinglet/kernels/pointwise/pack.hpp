// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/pack.hpp
/// The layout of filters for targets whose dot product sums 4 neighbouring bytes of each of 16 lanes.
///
/// The first 64 bytes say whether all blocks take the shorter way of isa::Requantize16.
/// Output channels are cut into blocks of 1 to 4 vectors of 16 lanes, as even as possible. A block holds, one after
/// another, 64-byte aligned:
///   requantization constants   `vectors` x RequantizeBlock16
///   bias                       `vectors` x 16 int32, zero points folded in
///   weights                    ceil(depth / 4) x `vectors` x 16 lanes x 4 int8, zeros behind the last
/// Lane l of vector v has output channel 16 v + l, but in a block of 4 vectors 16 (l / 4) + 4 v + l % 4: narrowing four
/// vectors of 32 bits to one of bytes works within 128-bit parts, and this order makes the bytes come out in order.
///
/// Activations are multiplied as unsigned bytes u (int8 plus 128) and weights as signed ones w (uint8 less 128), so
///   sum (x - zi)(f - zf) = sum u w - (zi + 128) sum w + d (sum u - depth zi),  d = 128 - zf,
/// for int8: zi + 128 of signed activations, d = 0; for uint8: zi alone. Only sum u depends on the activations.
#pragma once

#include <kinglet/isa/requantize_avx512.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/pointwise/rows.hpp>
#include <span>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Where blocks lie; the same numbers while packing and running.
struct PackedRows {
  index_t depth;
  index_t outputs;

  static constexpr index_t lanes = 16;
  static constexpr index_t most_vectors = 4;

  [[nodiscard]] constexpr index_t quads() const noexcept { return (depth + 3) / 4; }
  [[nodiscard]] constexpr index_t vectors() const noexcept { return (outputs + lanes - 1) / lanes; }
  [[nodiscard]] constexpr index_t blocks() const noexcept {
    return (vectors() + most_vectors - 1) / most_vectors;
  }
  /// Vectors of block b: the first blocks have one more where they cannot be equal.
  [[nodiscard]] constexpr index_t vectors_of(index_t b) const noexcept {
    return vectors() / blocks() + (b < vectors() % blocks() ? 1 : 0);
  }
  [[nodiscard]] constexpr std::size_t bytes_of(index_t vectors) const noexcept {
    return static_cast<std::size_t>(vectors) *
           (sizeof(isa::RequantizeBlock16) + 64 + static_cast<std::size_t>(quads()) * 64);
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return bytes_of(vectors()) + 2 * packed_alignment;
  }
};

/// One block in packed memory.
struct PackedBlock {
  const isa::RequantizeBlock16* stage;
  const std::int32_t* bias;
  const std::int8_t* weights;

  PackedBlock(const std::byte* at, index_t vectors) noexcept
      : stage(reinterpret_cast<const isa::RequantizeBlock16*>(at)),
        bias(reinterpret_cast<const std::int32_t*>(stage + vectors)),
        weights(reinterpret_cast<const std::int8_t*>(bias + vectors * PackedRows::lanes)) {}
};

constexpr index_t channel_of(index_t vectors, index_t vector, index_t lane) noexcept {
  return vectors == PackedRows::most_vectors ? 16 * (lane / 4) + 4 * vector + lane % 4 : 16 * vector + lane;
}

/// One filter of a block: its weights as signed bytes, in quads that lie `quad_step` bytes apart. @return their sum.
template <class W>
constexpr std::uint32_t pack_filter(std::span<const W> filter, std::byte* to,
                                    std::ptrdiff_t quad_step) noexcept {
  constexpr std::int32_t to_signed = std::is_signed_v<W> ? 0 : 128;
  std::uint32_t sum = 0;
  for (const W w : filter) {
    sum += static_cast<std::uint32_t>(w - to_signed);
  }
  std::size_t k = 0;
  for (; k + 4 <= filter.size(); k += 4, to += quad_step) {
    for (std::size_t i = 0; i < 4; ++i) {
      to[i] = static_cast<std::byte>(filter[k + i] - to_signed);
    }
  }
  for (std::size_t i = 0; i < 4 && k < filter.size(); ++i) {
    to[i] = k + i < filter.size() ? static_cast<std::byte>(filter[k + i] - to_signed) : std::byte{0};
  }
  return sum;
}

/// The constants behind one vector's lanes: requantization at `stage`, folded biases at `bias`.
struct PackedLanes {
  Multiplier multipliers[PackedRows::lanes]{};
  std::int32_t bias[PackedRows::lanes]{};

  template <Rounding R>
  constexpr void store(bool is_short, std::byte* stage, std::byte* biases) const noexcept {
    store_bytes(stage, isa::RequantizeBlock16::make<R>(multipliers, is_short));
    for (index_t lane = 0; lane < PackedRows::lanes; ++lane) {
      store_bytes(biases + lane * 4, bias[lane]);
    }
  }
};

/// How zero points fold into a bias: bias - (zi + 128) (sum w + d n), n weights.
template <class T, class W>
struct Folding {
  std::uint32_t input_zero;
  std::uint32_t d;

  constexpr explicit Folding(const ConvolutionQuantization& q) noexcept
      : input_zero(static_cast<std::uint32_t>(q.input_zero_point + (std::is_signed_v<T> ? 128 : 0))),
        d(static_cast<std::uint32_t>((std::is_signed_v<W> ? 0 : 128) - q.filter_zero_point)) {}
  [[nodiscard]] constexpr std::int32_t bias(const std::int32_t* given, index_t channel,
                                            std::uint32_t weight_sum, index_t weights) const noexcept {
    const std::uint32_t b = given == nullptr ? 0U : static_cast<std::uint32_t>(given[channel]);
    return static_cast<std::int32_t>(b - input_zero * (weight_sum + d * static_cast<std::uint32_t>(weights)));
  }
};

/// @tparam T activations  @param packed `rows.bytes()` bytes
template <Rounding R, class T, class W>
constexpr void pack_rows(const PackedRows& rows, const RowFilters<W>& from, const ConvolutionQuantization& q,
                         std::byte* packed) noexcept {
  const Folding<T, W> folding(q);
  std::byte* at = packed + aligned_offset(packed);
  const bool is_short = short_way(q.output, rows.outputs);
  *at = static_cast<std::byte>(is_short);
  at += packed_alignment;
  index_t first = 0;
  for (index_t b = 0; b < rows.blocks(); ++b) {
    const index_t vectors = rows.vectors_of(b);
    std::byte* const biases = at + vectors * static_cast<index_t>(sizeof(isa::RequantizeBlock16));
    std::byte* const weights = biases + vectors * 64;
    for (index_t v = 0; v < vectors; ++v) {
      PackedLanes lanes;
      for (index_t lane = 0; lane < PackedRows::lanes; ++lane) {
        const index_t o = first + channel_of(vectors, v, lane);
        std::byte* const to = weights + v * 64 + lane * 4;
        if (o < rows.outputs) {
          const auto depth = static_cast<std::size_t>(rows.depth);
          const std::span filter(from.filter + std::ptrdiff_t{o} * rows.depth, depth);
          lanes.multipliers[lane] = q.output.multiplier[o];
          lanes.bias[lane] = folding.bias(
              from.bias, o, pack_filter<W>(filter, to, std::ptrdiff_t{vectors} * 64), rows.depth);
        } else {
          lanes.multipliers[lane] = {0, -1};
          for (index_t k = 0; k < rows.quads(); ++k) {
            store_bytes(to + std::ptrdiff_t{k} * vectors * 64, std::int32_t{0});
          }
        }
      }
      lanes.store<R>(is_short, at + v * static_cast<index_t>(sizeof(isa::RequantizeBlock16)),
                     biases + v * 64);
    }
    at += rows.bytes_of(vectors);
    first += vectors * PackedRows::lanes;
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
