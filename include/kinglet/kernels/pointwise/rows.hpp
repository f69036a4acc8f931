// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/rows.hpp
/// What kernels on packed filters share, whatever the target's layout: rows of activations, filters to pack, and the
/// packed memory's first aligned byte.
#pragma once

#include <kinglet/core/bytes.hpp>
#include <kinglet/kernels/convolution.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows that lie one after another, `stride` elements apart, and where their outputs go.
template <class T>
struct RowRun {
  const T* rows;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t count;
  T* output;
  std::ptrdiff_t output_stride;
};

/// What is packed: filters of `depth` elements, one after another.
template <class W, class Bias = std::int32_t>
struct RowFilters {
  const W* filter;
  const Bias* bias;  ///< or null
};

/// Subtracted from bytes of type E to make them signed.
template <class E>
inline constexpr std::int32_t to_signed_byte = std::is_signed_v<E> ? 0 : 128;

/// A target's engines: for 8-bit and for 16-bit activations T; void where it has none.
template <class T, class Engine, class Engine16>
using engine_for = std::conditional_t<sizeof(T) == 1, Engine, Engine16>;

/// Alignment of packed filters and of scratch memory, which are given with room for it.
inline constexpr std::size_t packed_alignment = 64;

/// The first aligned byte. While compiling, addresses have no numbers: constant objects are aligned themselves.
constexpr std::size_t aligned_offset(const std::byte* memory) noexcept {
  if (std::is_constant_evaluated()) {
    return 0;
  }
  return (packed_alignment - std::bit_cast<std::uintptr_t>(memory) % packed_alignment) % packed_alignment;
}

/// Every multiplier of the layer is below one half: the vector output stages then have a shorter way.
constexpr bool short_way(const OutputStage& stage, index_t channels) noexcept {
  for (index_t o = 0; o < channels; ++o) {
    if (stage.multiplier[o].shift > -1) {
      return false;
    }
  }
  return true;
}

/// The largest |sum (x - zi)(w - zw)| of so many products of 8-bit activations with weights W.
template <class W>
constexpr std::int64_t largest_sum(std::int64_t products) noexcept {
  return products * 255 * (std::is_signed_v<W> ? 128 : 255);
}

/// Which variant of a vector output stage a layer takes.
struct Finish {
  bool away;  ///< double_rounding where negative outputs are kept
  bool is_short;
  bool is_float = false;      ///< in single precision, whether short or not
  bool two_products = false;  ///< which takes two: isa::FloatWay

  template <Rounding R>
  static constexpr Finish of(const OutputStage& stage, bool is_short) noexcept {
    return {std::same_as<R, double_rounding> && stage.min < stage.zero_point, is_short};
  }
};

/// Where a tile's outputs go.
template <class T>
struct TileOutput {
  T* rows;
  std::ptrdiff_t row_stride;  ///< elements
  index_t count;              ///< rows
  index_t channels;           ///< valid ones of the block
  const OutputStage* stage;
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
