// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/crossed.hpp
/// 8-bit rows times filters with half the multiplications (S. Winograd, "A New Algorithm for Inner Product", 1968):
///   x0 w0 + x1 w1 = (x0 + w1)(x1 + w0) - x0 x1 - w0 w1
/// Sums of x0 x1 belong to a row, sums of w0 w1 to a filter: both are taken once, while rows and filters are widened. In
/// 16 bits the additions are exact, in 32 bits everything is modulo 2^32. Where multiplications are what a processor has
/// least of, dot products become a tenth faster; rows must meet enough filters to make up for their own sums.
///
/// A group has four numbers. Rows: (x0, x2), (x1, x3), 16 bits each. Filters: (w1, w3) in the lanes of each vector, then
/// (w0, w2) in the lanes of each vector.
#pragma once

#include <kinglet/kernels/pointwise/pairs_tile.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

struct CrossedTile {
  /// 8 sums, 4 vectors of weights, 2 of activations and a product fit 16 registers.
  template <class Lanes, index_t Vectors>
  static constexpr index_t rows_of = 8 / Vectors;

  const std::int16_t* rows;
  std::ptrdiff_t row_stride;
  const std::int32_t* row_sums;  ///< of x0 x1
  const std::int16_t* weights;
  const std::int32_t* bias;  ///< less the sums of w0 w1
  index_t groups;

  void advance(index_t count) noexcept {
    rows += count * row_stride;
    row_sums += count;
  }
};

/// sums[(m * Vectors + v) * lanes + lane] = bias - row sum + sum (x0 + w1)(x1 + w0).
template <class Lanes, index_t Rows, index_t Vectors>
KINGLET_NOINLINE void dot_tile_of(const CrossedTile& in, std::int32_t* sums) noexcept {
  using Register = typename Lanes::Register;
  constexpr index_t lanes = Lanes::count;
  Register sum[Rows][Vectors];
  const std::int16_t* row[Rows];
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    row[m] = in.rows + m * in.row_stride;
    const Register row_sum = Lanes::set32(in.row_sums[m]);
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      sum[m][v] = Lanes::subtract32(Lanes::load(in.bias + v * lanes), row_sum);
    }
  }
  const std::int16_t* weights = in.weights;
  const std::ptrdiff_t end = std::ptrdiff_t{in.groups} * 4;
  for (std::ptrdiff_t k = 0; k < end; k += 4, weights += Vectors * lanes * 4) {
    Register odd[Vectors];
    Register even[Vectors];
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      odd[v] = Lanes::load(weights + v * lanes * 2);
      even[v] = Lanes::load(weights + (Vectors + v) * lanes * 2);
    }
    KINGLET_UNROLL
    for (index_t m = 0; m < Rows; ++m) {
      const Register x_even = broadcast_pair<Lanes>(row[m] + k);
      const Register x_odd = broadcast_pair<Lanes>(row[m] + k + 2);
      KINGLET_UNROLL
      for (index_t v = 0; v < Vectors; ++v) {
        sum[m][v] =
            Lanes::multiply_add(sum[m][v], Lanes::add16(x_even, odd[v]), Lanes::add16(x_odd, even[v]));
      }
      KINGLET_KEEP_ORDER();  // else gcc loads the next rows early and has no registers left for sums
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

namespace detail {

/// `depth` numbers and zeros up to whole groups, crossed. @return the sum of x0 x1, modulo 2^32
template <class Lanes, class T>
inline std::int32_t cross_row(const T* from, index_t depth, std::int16_t* to) noexcept {
  constexpr index_t step = Lanes::count * 2;
  auto sum = Lanes::set32(0);
  const auto cross = [&](auto x, index_t k) KINGLET_INLINE_LAMBDA {
    const auto crossed = Lanes::swap_middles16(x);
    sum = Lanes::multiply_add(sum, crossed, Lanes::swap32(crossed));  // every product twice
    std::memcpy(to + k, &crossed, sizeof crossed);
  };
  index_t k = 0;
  for (; k + step <= depth; k += step) {
    cross(Lanes::load_wide(from + k), k);
  }
  alignas(64) std::int32_t lanes[Lanes::count];
  Lanes::store(lanes, sum);
  std::uint32_t twice = 0;
  for (const std::int32_t lane : lanes) {
    twice += static_cast<std::uint32_t>(lane);
  }
  // |x0 x1| summed over less than 2^14 pairs twice stays within 32 bits, so that halving is exact.
  std::int32_t total = static_cast<std::int32_t>(twice) / 2;
  for (; k < depth; k += 4) {
    std::int16_t x[4] = {};
    for (index_t i = 0; i < std::min<index_t>(4, depth - k); ++i) {
      x[i] = from[k + i];
    }
    total += x[0] * x[1] + x[2] * x[3];
    const std::int16_t crossed[] = {x[0], x[2], x[1], x[3]};
    std::memcpy(to + k, crossed, sizeof crossed);
  }
  return total;
}

/// Packed pairs of weights, less their zero point, crossed; `bias` less the sums of w0 w1.
template <class Lanes, index_t Vectors>
inline void cross_weights(const PairBlock<Lanes>& block, index_t pairs, std::int32_t zero_point,
                          std::int16_t* to, std::int32_t* bias) noexcept {
  constexpr index_t step = Lanes::count * 2;
  const auto zero = Lanes::set16(zero_point);
  for (index_t v = 0; v < Vectors; ++v) {
    auto sum = Lanes::set32(0);
    const std::int8_t* from = block.weights + v * step;
    std::int16_t* crossed = to + v * step;
    for (index_t p = 0; p < pairs; p += 2, from += 2 * Vectors * step, crossed += 2 * Vectors * step) {
      const auto first = Lanes::subtract16(Lanes::load_wide(from), zero);
      const auto second =
          p + 1 < pairs ? Lanes::subtract16(Lanes::load_wide(from + Vectors * step), zero) : Lanes::set32(0);
      const auto odd = Lanes::high_halves(first, second);
      const auto even = Lanes::low_halves(first, second);
      sum = Lanes::multiply_add(sum, odd, even);
      Lanes::store(crossed, odd);
      Lanes::store(crossed + Vectors * step, even);
    }
    Lanes::store(bias + v * Lanes::count, Lanes::subtract32(Lanes::load(block.bias + v * Lanes::count), sum));
  }
}

}  // namespace detail

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
