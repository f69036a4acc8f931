// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_halves.hpp
/// Blocks of filters whose last vector has 8 channels or fewer (`PackedBlock::halves`): its halves hold the same channels
/// and take two rows at once, so that 24 filters cost 3 dot products for two rows instead of 4, and 8 cost 1 instead of 2.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni_blocks.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// One row's vector in the lower lanes, another's in the upper ones.
KINGLET_ALWAYS_INLINE __m512i halves_of(__m512i lower, __m512i upper) noexcept {
  return _mm512_mask_blend_epi32(0xff00, lower, upper);
}

/// Sums of two rows with a block of `Vectors` vectors.
template <index_t Vectors>
struct PairSums {
  __m512i whole[2];  ///< of each row: the first of two vectors
  __m512i halves;    ///< of both: the last vector
};

/// What becomes of two rows' sums. @tparam Offsets rows have them
template <isa::FloatWay Way, bool Offsets>
struct PairEnding {
  PackedBlock block;
  ByteOutput out;                   ///< of the next row
  const std::int32_t* row_offsets;  ///< its
  bool has_second = true;           ///< there is another row behind it

  template <index_t Vectors>
  KINGLET_ALWAYS_INLINE void operator()(const PairSums<Vectors>& sums) noexcept {
    __m512i first = _mm512_setzero_si512();
    __m512i second = first;
    if constexpr (Offsets) {
      first = _mm512_set1_epi32(row_offsets[0]);
      second = _mm512_set1_epi32(row_offsets[has_second ? 1 : 0]);
    }
    const auto bytes = [&](__m512i sum, __m512i offset, index_t v) KINGLET_INLINE_LAMBDA {
      const isa::FloatBlock16& constants = block.floats(v);
      const __m512i x = Offsets ? _mm512_add_epi32(sum, offset) : sum;
      return _mm512_cvtsepi32_epi8(isa::requantize<Way>(x, constants, _mm512_load_ps(constants.high)));
    };
    const __m128i halves = bytes(sums.halves, halves_of(first, second), Vectors - 1);
    if constexpr (Vectors == 2) {
      store(0, bytes(sums.whole[0], first, 0), halves);
      if (has_second) {
        store(1, bytes(sums.whole[1], second, 0), _mm_unpackhi_epi64(halves, halves));
      }
    } else {
      store(0, halves);
      if (has_second) {
        store(1, _mm_unpackhi_epi64(halves, halves));
      }
    }
    skip(2);
  }

  void skip(index_t rows) noexcept {
    out.rows += rows * out.row_stride;
    row_offsets += Offsets ? rows : 0;
  }

 private:
  /// The last channels of a row, in the lower half. @param at the first of them
  KINGLET_ALWAYS_INLINE void store_last(std::uint8_t* to, __m128i half, index_t at) const noexcept {
    if (out.is_plain) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to + at), narrowed(half));
    } else {
      const auto mask = static_cast<__mmask16>((1U << (out.channels - at)) - 1U);
      _mm_mask_storeu_epi8(to + at, mask, narrowed(half));
    }
  }
  KINGLET_ALWAYS_INLINE void store(index_t row, __m128i half) const noexcept {
    store_last(out.rows + row * out.row_stride, half, 0);
  }
  KINGLET_ALWAYS_INLINE void store(index_t row, __m128i whole, __m128i half) const noexcept {
    std::uint8_t* const to = out.rows + row * out.row_stride;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrowed(whole));
    store_last(to, half, PackedRows::lanes);
  }
  KINGLET_ALWAYS_INLINE __m128i narrowed(__m128i bytes) const noexcept {
    const __m512i given = _mm512_castsi128_si512(bytes);
    const Narrowing& narrowing = *out.narrowing;
    return _mm512_castsi512_si128(out.is_plain ? narrowing.unclamped(given) : narrowing.clamp(given));
  }
};

/// Has an address in one register from here on: compilers would keep its distances from all others.
KINGLET_ALWAYS_INLINE void keep(auto*& address) noexcept {
#if defined(__GNUC__)
  asm("" : "+r"(address));
#else
  static_cast<void>(address);
#endif
}

/// `tiles` times `Pairs` pairs of rows.
template <index_t Pairs, index_t Vectors, class Ending>
KINGLET_NOINLINE void run_pairs(const TileInput& in, const Ending& given, index_t tiles) noexcept {
  Ending ending = given;  // a member at a time: see run_tiles
  const std::uint8_t* rows = in.rows;
  const std::ptrdiff_t stride = in.row_stride;
  for (index_t tile = 0; tile < tiles; ++tile, rows += 2 * Pairs * stride) {
    PairSums<Vectors> sum[Pairs];
    const auto bias = [&](index_t v) KINGLET_INLINE_LAMBDA {
      return _mm512_load_si512(in.block.bias<Vectors>() + v * PackedRows::lanes);
    };
    unrolled<Pairs>([&](auto p) KINGLET_INLINE_LAMBDA {
      sum[p].halves = bias(Vectors - 1);
      if constexpr (Vectors == 2) {
        sum[p].whole[0] = sum[p].whole[1] = bias(0);
      }
    });
    const auto multiply = [&](const std::int8_t* weights, const std::uint8_t* at,
                              auto load) KINGLET_INLINE_LAMBDA {
      const __m512i last = ByteDots::load(weights + (Vectors - 1) * ByteDots::group_bytes);
      const __m512i whole = ByteDots::load(weights);
      const std::uint8_t* four = at;  // rows: of their addresses, few are kept
      unrolled<Pairs>([&](auto p) KINGLET_INLINE_LAMBDA {
        if (p > 0 && p % 2 == 0) {
          four += 4 * stride;
          keep(four);
        }
        const std::uint8_t* const pair = four + p % 2 * 2 * stride;
        const __m512i first = _mm512_set1_epi32(load(pair));
        const __m512i second = _mm512_set1_epi32(load(pair + stride));
        if constexpr (Vectors == 2) {
          sum[p].whole[0] = ByteDots::add(sum[p].whole[0], first, whole);
          sum[p].whole[1] = ByteDots::add(sum[p].whole[1], second, whole);
        }
        sum[p].halves = ByteDots::add(sum[p].halves, halves_of(first, second), last);
      });
    };
    const std::int8_t* weights = in.block.weights<Vectors>();
    const std::uint8_t* segment = rows;
    for (index_t s = in.segments; s > 0; --s, segment += in.segment_stride) {
      const std::uint8_t* at = segment;
      for (index_t k = in.quads; k > 0; --k, weights += Vectors * ByteDots::group_bytes, at += 4) {
        if constexpr (Pairs == 1) {  // see run_tiles
          unrolled<Vectors>([&](auto v) KINGLET_INLINE_LAMBDA {
            _mm_prefetch(reinterpret_cast<const char*>(weights) + 4096 + v * ByteDots::group_bytes,
                         _MM_HINT_T0);
          });
        }
        multiply(weights, at, [](const std::uint8_t* p) KINGLET_INLINE_LAMBDA { return load_quad(p); });
      }
    }
    if (const index_t rest = in.rest; rest != 0) {
      multiply(weights, rows + in.quads * 4,
               [rest](const std::uint8_t* p) KINGLET_INLINE_LAMBDA { return load_rest(p, rest); });
    }
    unrolled<Pairs>([&](auto p) KINGLET_INLINE_LAMBDA {
      PairSums<Vectors> settled{};  // see run_tiles
      settled.halves = sum[p].halves;
      isa::settle(settled.halves);
      if constexpr (Vectors == 2) {
        settled.whole[0] = sum[p].whole[0];
        settled.whole[1] = sum[p].whole[1];
        isa::settle(settled.whole[0]);
        isa::settle(settled.whole[1]);
      }
      ending(settled);
      keep(ending.out.rows);
    });
  }
}

namespace detail {

template <index_t Pairs, index_t Vectors, class Ending>
index_t advance_pairs(TileInput& in, Ending& ending, index_t count) noexcept {
  const index_t tiles = count / (2 * Pairs);
  if (tiles > 0) {
    run_pairs<Pairs, Vectors>(in, ending, tiles);
    in.rows += std::ptrdiff_t{tiles} * 2 * Pairs * in.row_stride;
    ending.skip(tiles * 2 * Pairs);
  }
  return count - tiles * 2 * Pairs;
}

template <index_t Vectors, class Ending>
void run_halves(TileInput& in, Ending ending, index_t count) noexcept {
  count = advance_pairs<8, Vectors>(in, ending, count);
  count = advance_pairs<4, Vectors>(in, ending, count);
  count = advance_pairs<2, Vectors>(in, ending, count);
  count = advance_pairs<1, Vectors>(in, ending, count);
  if (count > 0) {
    in.row_stride = 0;  // the row is its own second
    ending.has_second = false;
    run_pairs<1, Vectors>(in, ending, 1);
  }
}

}  // namespace detail

/// All rows with a block that `halves`.
template <index_t Vectors, bool Offsets>
void run_halves(TileInput& in, const ByteOutput& out, const ByteRows& rows) noexcept {
  using isa::FloatWay;
  const std::int32_t* const offsets = Offsets ? rows.row_offsets : nullptr;
  if (in.block.scaling() == Scaling::one_product) {
    detail::run_halves<Vectors>(in, PairEnding<FloatWay::one_product, Offsets>{in.block, out, offsets},
                                rows.count);
  } else {
    detail::run_halves<Vectors>(in, PairEnding<FloatWay::one_product_away, Offsets>{in.block, out, offsets},
                                rows.count);
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
