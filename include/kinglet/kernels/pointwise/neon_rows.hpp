// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/neon_rows.hpp
/// Rows times packed filters on Advanced SIMD:
///   for a chunk of rows, which stays in a near cache
///     for each block of 8 filters
///       for a tile of rows: dot products, output stage
/// A target's `Tile` is how dot products are made:
/// | member                        | what                                                                           |
/// |-------------------------------|--------------------------------------------------------------------------------|
/// | name                          | the target's                                                                   |
/// | group                         | bytes of a filter that lie together (kernels/pointwise/neon_pack.hpp)          |
/// | rows                          | of a whole tile                                                                |
/// | dot<Rows, Signed>(in, sums)   | sums[m * 8 + lane] = bias + sum x w, Rows: `rows` or 1                         |
#pragma once

#include <kinglet/kernels/pointwise/neon_tile.hpp>

#if KINGLET_HAS_NEON

#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// The engine that kernels on packed rows are made of (kernels/pointwise/packed.hpp).
template <class Tile>
struct NeonEngine : NeonRows<Tile::group> {
  using Layout = NeonRows<Tile::group>;
  static constexpr std::string_view name = Tile::name;

  template <class>
  [[nodiscard]] constexpr std::size_t scratch_bytes(std::ptrdiff_t) const noexcept {
    return 0;
  }
  /// Whole tiles of every kind; where that is much memory, one tile.
  [[nodiscard]] constexpr index_t gathered_rows(std::ptrdiff_t /*rows*/) const noexcept {
    return this->depth <= 256 ? 24 : 8;
  }

  template <Rounding R, class T, class W>
  constexpr void pack(const RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_neon<R, T, W, Tile::group>(*this, from, q, packed);
  }

  template <Rounding R, class T, class W>
  void multiply(const RowRun<T>& run, const ConvolutionQuantization& q,
                const KernelMemory& memory) const noexcept {
    const std::byte* const head = memory.packed + aligned_offset(memory.packed);
    const Layer layer{Finish::of<R>(q.output, head[0] != std::byte{0}), head[1] != std::byte{0},
                      std::is_signed_v<W> ? 0 : 128 - q.filter_zero_point, &q.output};
    const std::ptrdiff_t chunk = chunk_rows();
    for (std::ptrdiff_t first = 0; first < run.count; first += chunk) {
      const Range range{first, std::min(first + chunk, run.count)};
      const std::byte* at = head + packed_alignment;
      RowRun<T> block_run = run;
      for (index_t left = this->outputs; left > 0; left -= neon_lanes, at += this->block_bytes()) {
        run_block<R>(layer, block_run, range, NeonBlock(at), left);
        block_run.output += neon_lanes;
      }
    }
  }

 private:
  /// What all tiles of a layer share.
  struct Layer {
    Finish finish;
    bool has_lowest;
    std::int32_t row_factor;  ///< - zw: what a row's sum is multiplied by
    const OutputStage* stage;
  };
  struct Range {
    std::ptrdiff_t begin;
    std::ptrdiff_t end;
  };

  /// 64 rows, so that a block's weights are loaded for 8 tiles at least; up to 16 KiB of shorter ones.
  [[nodiscard]] constexpr std::ptrdiff_t chunk_rows() const noexcept {
    return std::max<std::ptrdiff_t>(64, 16384 / this->depth / 8 * 8);
  }

  /// A range of rows with one block. The run's last tile is moved back to be a whole one: rows it shares are computed
  /// twice, to the same result.
  template <Rounding R, class T>
  void run_block(const Layer& layer, const RowRun<T>& run, const Range& range, const NeonBlock& block,
                 index_t channels) const noexcept {
    constexpr index_t tile = Tile::rows;
    alignas(16) std::int32_t sums[tile * neon_lanes];
    const index_t step = run.count >= tile ? tile : 1;
    for (std::ptrdiff_t at = range.begin; at < range.end; at += step) {
      const std::ptrdiff_t first = std::min<std::ptrdiff_t>(at, run.count - step);
      const NeonOperands in{reinterpret_cast<const std::uint8_t*>(run.rows + first * run.row_stride),
                            run.row_stride,
                            this->depth,
                            layer.has_lowest,
                            block.bias,
                            block.weights};
      if (step == 1) {
        Tile::template dot<1, std::is_signed_v<T>>(in, sums);
      } else {
        Tile::template dot<tile, std::is_signed_v<T>>(in, sums);
      }
      if (layer.row_factor != 0) {
        add_row_sums(in, step, layer.row_factor, sums);
      }
      const TileOutput<T> out{run.output + first * run.output_stride, run.output_stride, step, channels,
                              layer.stage};
      finish_tile<R>(layer.finish, out, block.stage, sums);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
