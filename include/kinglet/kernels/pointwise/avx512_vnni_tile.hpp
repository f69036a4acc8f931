// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_tile.hpp
/// A few rows times one packed block of filters: dot products by vpdpbusd or vpdpwssd, whose sums stay in registers, then
/// the output stage. Those in single precision, and of 16-bit activations, take sums from registers too, and the processor
/// overlaps them with the next tile's dot products where these are many; else kernels/pointwise/avx512_vnni_overlapped.hpp
/// does. The one by integers takes sums from memory.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_output.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/unrolled.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows of a tile: as many as keep rows x vectors sums, the vectors' weights and one activation in 32 registers.
constexpr index_t tile_rows_for(index_t vectors) noexcept {
  return vectors == 1 ? 12 : vectors == 2 ? 8 : 6;
}

/// Rows and what they are multiplied with. Four bytes of a row are four unsigned activations, or two 16-bit ones.
struct TileInput {
  const std::uint8_t* rows;
  std::ptrdiff_t row_stride;  ///< bytes
  index_t segments;
  index_t quads;                  ///< whole groups of four bytes of a segment
  index_t rest;                   ///< bytes behind them: up to 3
  std::ptrdiff_t segment_stride;  ///< bytes
  PackedBlock block;
};

/// Unsigned activations of 8 bits, and signed weights.
struct ByteDots {
  static constexpr index_t group_bytes = 64;  ///< of a vector's weights for four bytes of a row

  KINGLET_ALWAYS_INLINE static __m512i load(const std::int8_t* weights) noexcept {
    return _mm512_load_si512(weights);
  }
  KINGLET_ALWAYS_INLINE static __m512i add(__m512i sum, __m512i u, __m512i w) noexcept {
    return _mm512_dpbusd_epi32(sum, u, w);
  }
};

/// Four neighbouring activations.
KINGLET_ALWAYS_INLINE std::int32_t load_quad(const std::uint8_t* at) noexcept {
  std::int32_t quad = 0;
  std::memcpy(&quad, at, sizeof quad);
  return quad;
}
/// The `count` < 4 that are left; never reads further.
KINGLET_ALWAYS_INLINE std::int32_t load_rest(const std::uint8_t* at, index_t count) noexcept {
  return at[0] | (count > 1 ? at[1] << 8 : 0) | (count > 2 ? at[2] << 16 : 0);
}

/// `tiles` times `Rows` rows.
/// @tparam Ending what becomes of the sums; its `Dots` say how they come about
///
/// The ending is copied here, a member at a time: a copy made by the caller would be read
/// whole right behind the stores of its members, for which processors wait.
template <index_t Rows, index_t Vectors, class Ending>
KINGLET_NOINLINE void run_tiles(const TileInput& in, const Ending& given, index_t tiles) noexcept {
  using Dots = typename Ending::Dots;
  Ending ending = given;
  const std::uint8_t* rows = in.rows;
  const std::ptrdiff_t stride = in.row_stride;
  for (index_t tile = 0; tile < tiles; ++tile, rows += Rows * stride) {
    __m512i sum[Rows][Vectors];
    unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
      const __m512i bias = _mm512_load_si512(in.block.bias<Vectors>() + v * PackedRows::lanes);
      unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA { sum[m][v] = bias; });
    });
    const auto multiply = [&](const std::int8_t* weights, const std::uint8_t* at,
                              auto load) KINGLET_INLINE_LAMBDA {
      __m512i w[Vectors];
      unrolled<Vectors>([&](auto v)
                            KINGLET_INLINE_LAMBDA { w[v] = Dots::load(weights + v * Dots::group_bytes); });
      // Two addresses, so that few multiples of the stride need a register.
      const std::uint8_t* const second = Rows > 6 ? at + Rows / 2 * stride : at;
      unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA {
        const std::uint8_t* const from =
            Rows > 6 && m >= Rows / 2 ? second + (m - Rows / 2) * stride : at + m * stride;
        const __m512i u = _mm512_set1_epi32(load(from));
        unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA { sum[m][v] = Dots::add(sum[m][v], u, w[v]); });
      });
    };
    const std::int8_t* weights = in.block.weights<Vectors>();
    const std::uint8_t* segment = rows;
    for (index_t s = in.segments; s > 0; --s, segment += in.segment_stride) {
      const std::uint8_t* at = segment;
      for (index_t k = in.quads; k > 0; --k, weights += Vectors * Dots::group_bytes, at += 4) {
        if constexpr (Rows == 1) {  // a weight is used once, and comes from afar: asked for a page ahead
          unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
            _mm_prefetch(reinterpret_cast<const char*>(weights) + 4096 + v * Dots::group_bytes, _MM_HINT_T0);
          });
        }
        multiply(weights, at, [](const std::uint8_t* p) KINGLET_INLINE_LAMBDA { return load_quad(p); });
      }
    }
    if (const index_t rest = in.rest; rest != 0) {
      multiply(weights, rows + in.quads * 4,
               [rest](const std::uint8_t* p) KINGLET_INLINE_LAMBDA { return load_rest(p, rest); });
    }
    unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA {
      unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
        __m512i settled = sum[m][v];  // a name of its own: else gcc may keep all sums in memory
        isa::settle(settled);
        sum[m][v] = settled;
      });
    });
    ending(sum);
  }
}

/// Sums are finished in registers.
/// @tparam Offsets rows have them
template <isa::FloatWay Way, bool Offsets>
struct FloatEnding {
  using Dots = ByteDots;
  /// Overlapped with the next tile's sums where that is faster: seldom worth code of its own for two products.
  template <index_t Vectors>
  static constexpr bool overlaps = Way != isa::FloatWay::two_products;
  static constexpr bool may_be_plain = !Offsets;  ///< unsigned weights go with unsigned activations
  PackedBlock block;
  ByteOutput out;                   ///< of the next row
  const std::int32_t* row_offsets;  ///< its

  void skip(index_t rows) noexcept {
    out.rows += rows * out.row_stride;
    row_offsets += Offsets ? rows : 0;
  }

  /// What all rows have in common.
  template <index_t Vectors>
  struct Constants {
    __m512 high[Vectors];

    /// @param in_registers there are some for it
    template <bool Settled>
    KINGLET_ALWAYS_INLINE Constants(const PackedBlock& block,
                                    std::bool_constant<Settled> /*in_registers*/) noexcept {
      unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
        high[v] = _mm512_load_ps(block.floats(v).high);
        if constexpr (Settled) {
          isa::settle(high[v]);
        }
      });
    }
  };

  /// The next row.
  template <bool Plain, index_t Vectors>
  KINGLET_ALWAYS_INLINE void finish(const __m512i (&sum)[Vectors],
                                    const Constants<Vectors>& constants) noexcept {
    const auto y = [&](index_t v) KINGLET_INLINE_LAMBDA {
      const __m512i x = Offsets ? _mm512_add_epi32(sum[v], _mm512_set1_epi32(*row_offsets)) : sum[v];
      return isa::requantize<Way>(x, block.floats(v), constants.high[v]);
    };
    const auto y01 = [&](index_t v) KINGLET_INLINE_LAMBDA { return _mm512_packs_epi32(y(v), y(v + 1)); };
    if constexpr (Vectors == 4) {
      out.template store_row<64, Plain>(_mm512_packs_epi16(y01(0), y01(2)));
    } else if constexpr (Vectors == 2) {
      out.template store_row<32, Plain>(_mm512_castsi256_si512(_mm512_cvtsepi16_epi8(y01(0))));
    } else {
      out.template store_row<16, Plain>(_mm512_castsi128_si512(_mm512_cvtsepi32_epi8(y(0))));
    }
    skip(1);
  }

  template <index_t Rows, index_t Vectors>
  KINGLET_ALWAYS_INLINE void operator()(const __m512i (&sum)[Rows][Vectors]) noexcept {
    const Constants<Vectors> constants(block, std::false_type{});
    unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA { finish<false>(sum[m], constants); });
  }
};

/// Sums are finished in memory, by integers.
struct IntegerEnding {
  using Dots = ByteDots;
  template <index_t Vectors>
  static constexpr bool overlaps = false;
  PackedBlock block;
  ByteOutput out;
  const std::int32_t* row_offsets;  ///< or null
  bool away;                        ///< double_rounding where negative outputs are kept

  void skip(index_t rows) noexcept {
    out.rows += rows * out.row_stride;
    row_offsets = row_offsets == nullptr ? nullptr : row_offsets + rows;
  }

  template <index_t Rows, index_t Vectors>
  KINGLET_ALWAYS_INLINE void operator()(const __m512i (&sum)[Rows][Vectors]) noexcept {
    alignas(64) std::int32_t sums[Rows * Vectors * PackedRows::lanes];
    unrolled<Rows>([&](auto m) KINGLET_INLINE_LAMBDA {
      const __m512i offset = _mm512_set1_epi32(row_offsets == nullptr ? 0 : row_offsets[m]);
      unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
        _mm512_store_si512(sums + (m * Vectors + v) * PackedRows::lanes, _mm512_add_epi32(sum[m][v], offset));
      });
    });
    finish_rows<Vectors>({block, away, Rows}, out, sums);
    skip(Rows);
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
