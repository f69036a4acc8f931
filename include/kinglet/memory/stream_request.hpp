// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_request.hpp
/// Operators and tensors as the planner of row-by-row chains sees them (memory/stream_planner.hpp).
#pragma once

#include <kinglet/memory/planner.hpp>
#include <kinglet/memory/row_schedule.hpp>
#include <string_view>
#include <utility>

namespace kinglet::inline KINGLET_TARGET {

/// Networks of more steps are searched less thoroughly, since compilers bound what they compute: clang a million steps.
inline constexpr std::size_t large_network = 36;

/// Tensors of more rows are not held row by row: planning runs every row of a chain on counters.
inline constexpr std::int32_t most_streamed_rows = 1 << 16;

/// Most operators in a chain of a network.
constexpr std::int32_t longest_chain(std::size_t steps) noexcept {
  return steps > large_network ? 12 : max_chain;
}

/// What to plan for.
enum class Aim : std::uint8_t {
  automatic,  ///< the smallest plan of chains that lose little time, by the planner's estimate, or a little more
  fast,       ///< every operator at once
  small,      ///< the smallest plan, or a little more for more rows at once
  observed,  ///< every operator at once and by itself, so that every output can be looked at
};

/// Names of the aims that users choose between; `observed` is none of them.
struct AimName {
  std::string_view name;
  Aim aim;
};
inline constexpr AimName aim_names[] = {{"auto", Aim::automatic}, {"fast", Aim::fast}, {"small", Aim::small}};

enum class RowMode : std::uint8_t {
  none,  ///< only at once
  rows,  ///< some rows of output from some rows of input
  fold,  ///< takes rows of input, and makes its output with the last of them
};

/// Rows that an operator makes at once when it streams.
struct RowBatch {
  std::int32_t rows = 1;
  std::size_t scratch = 0;  ///< bytes
};

/// As few rows as serve a kernel; and where there is memory to spare, more of them, and most.
enum RowWidth : std::uint8_t { fewest_rows, more_rows, most_rows };
inline constexpr std::size_t row_widths = 3;

/// An operator as the planner sees it.
struct StepRequest {
  // Given.
  std::int32_t inputs[2] = {no_buffer, no_buffer};  ///< activations among its inputs: tensors
  std::int32_t output = no_buffer;
  std::int32_t scratch = no_buffer;  ///< the buffer of its scratch memory
  RowMode mode = RowMode::none;
  RowWindow window{};              ///< of every input
  std::int32_t input_rows = 0;     ///< of every input
  std::int32_t rows = 0;           ///< of the output; folding: of the input
  RowBatch batches[row_widths]{};  ///< by RowWidth
  bool takes_ring = false;         ///< rows of input 0 may go round in their memory
  std::uint32_t overwrites =
      0;  ///< bit k: may write over input k from its beginning, running at once or row by row
  /// At once and of slices it makes row after row, and its output may lie lower than input 0 by multiples of so many
  /// bytes, over rows that are not read any more; 0: it may not.
  std::size_t follow_step = 0;
  std::size_t whole_scratch = 0;
  std::uint64_t work = 0;  ///< about as much as that many multiply-accumulates of a pointwise convolution
  static constexpr std::uint64_t element_work = 24;  ///< for making one element, besides the sums in it
  // Results.
  std::int32_t chain_first = no_buffer;  ///< of the chain it is in; none: it runs at once
  std::int32_t chain_last = no_buffer;
  std::int32_t follows =
      no_buffer;  ///< of a chain's last step, or one at once: behind whose rows the output's follow
  std::ptrdiff_t distance = 0;  ///< by which the output begins lower
  std::int32_t over =
      no_buffer;  ///< inside a chain: the input whose memory its output has, exactly or on a belt
  std::int32_t belt_batch = 0;   ///< in a chain with a belt (memory/stream_belts.hpp), rows it makes at once
  std::size_t belt_scratch = 0;  ///< with bytes of scratch
  bool is_on_belt = false;       ///< its output lies on the belt that its input lies on
  bool belted = false;           ///< the chain runs with it
  // The planner's own.
  std::ptrdiff_t lag =
      -1;  ///< with `follow_step`, by how much the output begins lower; negative: that saves nothing
  std::int32_t group_first = no_buffer;  ///< of a chain's last step
  std::int32_t slope = 0;                ///< S and N of the file's comment; S = 0: not on the way to the sink
  std::int32_t ahead = 0;
  RowWidth width = fewest_rows;        ///< which of `batches` it makes
  RowWidth other_width = fewest_rows;  ///< and which in the plan that this one is compared with
  bool eager = false;                  ///< when wide: it makes a batch though its first reader asks for less
  std::int32_t cut = 0;                ///< the best group that ends here begins there
  bool cut_streams = false;            ///< and is a chain
  std::size_t peak = 0;                ///< bytes of the largest group up to here
  std::uint64_t lost = 0;              ///< calls more than at once, of all groups up to here

  /// What it makes at once while it streams, but for belts.
  [[nodiscard]] constexpr const RowBatch& batch() const noexcept { return batches[width]; }
  /// Rows it makes at once while it streams.
  [[nodiscard]] constexpr std::int32_t rows_at_once() const noexcept {
    return belted ? belt_batch : batch().rows;
  }
  [[nodiscard]] constexpr std::size_t streamed_scratch() const noexcept {
    return belted ? belt_scratch : batch().scratch;
  }
  /// Rows by which the output lies lower than the input on a belt.
  [[nodiscard]] constexpr std::int32_t belt_lag() const noexcept {
    return may_overwrite(inputs[0]) && window.is_one_row() ? 0 : window.before + 1;
  }
  /// Rows that it may be ahead of those asked for.
  [[nodiscard]] constexpr std::int32_t surplus() const noexcept {
    return width != fewest_rows && eager ? batch().rows - 1 : 0;
  }
  [[nodiscard]] constexpr bool streams() const noexcept { return chain_first != no_buffer; }
  /// The output may begin where this input does, wherever the operator reads it.
  [[nodiscard]] constexpr bool may_overwrite(std::int32_t tensor) const noexcept {
    bool reads = false;
    for (std::size_t k = 0; k < 2; ++k) {
      if (inputs[k] == tensor) {
        if (((overwrites >> k) & 1U) == 0) {
          return false;
        }
        reads = true;
      }
    }
    return reads && output != no_buffer;
  }
};

/// A tensor as the planner sees it.
struct LineRequest {
  std::int32_t rows = 0;  ///< 0: cannot be held row by row
  std::size_t row_bytes = 0;
  std::int32_t made = -1;  ///< by this step; -1: an input of the network
  static constexpr std::int32_t ambiguous =
      -2;  ///< `made` of a tensor that is written twice, or read before that
  // Results.
  std::int32_t stored = 0;  ///< rows in memory; 0: all of them
  // The planner's own.
  std::int32_t slope = 0;  ///< S and N
  std::int32_t ahead = 0;
  std::int32_t oldest = 0;   ///< row still read while the sink makes row 0
  std::int32_t readers = 0;  ///< on the way to the sink; before planning, the caller's own
  bool read_by_sink = false;
  std::int32_t estimate = 0;  ///< rows held, for the sinks so far
  bool mixed = false;         ///< paths to the sink of different strides
};

/// Steps, tensors and buffers of one network. Buffers begin with the tensors', in the same order.
struct StreamNetwork {
  std::span<StepRequest> steps;
  std::span<LineRequest> lines;
  std::span<BufferRequest> buffers;
  std::span<RowLink>
      links;  ///< room for as many as there are steps; then the links of all chains, at their steps
  // Of the target.
  std::size_t alignment = buffer_alignment;  ///< of buffers in the arena
  std::uint64_t call_work = 0;  ///< `StepRequest::work` in the time of calling a kernel once more
};

}  // namespace kinglet::inline KINGLET_TARGET
