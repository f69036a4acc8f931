// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/quads.hpp
/// Rows of int8 times packed filters by dot products of four bytes (vpdpbusd), which take the activations as they lie:
/// for each block of filters, a tile of rows at a time. Activations are made unsigned in registers, x + 128.
#pragma once

#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/packed.hpp>
#include <kinglet/kernels/pointwise/pairs_tile.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// Rows and filters of one block.
struct QuadTile {
  const std::int8_t* rows;
  std::ptrdiff_t row_stride;
  const std::int8_t* weights;
  const std::int32_t* bias;
  index_t depth;

  template <class Lanes, index_t Vectors>
  static constexpr index_t rows_of = pair_tile_rows<Lanes, Vectors>;

  void advance(index_t count) noexcept { rows += count * row_stride; }
};

/// sums[(m * Vectors + v) * lanes + lane] = bias + sum (x + 128) w.
template <class Lanes, index_t Rows, index_t Vectors>
KINGLET_NOINLINE void dot_tile_of(const QuadTile& in, std::int32_t* sums) noexcept {
  using Register = typename Lanes::Register;
  constexpr index_t lanes = Lanes::count;
  Register sum[Rows][Vectors];
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      sum[m][v] = Lanes::load(in.bias + v * lanes);
    }
  }
  const std::int8_t* weights = in.weights;
  // `load` reads the quad at an address.
  const auto multiply = [&](const std::int8_t* at, auto load) KINGLET_INLINE_LAMBDA {
    Register w[Vectors];
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v, weights += lanes * 4) {
      w[v] = Lanes::load(weights);
    }
    KINGLET_UNROLL
    for (index_t m = 0; m < Rows; ++m) {
      const Register u = Lanes::flip_signs(Lanes::set32(load(at + m * in.row_stride)));
      KINGLET_UNROLL
      for (index_t v = 0; v < Vectors; ++v) {
        sum[m][v] = Lanes::multiply_add_bytes(sum[m][v], u, w[v]);
      }
    }
  };
  const std::int8_t* at = in.rows;
  const std::int8_t* const end = at + in.depth / 4 * 4;
  for (; at < end; at += 4) {
    multiply(at, [](const std::int8_t* quad) KINGLET_INLINE_LAMBDA {
      std::int32_t x;
      std::memcpy(&x, quad, sizeof x);
      return x;
    });
  }
  if (const index_t rest = in.depth % 4; rest != 0) {
    multiply(at, [rest](const std::int8_t* quad) KINGLET_INLINE_LAMBDA {
      std::int32_t x = 0;
      std::memcpy(&x, quad, static_cast<std::size_t>(rest));
      return x;
    });
  }
  KINGLET_UNROLL
  for (index_t m = 0; m < Rows; ++m) {
    KINGLET_UNROLL
    for (index_t v = 0; v < Vectors; ++v) {
      Lanes::store(sums + (m * Vectors + v) * lanes, sum[m][v]);
    }
  }
}

/// The engine that kernels on packed rows are made of (kernels/pointwise/packed.hpp), for int8.
template <class Lanes>
struct QuadEngine : PairRows<Lanes, 4> {
  static constexpr std::string_view name = Lanes::name;
  using Layout = PairRows<Lanes, 4>;

  template <class>
  [[nodiscard]] constexpr std::size_t scratch_bytes(std::ptrdiff_t) const noexcept {
    return 0;
  }
  /// Whole tiles: the fewer, the longer they are.
  [[nodiscard]] constexpr index_t gathered_rows(std::ptrdiff_t /*rows*/) const noexcept {
    constexpr index_t tile = pair_tile_rows<Lanes, Layout::most_vectors>;
    return this->depth <= 128 ? 4 * tile : tile;
  }

  template <Rounding R, class T, class W>
  constexpr void pack(const RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_pairs<R, T>(static_cast<const Layout&>(*this), from, q, packed);
  }

  template <Rounding R, class T, class W>
  void multiply(const RowRun<T>& run, const ConvolutionQuantization& q,
                const KernelMemory& memory) const noexcept {
    static_assert(std::is_same_v<T, std::int8_t> && std::is_same_v<W, std::int8_t>);
    const std::byte* at = memory.packed + aligned_offset(memory.packed);
    const Finish how = PairHead::load(at).finish<R>(q.output);
    [[maybe_unused]] const typename Lanes::Rounding rounding(how.is_float);
    at += packed_alignment;
    constexpr index_t block_channels = Layout::most_vectors * Lanes::count;
    constexpr std::ptrdiff_t most_rows = std::ptrdiff_t{1} << 30;
    TileOutput<T> out{run.output, run.output_stride, 0, this->outputs, &q.output};
    for (index_t b = 0; b < this->blocks(); ++b) {
      const index_t vectors = this->vectors_of(b);
      const PairBlock<Lanes> block(at, vectors);
      T* const first = out.rows;
      QuadTile tile{run.rows, run.row_stride, block.weights, block.bias, this->depth};
      for (std::ptrdiff_t left = run.count; left > 0; left -= out.count) {
        out.count = static_cast<index_t>(std::min(left, most_rows));
        vectors == 2 ? multiply_block<Lanes, 2>(how, tile, out, block.stage)
                     : multiply_block<Lanes, 1>(how, tile, out, block.stage);
        tile.rows += std::ptrdiff_t{out.count} * run.row_stride;
        out.rows += std::ptrdiff_t{out.count} * run.output_stride;
      }
      at += this->bytes_of(vectors);
      out.rows = first + block_channels;
      out.channels -= block_channels;
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
