// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/neon_pack.hpp
/// The layout of filters on Advanced SIMD.
///
/// The first 64 bytes: byte 0 says whether all channels take the short way of isa::Requantize4, byte 1 whether some
/// weight is -128. Output channels are cut into blocks of 8. A block holds, one after another, 16-byte aligned:
///   requantization constants   2 x RequantizeBlock4
///   bias                       8 int32, zero points folded in
///   weights                    for each `Group` neighbours in depth: 8 channels x Group int8, zeros behind the last
/// Group is what an instruction sums: 4 for SDOT, 8 for SMMLA, 16 for SMULL and SMLAL2 with SADALP.
///
/// Activations x and weights w are multiplied as signed bytes, uint8 less 128; so are their zero points zx and zw:
///   sum (x - zx)(w - zw) = sum x w - zx sum w + depth zx zw - zw sum x.
/// Only the last term depends on the activations; zw is 0 for int8 weights.
#pragma once

#include <kinglet/isa/requantize_neon.hpp>

#if KINGLET_HAS_NEON

#include <kinglet/kernels/pointwise/rows.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Channels of a block.
inline constexpr index_t neon_lanes = 8;

/// Where blocks lie; the same numbers while packing and running.
template <index_t Group>
struct NeonRows {
  index_t depth;
  index_t outputs;

  [[nodiscard]] constexpr index_t groups() const noexcept { return (depth + Group - 1) / Group; }
  [[nodiscard]] constexpr index_t blocks() const noexcept { return (outputs + neon_lanes - 1) / neon_lanes; }
  [[nodiscard]] constexpr std::size_t block_bytes() const noexcept {
    return 2 * sizeof(isa::RequantizeBlock4) + 32 + static_cast<std::size_t>(groups()) * neon_lanes * Group;
  }
  /// With the head, and room to align the start.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(blocks()) * block_bytes() + 2 * packed_alignment;
  }
};

/// One block in packed memory.
struct NeonBlock {
  const isa::RequantizeBlock4* stage;
  const std::int32_t* bias;
  const std::int8_t* weights;

  explicit NeonBlock(const std::byte* at) noexcept
      : stage(reinterpret_cast<const isa::RequantizeBlock4*>(at)),
        bias(reinterpret_cast<const std::int32_t*>(stage + 2)),
        weights(reinterpret_cast<const std::int8_t*>(bias + neon_lanes)) {}
};

/// The constants behind a block's weights, and the folding of zero points into its biases.
struct NeonLanes {
  Multiplier multipliers[neon_lanes]{{0, -1}, {0, -1}, {0, -1}, {0, -1}, {0, -1}, {0, -1}, {0, -1}, {0, -1}};
  std::int32_t bias[neon_lanes]{};

  /// Lane `lane` is channel o. @param folded what zero points take from its bias
  constexpr void set(index_t lane, index_t o, const std::int32_t* given, std::uint32_t folded,
                     const ConvolutionQuantization& q) noexcept {
    const std::uint32_t b = given == nullptr ? 0U : static_cast<std::uint32_t>(given[o]);
    multipliers[lane] = q.output.multiplier[o];
    bias[lane] = static_cast<std::int32_t>(b - folded);
  }
  /// @param at the block
  template <Rounding R>
  constexpr void store(bool is_short, std::byte* at) const noexcept {
    store_bytes(at, isa::RequantizeBlock4::make<R>(multipliers, is_short));
    at += sizeof(isa::RequantizeBlock4);
    store_bytes(at, isa::RequantizeBlock4::make<R>(multipliers + 4, is_short));
    at += sizeof(isa::RequantizeBlock4);
    for (index_t lane = 0; lane < neon_lanes; ++lane) {
      store_bytes(at + lane * 4, bias[lane]);
    }
  }
};

/// @tparam T activations  @param packed `rows.bytes()` bytes
template <Rounding R, class T, class W, index_t Group>
constexpr void pack_neon(const NeonRows<Group>& rows, const RowFilters<W>& from,
                         const ConvolutionQuantization& q, std::byte* packed) noexcept {
  const auto input_zero = static_cast<std::uint32_t>(q.input_zero_point - to_signed_byte<T>);
  const auto filter_zero = static_cast<std::uint32_t>(q.filter_zero_point - to_signed_byte<W>);
  std::byte* const head = packed + aligned_offset(packed);
  std::byte* at = head + packed_alignment;
  const bool is_short = short_way(q.output, rows.outputs);
  bool has_lowest = false;
  for (index_t b = 0, o = 0; b < rows.blocks(); ++b, at += rows.block_bytes()) {
    NeonLanes lanes;
    for (index_t lane = 0; lane < neon_lanes; ++lane, ++o) {
      const bool real = o < rows.outputs;
      const W* const filter = from.filter + (real ? std::ptrdiff_t{o} * rows.depth : 0);
      std::byte* to = at + 2 * sizeof(isa::RequantizeBlock4) + 32 + lane * Group;
      std::uint32_t weight_sum = 0;
      for (index_t k = 0; k < rows.depth; k += Group, to += neon_lanes * Group) {
        for (index_t i = 0; i < Group; ++i) {
          const std::int32_t w = real && k + i < rows.depth ? filter[k + i] - to_signed_byte<W> : 0;
          weight_sum += static_cast<std::uint32_t>(w);
          has_lowest |= w == -128;
          to[i] = static_cast<std::byte>(w);
        }
      }
      if (real) {
        const auto depth = static_cast<std::uint32_t>(rows.depth);
        lanes.set(lane, o, from.bias, input_zero * (weight_sum - depth * filter_zero), q);
      }
    }
    lanes.template store<R>(is_short, at);
  }
  head[0] = static_cast<std::byte>(is_short);
  head[1] = static_cast<std::byte>(has_lowest);
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
