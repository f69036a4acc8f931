// SPDX-License-Identifier: Apache-2.0
/// @file kernels/stream/row_use.hpp
/// How operators run row by row, the same for files and typed networks, so that both are planned alike.
#pragma once

#include <kinglet/kernels/window.hpp>
#include <kinglet/memory/stream_request.hpp>

namespace kinglet::inline KINGLET_TARGET::stream {

/// What the planner wants to know of an operator (memory/stream_request.hpp).
struct RowUse {
  RowMode mode = RowMode::none;
  RowWindow window{};
  std::int32_t input_rows = 0;  ///< of every activation it reads
  std::int32_t rows = 0;        ///< of the output; folding: of the input
  std::int32_t batch = 1;       ///< most rows at once
  bool takes_ring = false;      ///< rows of the input may go round in their memory: `Window::ring`
};

/// Rows that a kernel makes at once of an image this wide: a row of a small image is less than a kernel's tile.
constexpr std::int32_t row_batch(index_t width, index_t rows) noexcept {
  constexpr index_t tile_pixels = 8;
  return std::min((tile_pixels + width - 1) / width, rows);
}

/// Output row y needs row y of every input, which is as big.
constexpr RowUse elementwise_rows(index_t height, index_t width) noexcept {
  return {.mode = RowMode::rows,
          .window = {},
          .input_rows = height,
          .rows = height,
          .batch = row_batch(width, height)};
}

/// Takes an image row by row and makes its output with the last one.
constexpr RowUse folding_rows(index_t height, index_t width) noexcept {
  RowUse use = elementwise_rows(height, width);
  use.mode = RowMode::fold;
  return use;
}

/// A filter `filter_h` high moves over an image `input_height` high. @param output its extents
template <class E>
constexpr RowUse window_rows(const Window& window, index_t filter_h, index_t input_height,
                             const E& output) noexcept {
  return {.mode = RowMode::rows,
          .window = {window.stride_h, window.pad_top, (filter_h - 1) * window.dilation_h + 1},
          .input_rows = input_height,
          .rows = output.extent(1),
          .batch = row_batch(output.extent(2), output.extent(1))};
}

/// The same with as many rows at once as a width has: those, or half as many more and at least one, or twice as many as
/// that. @param width a RowWidth
constexpr RowUse widened(RowUse use, std::size_t width) noexcept {
  const std::int32_t more = use.batch + (use.batch + 1) / 2;
  const std::int32_t batch = width == fewest_rows ? use.batch : width == more_rows ? more : 2 * more;
  use.batch = std::min(batch, std::max<std::int32_t>(use.rows, 1));
  return use;
}

/// Most input rows under the window when `batch` rows are made.
constexpr std::int32_t most_input_rows(const RowUse& use) noexcept {
  return std::min(use.window.end(use.batch - 1) + use.window.before, use.input_rows);
}

}  // namespace kinglet::inline KINGLET_TARGET::stream
