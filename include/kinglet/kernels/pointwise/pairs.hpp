// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/pairs.hpp
/// Rows times packed filters by dot products of pairs of 16-bit numbers:
///   for a chunk of rows: widen them into scratch (16-bit activations of even depth are read where they are)
///     for each block of filters: widen it into scratch, where the chunk's rows are enough to make up for it
///       for a tile of rows: dot products
///       for a few tiles: output stage
/// Weights lie in memory as bytes, half of what the instruction takes: widening a block is little work beside multiplying
/// it with a chunk of rows. For few rows they are widened while they are loaded.
#pragma once

#include <kinglet/core/align.hpp>
#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/pointwise/crossed.hpp>
#include <kinglet/kernels/pointwise/packed.hpp>
#include <kinglet/kernels/pointwise/pairs_tile.hpp>
#include <kinglet/kernels/pointwise/pairs_widen.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

namespace detail {

/// A chunk of rows with one block, by 64-bit sums of 16-bit activations: 255 products of pairs, of 2^23 at most, fit 32 bits.
template <class Lanes, index_t Vectors, Rounding R, class T>
void multiply_wide_block(PairTile<std::int8_t> tile, TileOutput<T> out, index_t first_channel,
                         const PairBlock<Lanes>& block) noexcept {
  constexpr index_t slice = 255;
  constexpr index_t width = Vectors * Lanes::count;
  alignas(64) static constexpr std::int32_t zeros[width] = {};
  alignas(64) std::int32_t sums[width];
  const index_t pairs = tile.pairs;
  tile.bias = zeros;
  for (index_t m = 0; m < out.count; ++m, tile.rows += tile.row_stride, out.rows += out.row_stride) {
    std::int64_t wide[width];
    for (index_t c = 0; c < width; ++c) {
      wide[c] = block.wide_bias(c);
    }
    PairTile<std::int8_t> part = tile;
    for (index_t k = 0; k < pairs; k += slice) {
      part.pairs = std::min(slice, pairs - k);
      dot_tile_of<Lanes, 1, Vectors>(part, sums);
      for (index_t c = 0; c < width; ++c) {
        wide[c] += sums[c];
      }
      part.rows += slice * 2;
      part.weights += std::ptrdiff_t{slice} * width * 2;
    }
    for (index_t c = 0; c < std::min(width, out.channels); ++c) {
      out.rows[c] = static_cast<T>(out.stage->template apply<R>(wide[c], first_channel + c));
    }
  }
}

}  // namespace detail

/// The engine of kernels/pointwise/packed.hpp. @tparam ElementType activations of that size
template <class Lanes, class ElementType>
struct PairEngine : PairRows<Lanes> {
  static constexpr std::string_view name = Lanes::name;
  using Layout = PairRows<Lanes>;
  using Layout::blocks;
  using Layout::bytes_of;
  using Layout::depth;
  using Layout::groups;
  using Layout::outputs;
  using Layout::vectors_of;

  /// Of a chunk that is copied, nothing is read any more when its outputs are stored.
  [[nodiscard]] constexpr bool may_overwrite() const noexcept { return copies_rows(); }
  /// The widened block, then the widened chunk, and room to align them. Enough for any smaller number of rows, too.
  template <class>
  [[nodiscard]] constexpr std::size_t scratch_bytes(std::ptrdiff_t rows) const noexcept {
    const auto chunk = static_cast<std::size_t>(std::min(rows, whole_tiles(most_rows(rows))));
    const std::size_t bytes = block_bytes(rows) + (copies_rows() ? chunk * row_bytes() : 0);
    return bytes == 0 ? 0 : align_up(bytes + packed_alignment);
  }
  /// Rows that should come together where they are copied first, of so many: of few, which are an image row that streams
  /// or a small image, as few as take little memory.
  [[nodiscard]] constexpr index_t gathered_rows(std::ptrdiff_t rows) const noexcept {
    const index_t tiles = depth <= 64 ? 8 : rows >= 64 ? 4 : depth <= 160 ? 2 : 1;
    return tiles * tile_rows;
  }

  template <Rounding R, class T, class W>
  constexpr void pack(const RowFilters<W, accumulator_t<T>>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_pairs<R, T>(static_cast<const Layout&>(*this), from, q, packed);
  }

  template <Rounding R, class T, class W>
  void multiply(const RowRun<T>& run, const ConvolutionQuantization& q,
                const KernelMemory& memory) const noexcept {
    const std::byte* const start = memory.packed + aligned_offset(memory.packed);
    const auto head = PairHead::load(start);
    std::byte* const scratch = memory.scratch + aligned_offset(memory.scratch);
    const Job<T> job{run,
                     q,
                     start + packed_alignment,
                     reinterpret_cast<std::int16_t*>(scratch),
                     reinterpret_cast<std::int16_t*>(scratch + block_bytes(run.count)),
                     packed_zero_point<W>(q)};
    const Finish how = head.finish<Policy<R>>(q.output);
    [[maybe_unused]] const typename Lanes::Rounding rounding(how.is_float);
    if (sizeof(T) == 2 && head.is_wide) {
      run_wide<R>(job);
    } else if (crosses(run.count)) {
      if constexpr (may_cross) {
        run_crossed(how, job);
      }
    } else if (widens(run.count)) {
      run_chunks<std::int16_t>(how, job);
    } else {
      run_chunks<W>(how, job);
    }
  }

 private:
  static constexpr index_t tile_rows = pair_tile_rows<Lanes, Layout::most_vectors>;
  template <class R>
  using Policy = std::conditional_t<sizeof(ElementType) == 1, R, single_rounding>;

  template <class T>
  struct Job {
    const RowRun<T>& run;
    const ConvolutionQuantization& q;
    const std::byte* blocks;
    std::int16_t* widened_weights;
    std::int16_t* widened_rows;
    std::int32_t zero_point;  ///< of packed weights
  };

  [[nodiscard]] constexpr bool copies_rows() const noexcept {
    return sizeof(ElementType) == 1 || depth % 2 != 0;
  }
  [[nodiscard]] static constexpr bool widens(std::ptrdiff_t rows) noexcept { return rows >= 4 * tile_rows; }
  static constexpr bool may_cross = Lanes::crosses && sizeof(ElementType) == 1;
  /// Enough filters for a row's own sum, and rows that are short enough for it.
  [[nodiscard]] constexpr bool crosses(std::ptrdiff_t rows) const noexcept {
    return may_cross && widens(rows) && outputs >= 64 && depth >= 32 && depth <= 16384;
  }
  /// Numbers of a widened row: room for whole groups of four.
  [[nodiscard]] constexpr index_t widened_depth() const noexcept {
    return may_cross ? (groups() + 1) / 2 * 4 : groups() * 2;
  }
  [[nodiscard]] constexpr std::size_t row_bytes() const noexcept {
    return static_cast<std::size_t>(widened_depth()) * 2 + (may_cross ? 4 : 0);
  }
  [[nodiscard]] constexpr std::size_t block_bytes(std::ptrdiff_t rows) const noexcept {
    const auto vectors = static_cast<std::size_t>(widened_depth() / 2 + (may_cross ? 1 : 0));
    return widens(rows) ? vectors * Layout::most_vectors * Layout::vector_bytes : 0;
  }
  /// Rows for which a block is widened: 64, so that they are much more work than that; up to 32 KiB of shorter ones. A
  /// few rows: one tile, up to 8 KiB of shorter ones where there are more than two tiles. Chunks are as even as whole
  /// tiles allow.
  [[nodiscard]] constexpr std::ptrdiff_t most_rows(std::ptrdiff_t rows) const noexcept {
    const auto bytes = static_cast<std::ptrdiff_t>(row_bytes());
    return widens(rows)            ? std::max<std::ptrdiff_t>(64, 32768 / bytes)
           : rows <= 2 * tile_rows ? std::ptrdiff_t{tile_rows}
                                   : std::max<std::ptrdiff_t>(tile_rows, 8192 / bytes);
  }
  [[nodiscard]] static constexpr std::ptrdiff_t whole_tiles(std::ptrdiff_t rows) noexcept {
    return (rows + tile_rows - 1) / tile_rows * tile_rows;
  }
  [[nodiscard]] constexpr index_t chunk_rows(std::ptrdiff_t rows) const noexcept {
    const std::ptrdiff_t most = most_rows(rows);
    const std::ptrdiff_t chunks = (rows + most - 1) / most;
    return static_cast<index_t>(std::min(rows, whole_tiles((rows + chunks - 1) / chunks)));
  }

  /// body(PairTile of all filters, TileOutput) for each chunk of rows.
  template <class T, class Body>
  void for_chunks(const Job<T>& job, const Body& body) const noexcept {
    const RowRun<T>& run = job.run;
    const index_t chunk = chunk_rows(run.count);
    for (std::ptrdiff_t first = 0; first < run.count; first += chunk) {
      const auto count = static_cast<index_t>(std::min<std::ptrdiff_t>(chunk, run.count - first));
      const T* const from = run.rows + first * run.row_stride;
      const TileOutput<T> out{run.output + first * run.output_stride, run.output_stride, count, outputs,
                              &job.q.output};
      if constexpr (sizeof(T) == 2) {
        if (!copies_rows()) {
          body(from, run.row_stride, out);
          continue;
        }
      }
      const std::ptrdiff_t stride = std::ptrdiff_t{groups()} * 2;
      for (index_t m = 0; m < count; ++m) {
        detail::widen_pairs<Lanes>(from + m * run.row_stride, depth, job.widened_rows + m * stride);
      }
      body(job.widened_rows, stride, out);
    }
  }

  template <class Weights, class T>
  void run_chunks(const Finish& how, const Job<T>& job) const noexcept {
    for_chunks(job, [&](const std::int16_t* rows, std::ptrdiff_t stride, TileOutput<T> out) {
      const std::byte* at = job.blocks;
      for (index_t b = 0; b < blocks(); ++b) {
        const index_t vectors = vectors_of(b);
        const PairBlock<Lanes> block(at, vectors);
        PairTile<Weights> tile{rows, stride, nullptr, block.bias, groups(), job.zero_point};
        if constexpr (sizeof(Weights) == 2) {
          detail::widen_weights<Lanes>(block.weights, std::ptrdiff_t{groups()} * vectors, job.zero_point,
                                       job.widened_weights);
          tile.weights = job.widened_weights;
        } else {
          tile.weights = block.weights;
        }
        vectors == 2 ? multiply_block<Lanes, 2>(how, tile, out, block.stage)
                     : multiply_block<Lanes, 1>(how, tile, out, block.stage);
        at += bytes_of(vectors);
        out.rows += Layout::most_vectors * Lanes::count;
        out.channels -= Layout::most_vectors * Lanes::count;
      }
    });
  }

  template <class T>
  void run_crossed(const Finish& how, const Job<T>& job) const noexcept {
    const RowRun<T>& run = job.run;
    const index_t chunk = chunk_rows(run.count);
    const index_t stride = widened_depth();
    auto* const bias = reinterpret_cast<std::int32_t*>(job.widened_weights);
    std::int16_t* const weights = job.widened_weights + Layout::most_vectors * Lanes::count * 2;
    auto* const row_sums = reinterpret_cast<std::int32_t*>(job.widened_rows + std::ptrdiff_t{chunk} * stride);
    for (std::ptrdiff_t first = 0; first < run.count; first += chunk) {
      const auto count = static_cast<index_t>(std::min<std::ptrdiff_t>(chunk, run.count - first));
      for (index_t m = 0; m < count; ++m) {
        row_sums[m] = detail::cross_row<Lanes>(run.rows + (first + m) * run.row_stride, depth,
                                               job.widened_rows + std::ptrdiff_t{m} * stride);
      }
      const CrossedTile tile{job.widened_rows, stride, row_sums, weights, bias, stride / 4};
      TileOutput<T> out{run.output + first * run.output_stride, run.output_stride, count, outputs,
                        &job.q.output};
      const std::byte* at = job.blocks;
      for (index_t b = 0; b < blocks(); ++b) {
        const index_t vectors = vectors_of(b);
        const PairBlock<Lanes> block(at, vectors);
        if (vectors == 2) {
          detail::cross_weights<Lanes, 2>(block, groups(), job.zero_point, weights, bias);
          multiply_block<Lanes, 2>(how, tile, out, block.stage);
        } else {
          detail::cross_weights<Lanes, 1>(block, groups(), job.zero_point, weights, bias);
          multiply_block<Lanes, 1>(how, tile, out, block.stage);
        }
        at += bytes_of(vectors);
        out.rows += Layout::most_vectors * Lanes::count;
        out.channels -= Layout::most_vectors * Lanes::count;
      }
    }
  }

  template <Rounding R, class T>
  void run_wide(const Job<T>& job) const noexcept {
    for_chunks(job, [&](const std::int16_t* rows, std::ptrdiff_t stride, TileOutput<T> out) {
      const std::byte* at = job.blocks;
      for (index_t b = 0, o = 0; b < blocks(); ++b, o += Layout::most_vectors * Lanes::count) {
        const index_t vectors = vectors_of(b);
        const PairBlock<Lanes> block(at, vectors);
        const PairTile<std::int8_t> tile{rows, stride, block.weights, nullptr, groups(), 0};
        vectors == 2 ? detail::multiply_wide_block<Lanes, 2, R>(tile, out, o, block)
                     : detail::multiply_wide_block<Lanes, 1, R>(tile, out, o, block);
        at += bytes_of(vectors);
        out.rows += Layout::most_vectors * Lanes::count;
        out.channels -= Layout::most_vectors * Lanes::count;
      }
    });
  }
};

/// An operator's kernel on packed filters with a target's engines for 8-bit and 16-bit activations.
template <template <class, class> class Kernel, class Lanes>
using PackedPairs = Kernel<PairEngine<Lanes, std::int8_t>, PairEngine<Lanes, std::int16_t>>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
