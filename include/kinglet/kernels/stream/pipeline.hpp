// SPDX-License-Identifier: Apache-2.0
/// @file kernels/stream/pipeline.hpp
/// A chain of row producers: every operator makes a few rows of its output from the rows under its window, and a tensor
/// inside the chain is a line buffer that holds only the rows still read. Rows lie one behind the other in it, so every
/// kernel takes them as a small image; when the buffer is full the rows still read move to its beginning. Where its readers
/// take that, rows go round in the buffer instead; and some tensors share one, each a few rows lower than the one it is
/// made of (memory/stream_belts.hpp).
///
/// The inverted residual (kernels/inverted_residual/fused.hpp) is the famous instance: expand, depthwise, project, add,
/// with as many expanded rows alive as the depthwise filter is tall. Nothing is computed twice and no bit differs from
/// running the operators one by one. The order is memory/row_schedule.hpp's.
#pragma once

#include <cstring>
#include <kinglet/kernels/window.hpp>
#include <kinglet/memory/row_schedule.hpp>
#include <kinglet/tensor/view.hpp>

namespace kinglet::inline KINGLET_TARGET::stream {

/// Rows that an operator makes in one call. Addresses are in rows from where a tensor's memory begins.
struct RowSlice {
  std::int32_t first = 0;         ///< row of the output; folding: of the input
  std::int32_t count = 0;         ///< rows
  std::int32_t input_at[2] = {};  ///< where the first row lies that is read, of each input
  std::int32_t input_rows = 0;    ///< rows read
  std::int32_t ring = 0;          ///< rows of the memory that input 0's go round in; 0: not within this slice
  std::int32_t above = 0;         ///< rows under the window above them, outside the image
  std::int32_t output_at = 0;     ///< where the output's first row goes
  bool last = false;              ///< no rows follow
};

/// Memory of a link's output.
struct LineMemory {
  std::byte* memory = nullptr;
  std::size_t row_bytes = 0;
};

/// Runs a chain from its first row to its last.
/// @param memory_of (k): LineMemory of link k's output; asked only for line buffers
/// @param run (k, const RowSlice&): makes rows of link k
template <class MemoryOf, class Run>
void run_chain(std::span<RowLink> chain, MemoryOf memory_of, Run run) noexcept {
  RowSchedule schedule(chain);
  while (const RowTurn* const turn = schedule.next()) {
    const auto k = static_cast<std::size_t>(turn->link);
    RowLink& link = chain[k];
    const std::int32_t count = link.take;
    const bool is_full = link.next + count - link.base > link.stored;
    if (is_full && link.wraps) {
      link.base += link.stored;
    } else if (is_full) {
      const std::int32_t end = link.next - link.base;
      const std::int32_t lowest =
          link.feeds && link.belt_end == RowLink::outside ? end : lowest_place(chain, k);
      if (lowest != end) {
        const LineMemory line = memory_of(k);
        std::memmove(line.memory, line.memory + static_cast<std::size_t>(lowest) * line.row_bytes,
                     static_cast<std::size_t>(end - lowest) * line.row_bytes);
      }
      lower_rows(chain, k, lowest);
    }
    const std::int32_t first = std::max<std::int32_t>(turn->first, 0);
    RowSlice slice{.first = link.next,
                   .count = count,
                   .input_at = {first, first},
                   .input_rows = std::max<std::int32_t>(turn->end - first, 0),
                   .above = first - turn->first,
                   .output_at = link.next - link.base,
                   .last = link.next + count == link.rows};
    for (std::size_t input = 0; input < 2; ++input) {
      const std::int16_t p = link.producers[input];
      if (slice.input_rows == 0) {
        slice.input_at[input] = 0;  // no row is read, and none may lie there
      } else if (p != RowLink::outside) {
        const RowLink& producer = chain[static_cast<std::size_t>(p)];
        slice.input_at[input] = producer.place_of(first);
        if (input == 0 && producer.wraps && slice.input_at[0] + slice.input_rows > producer.stored) {
          slice.ring = producer.stored;
        }
      }
    }
    run(k, slice);
    link.next += count;
  }
}

/// `rows` rows of one image, from row `at` of its memory on.
template <class T, index_t... E>
KINGLET_ALWAYS_INLINE constexpr TensorView<T, Nhwc> rows_of(const TensorView<T, Extents<E...>>& image,
                                                            std::int32_t at, std::int32_t rows) noexcept {
  return {image.data() + image.offset(0, at), Nhwc{1, rows, image.extent(2), image.extent(3)}};
}

/// The rows that a window moves over in a slice, or all the memory that they go round in.
template <class T, index_t... E>
KINGLET_ALWAYS_INLINE constexpr TensorView<T, Nhwc> input_of(const TensorView<T, Extents<E...>>& image,
                                                             const RowSlice& slice) noexcept {
  return rows_of(image, slice.ring == 0 ? slice.input_at[0] : 0, slice.input_rows);
}

/// The window of a slice: the rows given are the image.
constexpr Window window_of(Window window, const RowSlice& slice) noexcept {
  window.pad_top = slice.above;
  window.ring = slice.ring;
  window.ring_first = slice.ring == 0 ? 0 : slice.input_at[0];
  return window;
}

}  // namespace kinglet::inline KINGLET_TARGET::stream
