// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_cost.hpp
/// What it costs to run a chain of operators row by row.
///
/// For a sink m, follow every tensor t back from it. When m has made row Y, an operator k on the way has made the rows up
/// to S Y + N of its output: S is the product of the strides between, N adds up what windows reach ahead. So while m
/// makes the rows y to y + b - 1,
///   newest row of t = S (y + b - 1) + N,
///   oldest row still read = min over readers k of (S_k (y - 1) + N_k + 1) stride_k - before_k, for m: y stride - before,
/// and t holds the rows between; an eager operator adds to N the rows that it may be ahead. A tensor with one reader is
/// judged with that reader as the sink, one with several also with every m where they meet. The schedule, run on
/// counters, then counts exactly.
#pragma once

#include <kinglet/memory/stream_request.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// `Aim::automatic` takes chains that have so much work for every call they add. An estimate: that is the time of 8 calls
/// and more, and rows that stay in the nearest caches make up for most of theirs.
inline constexpr std::uint64_t free_work = 120'000;
/// More memory than the smallest plan has may be taken where that saves time: one part in so many. For `small` it depends on
/// what calls cost that plan, by estimate. @param lost, work that calls are worth, and of the network
constexpr std::size_t spare_share(Aim aim, std::uint64_t lost, std::uint64_t work) noexcept {
  return aim == Aim::automatic ? 5 : lost > work / 4 ? 4 : lost > work / 48 ? 6 : 12;
}

namespace detail {

// Pointers instead of spans: the compiler counts every call when it plans a typed network.

/// Rows of an output, some at a time, that follow behind those of an input.
struct FollowedRows {
  std::int64_t slope;   ///< while row y is made, the oldest row of the input that is still read
  std::int64_t oldest;  ///< is slope y + oldest, or 0
  std::int64_t rows;    ///< of the output
  std::int64_t batch;
  std::size_t from_bytes;  ///< of a row of the input
  std::size_t to_bytes;    ///< of the output

  /// Bytes by which the output must begin lower, so that it never covers a row that is still read.
  [[nodiscard]] constexpr std::size_t distance() const noexcept {
    // What is made grows by `to_bytes` a row, what is read no more first by nothing, then by slope rows.
    std::int64_t most = 0;
    const std::int64_t turn = slope > 0 ? (-oldest + slope - 1) / slope : 0;
    for (const std::int64_t y : {std::int64_t{0}, turn - 1, turn, rows - batch}) {
      if (y >= 0 && y < rows) {
        const std::int64_t read = std::max<std::int64_t>(0, slope * y + oldest);
        most = std::max(most, (y + batch) * static_cast<std::int64_t>(to_bytes) -
                                  read * static_cast<std::int64_t>(from_bytes));
      }
    }
    return static_cast<std::size_t>(most);
  }
};

/// Bytes that an input and an output have in common that begins `distance` bytes lower.
constexpr std::size_t common_with(std::size_t distance, std::size_t in_bytes,
                                  std::size_t out_bytes) noexcept {
  return in_bytes + out_bytes - std::max(std::min(distance + in_bytes, in_bytes + out_bytes), out_bytes);
}

/// An operator takes the rows that the one in front of it makes as they are made.
constexpr bool reads_at_once(const StepRequest& next, const StepRequest& step) noexcept {
  return next.window.is_one_row() && next.batch().rows == step.batch().rows;
}

/// The last operator of chains, and most operators in them.
struct Sink {
  std::int32_t step;
  std::int32_t longest;
};

/// Follows every tensor back from a sink.
constexpr void follow_back(StepRequest* steps, LineRequest* lines, const Sink& from) noexcept {
  constexpr std::int64_t farthest = 1 << 26;  // rows ahead or behind, so that sums keep within 32 bits
  const std::int32_t m = from.step;
  const std::int32_t lowest = std::max<std::int32_t>(0, m - from.longest + 1);
  for (std::int32_t k = lowest; k <= m; ++k) {
    StepRequest& step = steps[k];
    step.slope = 0;
    for (const std::int32_t t : {step.inputs[0], step.inputs[1], step.output}) {
      if (t != no_buffer) {
        LineRequest& line = lines[t];
        line.readers = 0;
        line.mixed = false;
      }
    }
  }
  StepRequest& sink = steps[m];
  sink.slope = 1;
  sink.ahead = 0;
  for (std::int32_t k = m; k >= lowest; --k) {
    StepRequest& step = steps[k];
    if (step.mode == RowMode::none) {
      continue;
    }
    LineRequest& output = lines[step.output];
    if (k != m && output.readers > 0) {
      step.slope = output.slope;
      step.ahead = output.ahead + step.surplus();
      if (output.mixed) {
        output.estimate = output.rows;
      } else if (output.readers > 1 || output.read_by_sink) {
        const std::int32_t newest = step.slope * (sink.batch().rows - 1) + step.ahead;
        const std::int32_t oldest =
            output.readers > 1 ? std::min<std::int32_t>(output.oldest, 0) : output.oldest;
        output.estimate = std::max(output.estimate, newest - oldest + 1);
      }
    }
    if (step.slope == 0 || (k != m && step.mode == RowMode::fold)) {
      continue;
    }
    const RowWindow& w = step.window;
    const std::int32_t next = k == m ? 0 : output.ahead + 1 - step.slope;
    for (const std::int32_t t : step.inputs) {
      if (t == no_buffer) {
        continue;
      }
      LineRequest& line = lines[t];
      const bool is_new = line.readers++ == 0;
      const std::int64_t slope = std::int64_t{w.stride} * step.slope;
      const std::int64_t ahead = std::int64_t{w.stride} * step.ahead - w.before + w.reach - 1;
      const std::int64_t oldest = std::int64_t{w.stride} * next - w.before;
      if (slope > most_streamed_rows || std::max({ahead, -ahead, oldest, -oldest}) > farthest) {
        line.mixed = true;  // no estimate: such a tensor is kept whole
        line.slope = 1;
        line.ahead = line.oldest = 0;
        continue;
      }
      line.read_by_sink = (!is_new && line.read_by_sink) || k == m;
      line.mixed = line.mixed || (!is_new && line.slope != slope);
      line.slope = static_cast<std::int32_t>(slope);
      line.ahead = static_cast<std::int32_t>(is_new ? ahead : std::max<std::int64_t>(line.ahead, ahead));
      line.oldest = static_cast<std::int32_t>(is_new ? oldest : std::min<std::int64_t>(line.oldest, oldest));
    }
  }
}

/// Adds up the costs of all chains that end with step j, the longest last.
class ChainCost {
 public:
  /// @param buffers the tensors'
  constexpr ChainCost(const StepRequest* steps, const LineRequest* lines,
                      std::span<const BufferRequest> buffers, std::int32_t j) noexcept
      : steps_(steps), lines_(lines), buffers_(buffers.data()), last_(j), first_(j + 1) {
    const BufferRequest* const end = buffers_ + buffers.size();
    for (const BufferRequest* b = buffers_; b != end; ++b) {
      if (b->lifetime.first <= j && b->lifetime.last > j) {
        whole_bytes_ += b->bytes;
      } else if (b->lifetime.last == j) {
        dying_bytes_ += b->bytes;
      }
    }
  }

  /// The operator j at once: with its inputs that die there, its output over one of them where it may.
  [[nodiscard]] constexpr std::size_t bytes_at_once() const noexcept {
    const StepRequest& end = steps_[last_];
    std::size_t saved = 0;
    for (const std::int32_t t : end.inputs) {
      if (t != no_buffer && buffers_[t].lifetime.last == last_) {
        saved = std::max(saved, overwritten(t, end));
      }
    }
    if (end.lag >= 0 && buffers_[end.inputs[0]].lifetime.last == last_) {
      saved = std::max(saved, common_with(static_cast<std::size_t>(end.lag), buffers_[end.inputs[0]].bytes,
                                          buffers_[end.output].bytes));
    }
    return whole_bytes_ + dying_bytes_ + end.whole_scratch - saved;
  }

  /// Puts the step before in front. @return whether the chain can stream
  constexpr bool extend() noexcept {
    const std::int32_t i = first_ - 1;
    const StepRequest& step = steps_[i];
    if (step.slope == 0 || step.mode == RowMode::none || (i != last_ && step.mode == RowMode::fold)) {
      return false;
    }
    const bool inner = i != last_ && buffers_[step.output].lifetime.last <= last_;
    if (inner && lines_[step.output].rows == 0) {
      return false;
    }
    first_ = i;
    std::size_t own = step.mode == RowMode::fold ? 0 : step.batch().scratch;
    lines_bytes_ += step.mode == RowMode::fold ? step.batch().scratch : 0;
    feeds_ = false;
    next_line_ = inner ? add_line(step) : 0;
    next_feeds_ = feeds_;
    own += next_line_;
    brief_bytes_ = std::max(brief_bytes_, own);
    next_own_ = own;
    for (std::size_t k = 0; k < 2; ++k) {
      const std::int32_t t = step.inputs[k];
      if (t != no_buffer && buffers_[t].lifetime.last == i && (k == 0 || t != step.inputs[0])) {
        whole_bytes_ += buffers_[t].bytes;
        if (dying_count_ < std::size(dying_)) {
          dying_[dying_count_] = t;
          common_[dying_count_++] = common_bytes(t);
        }
      }
    }
    work_ += step.work;
    lost_ += static_cast<std::uint64_t>((step.rows + step.batch().rows - 1) / step.batch().rows) - 1;
    return true;
  }

  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    std::size_t saved = 0;
    for (std::size_t k = 0; k < dying_count_; ++k) {
      saved = std::max(saved, common_[k]);
    }
    return lines_bytes_ + brief_bytes_ + whole_bytes_ - saved;
  }
  [[nodiscard]] constexpr std::uint64_t lost() const noexcept { return lost_; }
  [[nodiscard]] constexpr bool is_free() const noexcept { return lost_ <= work_ / free_work; }

 private:
  /// The output of the chain's new first step is no whole tensor now. @return its bytes if they are brief
  constexpr std::size_t add_line(const StepRequest& step) noexcept {
    const BufferRequest& output = buffers_[step.output];
    const LineRequest& line = lines_[step.output];
    whole_bytes_ -= output.bytes;
    for (std::size_t k = 0; k < dying_count_; ++k) {
      if (dying_[k] == step.output) {
        dying_[k] = dying_[--dying_count_];
        common_[k] = common_[dying_count_];
        break;
      }
    }
    const StepRequest& next = steps_[first_ + 1];
    if (output.lifetime.last == first_ + 1 && reads_at_once(next, step)) {
      const std::size_t bytes = line.row_bytes * static_cast<std::size_t>(step.batch().rows);
      // As links that feed each other, and the reader of what `next` makes, lie over each other in settle_chain.
      const bool feeds = next.inputs[1] == no_buffer && next.surplus() == step.surplus();
      const bool over = feeds && next_feeds_ && next_line_ == bytes && next.may_overwrite(step.output);
      brief_bytes_ = std::max(brief_bytes_, next_own_ + (over ? 0 : bytes));
      feeds_ = feeds;
      return bytes;
    }
    lines_bytes_ +=
        line.row_bytes * static_cast<std::size_t>(std::clamp<std::int32_t>(line.estimate, 1, line.rows));
    return 0;
  }

  [[nodiscard]] constexpr std::size_t overwritten(std::int32_t tensor,
                                                  const StepRequest& step) const noexcept {
    return step.may_overwrite(tensor) ? std::min(buffers_[tensor].bytes, buffers_[step.output].bytes) : 0;
  }
  /// Bytes that the output can have in common with a dying input, following behind its rows.
  [[nodiscard]] constexpr std::size_t common_bytes(std::int32_t input) const noexcept {
    const StepRequest& end = steps_[last_];
    const LineRequest& from = lines_[input];
    if (end.mode != RowMode::rows || from.rows == 0 || from.readers == 0 || from.mixed) {
      return 0;
    }
    const LineRequest& to = lines_[end.output];
    const std::size_t in_bytes = buffers_[input].bytes;
    const std::size_t out_bytes = buffers_[end.output].bytes;
    if (from.row_bytes == to.row_bytes && overwritten(input, end) != 0) {
      return std::min(in_bytes, out_bytes);
    }
    const FollowedRows rows{from.slope,       from.oldest,    end.rows,
                            end.batch().rows, from.row_bytes, to.row_bytes};
    return common_with(align_up(rows.distance()), in_bytes, out_bytes);
  }

  const StepRequest* steps_;
  const LineRequest* lines_;
  const BufferRequest* buffers_;
  std::int32_t last_;
  std::int32_t first_;
  std::size_t dying_bytes_ = 0;  ///< tensors that die with the last step
  std::size_t whole_bytes_ = 0;  ///< whole tensors that the chain reads or writes, or that wait meanwhile
  std::size_t lines_bytes_ = 0;  ///< line buffers alive as long as the chain runs
  std::size_t brief_bytes_ = 0;  ///< most bytes of scratch and of brief line buffers at one step
  std::size_t next_own_ = 0;     ///< those at the step behind
  std::size_t next_line_ = 0;    ///< of these, its output's line buffer
  bool next_feeds_ = false;      ///< whose one reader is right behind it
  bool feeds_ = false;           ///< the same of the step that is put in front
  std::int32_t dying_[8] = {};   ///< whole inputs that die in the chain
  std::size_t common_[8] = {};   ///< bytes that the output can have in common with each
  std::size_t dying_count_ = 0;
  std::uint64_t work_ = 0;
  std::uint64_t lost_ = 0;  ///< calls more than of operators at once
};

}  // namespace detail
}  // namespace kinglet::inline KINGLET_TARGET
