// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/pairs_tile.hpp
/// A few rows of 16-bit numbers times one block of filters: dot products of pairs (pmaddwd), all of them exact, then
/// the output stage. `Lanes` is one of isa/lanes_*.hpp.
///
/// Both halves are functions of their own with sums in memory between them: the sums are in the nearest cache, and the
/// processor overlaps one tile's output stage with the next one's dot products.
#pragma once

#include <array>
#include <cstring>
#include <kinglet/kernels/pointwise/pairs_pack.hpp>
#include <utility>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows of a tile: as many as keep all sums in registers, and their loops short enough to be unrolled
/// (KINGLET_UNROLL).
template <class Lanes, index_t Vectors>
inline constexpr index_t pair_tile_rows = std::min(Lanes::sums / Vectors, 12);

/// Rows and filters of one block.
/// @tparam Weights int16: widened, less their zero point; int8: as they are packed; uint8: so too, with a zero point
template <class Weights>
struct PairTile {
  using weight_type = std::conditional_t<sizeof(Weights) == 2, std::int16_t, std::int8_t>;
  const std::int16_t* rows;
  std::ptrdiff_t row_stride;  ///< elements
  const weight_type* weights;
  const std::int32_t* bias;
  index_t pairs;
  std::int32_t zero_point;

  template <class Lanes, index_t Vectors>
  static constexpr index_t rows_of = pair_tile_rows<Lanes, Vectors>;

  void advance(index_t count) noexcept { rows += count * row_stride; }
};

/// Two neighbouring numbers in all lanes.
template <class Lanes>
KINGLET_ALWAYS_INLINE auto broadcast_pair(const std::int16_t* at) noexcept {
  std::int32_t pair;
  std::memcpy(&pair, at, sizeof pair);
  return Lanes::set32(pair);
}

/// sums[(m * Vectors + v) * lanes + lane] = bias + sum x w.
template <class Lanes, index_t Rows, index_t Vectors, class Weights>
KINGLET_NOINLINE void dot_tile_of(const PairTile<Weights>& in, std::int32_t* sums) noexcept {
  using Register = typename Lanes::Register;
  constexpr index_t lanes = Lanes::count;
  Register sum[Rows][Vectors];
  const std::int16_t* row[Rows];
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    row[m] = in.rows + m * in.row_stride;
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      sum[m][v] = Lanes::load(in.bias + v * lanes);
    }
  }
  const auto* weights = in.weights;
  const Register zero = Lanes::set16(in.zero_point);
  const std::ptrdiff_t end = std::ptrdiff_t{in.pairs} * 2;
  for (std::ptrdiff_t k = 0; k < end; k += 2, weights += Vectors * lanes * 2) {
    Register w[Vectors];
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      w[v] = Lanes::load_wide(weights + v * lanes * 2);
      if constexpr (std::is_unsigned_v<Weights>) {
        w[v] = Lanes::subtract16(w[v], zero);
      }
    }
    KINGLET_UNROLL
    for (index_t m = 0; m < Rows; ++m) {
      const Register x = broadcast_pair<Lanes>(row[m] + k);
      KINGLET_UNROLL
      for (index_t v = 0; v < Vectors; ++v) {
        sum[m][v] = Lanes::multiply_add(sum[m][v], x, w[v]);
      }
    }
  }
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      Lanes::store(sums + (m * Vectors + v) * lanes, sum[m][v]);
    }
  }
}

/// 12, 6 or 8, 4, 2, 1: what is left of an image row is one, two or three tiles.
constexpr index_t smaller_tile_rows(index_t rows) noexcept {
  return rows > 4 && rows <= 8 ? 4 : rows / 2;
}

/// As many of `rows` as one tile of some size has. @return that size
/// @tparam Tile PairTile, or another with a `dot_tile_of`
template <class Lanes, index_t Vectors, class Tile, index_t Rows = Tile::template rows_of<Lanes, Vectors>>
index_t dot_rows(index_t rows, const Tile& in, std::int32_t* sums) noexcept {
  if constexpr (Rows > 1) {
    if (rows < Rows) {
      return dot_rows<Lanes, Vectors, Tile, smaller_tile_rows(Rows)>(rows, in, sums);
    }
  }
  dot_tile_of<Lanes, Rows, Vectors>(in, sums);
  return Rows;
}

/// Vectors of sums that become one vector of elements.
template <class T>
inline constexpr index_t narrowed_vectors = 4 / static_cast<index_t>(sizeof(T));

/// A tile's outputs, `narrowed_vectors` of sums at a time. @param elements (sums): these as one vector of elements
template <class Lanes, index_t Vectors, class T>
KINGLET_ALWAYS_INLINE void store_elements(const TileOutput<T>& out, const std::int32_t* sums,
                                          const auto& elements) noexcept {
  constexpr index_t rows = narrowed_vectors<T> / Vectors;
  constexpr index_t width = Vectors * Lanes::count;
  T* to = out.rows;
  for (index_t m = 0; m < out.count; m += rows, sums += narrowed_vectors<T> * Lanes::count) {
    const typename Lanes::Register narrowed = elements(sums);
    if (m + rows <= out.count && out.channels >= width) {
      Lanes::template store_parts<rows>(reinterpret_cast<std::byte*>(to),
                                        out.row_stride * static_cast<std::ptrdiff_t>(sizeof(T)), narrowed);
      to += rows * out.row_stride;
    } else {
      alignas(64) T whole[narrowed_vectors<T> * Lanes::count];
      Lanes::store(whole, narrowed);
      const auto bytes = static_cast<std::size_t>(std::min(out.channels, width)) * sizeof(T);
      for (index_t i = 0; i < std::min(rows, out.count - m); ++i, to += out.row_stride) {
        std::memcpy(to, whole + i * width, bytes);
      }
    }
  }
}

/// `Vectors` of what is made of a vector's constants.
template <class Stage, index_t Vectors>
KINGLET_ALWAYS_INLINE auto stages_of(const auto& constants) noexcept {
  return [&]<std::size_t... V>(std::index_sequence<V...>) KINGLET_INLINE_LAMBDA {
    return std::array<Stage, sizeof...(V)>{Stage(constants(V))...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(Vectors)>{});
}

/// clamp(sums scaled + zero_point) as elements. @param sums room for a multiple of 4 vectors
template <class Lanes, index_t Vectors, bool Away, bool Short, class T>
KINGLET_NOINLINE void finish_pairs(const TileOutput<T>& out, const typename Lanes::Constants* constants,
                                   const std::int32_t* sums) noexcept {
  using Register = typename Lanes::Register;
  const auto stages =
      stages_of<typename Lanes::template Requantize<Away, Short>, Vectors>([constants](std::size_t v)
                                                                               KINGLET_INLINE_LAMBDA
                                                                           -> const auto& {
                                                                                 return constants[v];
                                                                               });
  // |y| is at most 2^30 on the short way, and narrowing to 16 bits saturates: a byte's zero point can be added to
  // these. Otherwise y + zero point wraps as in OutputStage.
  constexpr bool add_narrow = Short && sizeof(T) == 1;
  const OutputStage& stage = *out.stage;
  const Register zero_point = add_narrow ? Lanes::set16(stage.zero_point) : Lanes::set32(stage.zero_point);
  const auto least = static_cast<T>(stage.min);
  const auto most = static_cast<T>(stage.max);
  store_elements<Lanes, Vectors>(out, sums, [&](const std::int32_t* at) KINGLET_INLINE_LAMBDA {
    const auto scaled = [&](index_t i) KINGLET_INLINE_LAMBDA {
      const Register y = stages[static_cast<std::size_t>(i % Vectors)](Lanes::load(at + i * Lanes::count));
      return add_narrow ? y : Lanes::add32(y, zero_point);
    };
    const auto packed = [&](index_t i) KINGLET_INLINE_LAMBDA {
      const Register y = Lanes::pack32(scaled(i), scaled(i + 1));
      return add_narrow ? Lanes::add_saturating16(y, zero_point) : y;
    };
    if constexpr (sizeof(T) == 1) {
      return Lanes::template narrow8<T>(packed(0), packed(2), least, most);
    } else {
      return Lanes::narrow16(packed(0), least, most);
    }
  });
}

/// The same in single precision, while Lanes::Rounding lives. @param constants Lanes::Floats at the start of each
template <class Lanes, index_t Vectors, isa::FloatWay Way, class T>
KINGLET_NOINLINE void finish_floats(const TileOutput<T>& out, const typename Lanes::Constants* constants,
                                    const std::int32_t* sums) noexcept {
  const auto stages = stages_of<typename Lanes::template RequantizeFloat<Way>,
                                Vectors>([constants](std::size_t v) KINGLET_INLINE_LAMBDA -> const auto& {
    return *reinterpret_cast<const typename Lanes::Floats*>(constants + v);
  });
  const auto least = static_cast<T>(out.stage->min);
  const auto most = static_cast<T>(out.stage->max);
  store_elements<Lanes, Vectors>(out, sums, [&](const std::int32_t* at) KINGLET_INLINE_LAMBDA {
    const auto scaled = [&](index_t i) KINGLET_INLINE_LAMBDA {
      return stages[static_cast<std::size_t>(i % Vectors)](Lanes::load(at + i * Lanes::count));
    };
    return Lanes::template narrow8<T>(Lanes::pack32(scaled(0), scaled(1)),
                                      Lanes::pack32(scaled(2), scaled(3)), least, most);
  });
}

/// To be called while Lanes::Rounding lives.
template <class Lanes, index_t Vectors, class T>
void finish_tile(const Finish& how, const TileOutput<T>& out, const typename Lanes::Constants* constants,
                 const std::int32_t* sums) noexcept {
  if constexpr (takes_floats<Lanes, T>) {
    if (how.is_float) {
      using isa::FloatWay;
      how.two_products ? finish_floats<Lanes, Vectors, FloatWay::two_products>(out, constants, sums)
      : how.away       ? finish_floats<Lanes, Vectors, FloatWay::one_product_away>(out, constants, sums)
                       : finish_floats<Lanes, Vectors, FloatWay::one_product>(out, constants, sums);
      return;
    }
  }
  if (how.is_short) {
    how.away ? finish_pairs<Lanes, Vectors, true, true>(out, constants, sums)
             : finish_pairs<Lanes, Vectors, false, true>(out, constants, sums);
  } else {
    how.away ? finish_pairs<Lanes, Vectors, true, false>(out, constants, sums)
             : finish_pairs<Lanes, Vectors, false, false>(out, constants, sums);
  }
}

/// A chunk of rows with one block; `out` has all of them. A few tiles wait for their output stage together.
///
/// Inlined, as a call would write its arguments by members and read them whole right behind that, for which processors
/// wait.
template <class Lanes, index_t Vectors, class T, class Tile>
KINGLET_ALWAYS_INLINE void multiply_block(const Finish& how, Tile tile, TileOutput<T> out,
                                          const typename Lanes::Constants* constants) noexcept {
  constexpr index_t batch = 4 * Tile::template rows_of<Lanes, Vectors>;
  // Tiles fill no multiple of 4 vectors: the rest is read and not used.
  alignas(64) std::int32_t sums[(batch * Vectors + 2) * Lanes::count];
  for (index_t left = out.count; left > 0; left -= batch) {
    out.count = std::min(left, batch);
    for (index_t m = 0; m < out.count;) {
      const index_t taken = dot_rows<Lanes, Vectors>(out.count - m, tile, sums + m * Vectors * Lanes::count);
      tile.advance(taken);
      m += taken;
    }
    finish_tile<Lanes, Vectors>(how, out, constants, sums);
    out.rows += batch * out.row_stride;
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
