// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/neon_tile.hpp
/// What tiles of rows times a block of 8 filters share on Advanced SIMD: their operands, loads that never read behind a
/// row, sums of rows, and the output stage.
///
/// Sums lie in memory between dot products and output stage: they are in the nearest cache, one output stage serves
/// every kind of dot product, and the processor overlaps it with the next tile's.
#pragma once

#include <kinglet/kernels/pointwise/neon_pack.hpp>

#if KINGLET_HAS_NEON

#include <cstring>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows and one block of filters.
struct NeonOperands {
  const std::uint8_t* rows;  ///< of int8 or uint8
  std::ptrdiff_t row_stride;
  index_t depth;
  bool has_lowest;  ///< some weight is -128
  const std::int32_t* bias;
  const std::int8_t* weights;
};

/// Up to 8 bytes as a number, zeros behind them: ends of rows. Parts of them may be read twice.
inline std::uint64_t load_up_to_8(const std::uint8_t* from, index_t count) noexcept {
  const auto part = [&]<class U>(U) KINGLET_INLINE_LAMBDA {
    constexpr auto size = static_cast<index_t>(sizeof(U));
    U first;
    U last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + count - size, sizeof last);
    return std::uint64_t{first} | std::uint64_t{last} << (8 * (count - size));
  };
  if (count >= 8) {
    std::uint64_t all;
    std::memcpy(&all, from, sizeof all);
    return all;
  }
  return count >= 4 ? part(std::uint32_t{}) : count >= 2 ? part(std::uint16_t{}) : count == 1 ? *from : 0;
}

/// Instructions stay on their side of it. gcc would bring the loads of a whole tile forward, for which registers must then
/// be stored.
KINGLET_ALWAYS_INLINE void in_order() noexcept {
#if defined(__GNUC__) && !defined(__clang__)
  asm volatile("");
#endif
}

/// Activations as signed bytes.
template <bool Signed>
KINGLET_ALWAYS_INLINE int8x16_t signed_bytes(uint8x16_t x) noexcept {
  return vreinterpretq_s8_u8(Signed ? x : veorq_u8(x, vdupq_n_u8(128)));
}
template <bool Signed>
KINGLET_ALWAYS_INLINE int8x8_t signed_bytes(uint8x8_t x) noexcept {
  return vreinterpret_s8_u8(Signed ? x : veor_u8(x, vdup_n_u8(128)));
}

/// A tile's rows, 16 or 8 bytes at a time. What is behind their ends is loaded first, while registers are free.
template <index_t Rows, bool Signed>
class NeonTileRows {
 public:
  const index_t rest;  ///< depth % 8

  explicit NeonTileRows(const NeonOperands& in) noexcept : rest(in.depth % 8) {
    for (index_t m = 0; m < Rows; ++m) {
      row_[m] = in.rows + m * in.row_stride;
      last_[m] = rest == 0 ? 0 : load_up_to_8(row_[m] + in.depth - rest, rest);
    }
  }
  [[nodiscard]] KINGLET_ALWAYS_INLINE int8x16_t sixteen(index_t m, index_t k) const noexcept {
    return signed_bytes<Signed>(vld1q_u8(row_[m] + k));
  }
  [[nodiscard]] KINGLET_ALWAYS_INLINE int8x8_t eight(index_t m, index_t k) const noexcept {
    return signed_bytes<Signed>(vld1_u8(row_[m] + k));
  }
  /// The last `rest` ones. What follows them does not matter, as weights are 0 there.
  [[nodiscard]] KINGLET_ALWAYS_INLINE int8x8_t last(index_t m) const noexcept {
    return signed_bytes<Signed>(vcreate_u8(last_[m]));
  }

 private:
  const std::uint8_t* row_[Rows];
  std::uint64_t last_[Rows];
};

/// sums[m * 8 + lane] += factor (sum u - 128 depth), u: the unsigned bytes of row m.
inline void add_row_sums(const NeonOperands& in, index_t rows, std::int32_t factor,
                         std::int32_t* sums) noexcept {
  for (index_t m = 0; m < rows; ++m, sums += neon_lanes) {
    const std::uint8_t* row = in.rows + m * in.row_stride;
    uint32x4_t sum = vdupq_n_u32(0);
    index_t k = 0;
    for (; k + 16 <= in.depth; k += 16) {
      sum = vpadalq_u16(sum, vpaddlq_u8(vld1q_u8(row + k)));
    }
    std::uint32_t total = vaddvq_u32(sum) - 128U * static_cast<std::uint32_t>(in.depth);
    for (; k < in.depth; ++k) {
      total += row[k];
    }
    const int32x4_t offset =
        vdupq_n_s32(static_cast<std::int32_t>(static_cast<std::uint32_t>(factor) * total));
    vst1q_s32(sums, vaddq_s32(vld1q_s32(sums), offset));
    vst1q_s32(sums + 4, vaddq_s32(vld1q_s32(sums + 4), offset));
  }
}

/// clamp(sums scaled + zero_point) as bytes, 8 of a row at a time. |y| is at most 2^30 on the short way, and narrowing
/// saturates: the zero point can be added to 16 bits. On the longer way y + zero point wraps as in OutputStage.
template <isa::NeonRounding How, bool Short, class T>
KINGLET_NOINLINE void finish_neon(const TileOutput<T>& out, const isa::RequantizeBlock4* constants,
                                  const std::int32_t* sums) noexcept {
  const isa::Requantize4<How, Short> low(constants[0]);
  const isa::Requantize4<How, Short> high(constants[1]);
  const int32x4_t zero_point = vdupq_n_s32(out.stage->zero_point);
  const int16x8_t narrow_zero_point = vdupq_n_s16(static_cast<std::int16_t>(out.stage->zero_point));
  const auto scaled = [&](const auto& stage, const std::int32_t* from) KINGLET_INLINE_LAMBDA {
    const int32x4_t y = stage(vld1q_s32(from));
    return Short ? y : vaddq_s32(y, zero_point);
  };
  const bool whole = out.channels >= neon_lanes;
  T* to = out.rows;
  for (index_t m = 0; m < out.count; ++m, sums += neon_lanes, to += out.row_stride) {
    int16x8_t y = vqmovn_high_s32(vqmovn_s32(scaled(low, sums)), scaled(high, sums + 4));
    y = Short ? vqaddq_s16(y, narrow_zero_point) : y;
    T bytes[neon_lanes];
    T* const at = whole ? to : bytes;
    if constexpr (std::is_signed_v<T>) {
      const int8x8_t least = vdup_n_s8(static_cast<std::int8_t>(out.stage->min));
      const int8x8_t most = vdup_n_s8(static_cast<std::int8_t>(out.stage->max));
      vst1_s8(at, vmin_s8(vmax_s8(vqmovn_s16(y), least), most));
    } else {
      const uint8x8_t least = vdup_n_u8(static_cast<std::uint8_t>(out.stage->min));
      const uint8x8_t most = vdup_n_u8(static_cast<std::uint8_t>(out.stage->max));
      vst1_u8(at, vmin_u8(vmax_u8(vqmovun_s16(y), least), most));
    }
    if (!whole) {
      std::memcpy(to, bytes, static_cast<std::size_t>(out.channels));
    }
  }
}

template <Rounding R, class T>
void finish_tile(const Finish& how, const TileOutput<T>& out, const isa::RequantizeBlock4* constants,
                 const std::int32_t* sums) noexcept {
  constexpr auto below = isa::neon_rounding<R>(true);
  constexpr auto above = isa::neon_rounding<R>(false);
  if (how.is_short) {
    how.away ? finish_neon<below, true>(out, constants, sums)
             : finish_neon<above, true>(out, constants, sums);
  } else {
    how.away ? finish_neon<below, false>(out, constants, sums)
             : finish_neon<above, false>(out, constants, sums);
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
