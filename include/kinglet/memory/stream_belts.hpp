// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_belts.hpp
/// Belts: in a chain whose operators have rows of one length, as depthwise and pointwise convolutions of as many channels
/// take turns, all tensors between them lie in one line buffer. Rows that a depthwise convolution makes take the places of
/// those above its windows, so that each tensor lies a few rows lower than the one it is made of, and rows of the first
/// one push all others down:
///
///   | 3rd tensor | 2nd tensor | 1st tensor | rows to come
///
/// A stage takes as many rows as its filter reaches, however many rows are made at once: with the memory of separate line
/// buffers for two rows a belt may have them for ten.
#pragma once

#include <kinglet/memory/stream_cost.hpp>

namespace kinglet::inline KINGLET_TARGET {
namespace detail {

/// Looks for a belt in the chain [i, j], and for the most rows it can make at once.
class BeltSearch {
 public:
  constexpr BeltSearch(const StreamNetwork& n, std::int32_t i, std::int32_t j) noexcept
      : n_(n), i_(i), j_(j) {
    head_ = end_ = j;
    // From the chain's end, as far as operators follow each other row by row.
    std::int32_t k = j;
    while (k > i && is_plain(k) && !lies_on(k)) {
      --k;
    }
    end_ = k;
    for (; k > i && is_plain(k) && lies_on(k); --k) {
      lag_ += step(k).belt_lag();
    }
    head_ = k;
    for (std::int32_t reader = j; reader > head_; --reader) {
      const RowWindow& w = step(reader).window;
      ahead(reader - 1) = ahead(reader) - w.before + w.reach - 1;
    }
  }
  /// There is a depthwise convolution on it, and it is not longer than two images.
  [[nodiscard]] constexpr bool found() const noexcept {
    return lag_ > 0 && lag_ <= line(step(head_).output).rows;
  }

  /// Has every operator from the first one on the belt make what the chain's last one asks for, in as few parts as keep
  /// the bytes within the limit; or, where kernels want much memory for that, `more_rows` at once. Nothing where that is no
  /// more of what the last one makes, or no less calls, than now.
  constexpr void choose(std::size_t limit) noexcept {
    for (const bool all : {true, false}) {
      all_asked_ = all;
      const std::uint64_t one = bytes(1);
      if (one > limit) {
        continue;
      }
      const std::uint64_t each = bytes(2) - one;  // row more
      const auto rows = static_cast<std::uint64_t>(step(j_).rows);
      const std::uint64_t most = std::min(1 + (limit - one) / std::max<std::uint64_t>(each, 1), rows);
      const std::uint64_t parts = (rows + most - 1) / most;
      const auto batch = static_cast<std::int32_t>((rows + parts - 1) / parts);
      if (std::min(batch, made_at_once(j_, batch)) > step(j_).batch().rows && saves_calls(batch)) {
        set(batch);
        return;
      }
    }
  }

 private:
  [[nodiscard]] constexpr StepRequest& step(std::int32_t k) const noexcept {
    return n_.steps[static_cast<std::size_t>(k)];
  }
  [[nodiscard]] constexpr const BufferRequest& buffer(std::int32_t b) const noexcept {
    return n_.buffers[static_cast<std::size_t>(b)];
  }
  [[nodiscard]] constexpr const LineRequest& line(std::int32_t t) const noexcept {
    return n_.lines[static_cast<std::size_t>(t)];
  }
  /// Rows that step k has made more than the last one of the chain is asked for.
  [[nodiscard]] constexpr std::int32_t& ahead(std::int32_t k) noexcept {
    return ahead_[static_cast<std::size_t>(k - i_)];
  }
  [[nodiscard]] constexpr std::int32_t ahead(std::int32_t k) const noexcept {
    return ahead_[static_cast<std::size_t>(k - i_)];
  }
  /// Step k reads only what the one before makes, which nobody else does, a row further down for each row.
  [[nodiscard]] constexpr bool is_plain(std::int32_t k) const noexcept {
    const StepRequest& reader = step(k);
    const std::int32_t read = step(k - 1).output;
    return step(k - 1).mode == RowMode::rows && reader.inputs[0] == read && reader.inputs[1] == no_buffer &&
           buffer(read).lifetime.last == k && reader.window.stride == 1;
  }
  /// Step k's output may lie on its input's belt: none of its rows is made in front of the row of the input that is as far
  /// down, as behind a PAD larger than the filter.
  [[nodiscard]] constexpr bool lies_on(std::int32_t k) const noexcept {
    const StepRequest& maker = step(k);
    return k != j_ && maker.mode == RowMode::rows && buffer(maker.output).lifetime.last <= j_ &&
           line(maker.output).row_bytes == line(maker.inputs[0]).row_bytes && line(maker.output).rows > 0 &&
           line(maker.output).rows == line(maker.inputs[0]).rows &&
           maker.window.reach > maker.window.before &&
           ((maker.follow_step != 0 && line(maker.output).row_bytes % maker.follow_step == 0) ||
            (maker.may_overwrite(maker.inputs[0]) && maker.window.is_one_row()));
  }

  /// Rows that step k makes at once while the last one of the chain is asked for `batch`.
  [[nodiscard]] constexpr std::int32_t made_at_once(std::int32_t k, std::int32_t batch) const noexcept {
    const StepRequest& of = step(k);
    const std::int32_t most = all_asked_ ? ahead(k) + batch : of.batches[more_rows].rows;
    return std::clamp<std::int32_t>(most, 1, of.rows);
  }
  [[nodiscard]] constexpr std::size_t scratch_of(const StepRequest& of) const noexcept {
    const std::size_t few = of.batches[more_rows].scratch;
    return all_asked_ ? std::max(few, of.whole_scratch) : few;  // enough for any number of rows, or for few
  }

  /// Operators from the first one on the belt on make their rows in fewer parts than now.
  [[nodiscard]] constexpr bool saves_calls(std::int32_t batch) const noexcept {
    std::int64_t saved = 0;
    for (std::int32_t k = head_; k <= j_; ++k) {
      const auto parts = [&](std::int32_t rows) { return (step(k).rows + rows - 1) / rows; };
      saved += parts(step(k).batch().rows) - parts(made_at_once(k, batch));
    }
    return saved > 0;
  }

  /// Of the chain while its last operator makes `batch` rows at once: what is whole or in front of the belt as it is now.
  [[nodiscard]] constexpr std::uint64_t bytes(std::int32_t batch) const noexcept {
    const StepRequest& head = step(head_);
    const auto rows_of = [&](std::int64_t rows, std::int32_t tensor) {
      return static_cast<std::uint64_t>(std::max<std::int64_t>(rows, 0)) * line(tensor).row_bytes;
    };
    std::uint64_t lines = rows_of(std::int64_t{ahead(head_)} + batch + lag_, head.output);
    std::uint64_t brief = 0;
    for (std::int32_t k = end_ + 1; k < j_; ++k) {
      const StepRequest& next = step(k + 1);
      lines += rows_of(std::int64_t{ahead(k)} + batch + next.window.reach, step(k).output);
    }
    for (std::int32_t k = head_; k <= j_; ++k) {
      const std::uint64_t scratch = align_up(scratch_of(step(k)), n_.alignment);
      if (step(k).mode == RowMode::fold) {
        lines += scratch;
      } else {
        brief = std::max(brief, scratch);
      }
    }
    std::uint64_t whole = 0;
    for (std::size_t b = 0; b < n_.lines.size(); ++b) {
      const BufferRequest& tensor = n_.buffers[b];
      const bool inside = line(static_cast<std::int32_t>(b)).made >= i_ && tensor.lifetime.last <= j_;
      whole += !inside && tensor.lifetime.overlaps({i_, j_}) ? align_up(tensor.bytes, n_.alignment) : 0;
    }
    std::uint64_t fed = 0;  // of a brief line that the step reads
    for (std::int32_t k = i_; k < head_; ++k) {
      const LineRequest& given = line(step(k).output);
      const std::uint64_t own = step(k).batch().scratch + fed;
      if (k + 1 < head_ && buffer(step(k).output).lifetime.last == k + 1 &&
          reads_at_once(step(k + 1), step(k))) {
        fed = rows_of(step(k).batch().rows, step(k).output);
        brief = std::max(brief, own + fed);
        continue;
      }
      fed = 0;
      brief = std::max(brief, own);
      std::int64_t rows = given.estimate;
      if (head.inputs[0] == step(k).output ||
          head.inputs[1] == step(k).output) {  // it has all that the head reads at once
        const std::int64_t read =
            std::int64_t{head.window.stride} * (made_at_once(head_, batch) - 1) + head.window.reach;
        rows = std::max(rows, read + step(k).batch().rows - 1);
      }
      lines += rows_of(std::clamp<std::int64_t>(rows, 1, given.rows), step(k).output);
    }
    return lines + brief + whole;
  }
  constexpr void set(std::int32_t batch) const noexcept {
    for (std::int32_t k = head_; k <= j_; ++k) {
      StepRequest& on = step(k);
      on.width = fewest_rows;
      on.eager = false;
      on.belt_batch = made_at_once(k, batch);
      on.belt_scratch = scratch_of(on);
      on.is_on_belt = k > head_ && k <= end_;
      on.belted = true;
    }
    for (const std::int32_t input : step(head_).inputs) {  // what it reads is asked for by more rows now
      const std::int32_t made = input == no_buffer ? -1 : line(input).made;
      if (made >= i_) {
        step(made).eager =
            step(made).eager && step(made).batch().rows > step(head_).belt_batch * step(head_).window.stride;
      }
    }
  }

  const StreamNetwork& n_;
  std::int32_t i_;
  std::int32_t j_;
  std::int32_t head_;     ///< makes the belt's first tensor
  std::int32_t end_;      ///< and this one the last
  std::int32_t lag_ = 0;  ///< rows by which the last tensor lies lower than the first
  std::int32_t ahead_[max_chain] = {};
  bool all_asked_ = true;  ///< operators make all rows that are asked for at once, not only `more_rows`
};

}  // namespace detail
}  // namespace kinglet::inline KINGLET_TARGET
