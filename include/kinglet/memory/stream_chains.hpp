// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_chains.hpp
/// What running a chain's schedule on counters tells: how many rows each line buffer holds, which ones are alive only from
/// their maker to the reader right behind it, and how closely the output's rows can follow behind the input's.
#pragma once

#include <kinglet/memory/stream_request.hpp>

namespace kinglet::inline KINGLET_TARGET {

namespace detail {

/// Links of the chain [i, j], from its steps.
constexpr std::span<RowLink> make_links(const StreamNetwork& n, std::int32_t i, std::int32_t j) noexcept {
  const auto chain = n.links.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(j - i + 1));
  for (std::int32_t k = i; k <= j; ++k) {
    const StepRequest& step = n.steps[static_cast<std::size_t>(k)];
    const BufferRequest& output = n.buffers[static_cast<std::size_t>(step.output)];
    RowLink& link = chain[static_cast<std::size_t>(k - i)];
    link = {};
    link.window = step.window;
    link.input_rows = step.input_rows;
    link.rows = step.rows;
    link.batch = step.rows_at_once();
    link.eager = step.surplus() != 0;
    link.whole_output = k == j || output.lifetime.last > j;
    link.wraps = !link.whole_output && link.batch == 1;
    for (std::size_t input = 0; input < 2; ++input) {
      const std::int32_t tensor = step.inputs[input];
      const std::int32_t made = tensor == no_buffer ? -1 : n.lines[static_cast<std::size_t>(tensor)].made;
      if (made >= i) {
        link.producers[input] = static_cast<std::int16_t>(made - i);
        RowLink& producer = chain[static_cast<std::size_t>(made - i)];
        producer.last_reader = std::max(producer.last_reader, static_cast<std::int16_t>(k - i));
        producer.wraps = producer.wraps && ((input == 0 && step.takes_ring) ||
                                            (step.rows_at_once() == 1 && step.window.is_one_row()));
      }
    }
  }
  for (std::size_t k = 0; k + 1 < chain.size(); ++k) {
    const RowLink& reader = chain[k + 1];
    RowLink& link = chain[k];
    link.feeds = !link.whole_output && link.last_reader == static_cast<std::int16_t>(k) + 1 &&
                 reader.producers[0] == static_cast<std::int16_t>(k) &&
                 n.steps[static_cast<std::size_t>(i) + k + 1].inputs[1] == no_buffer &&
                 reader.window.is_one_row() && reader.rows == link.rows && reader.batch == link.batch &&
                 reader.eager == link.eager;
  }
  for (std::size_t k = chain.size(); k-- > 1;) {
    const StepRequest& step = n.steps[static_cast<std::size_t>(i) + k];
    if (!step.belted || !step.is_on_belt) {
      continue;
    }
    RowLink& first = chain[k - 1];  // until another one turns out to be
    first.belt_end = std::max(chain[k].belt_end, static_cast<std::int16_t>(k));
    first.origin = chain[k].origin + step.belt_lag();
    chain[k].belt_end = RowLink::outside;
    first.wraps = chain[k].wraps = false;
  }
  return chain;
}

/// What running a chain on counters tells.
struct ChainFacts {
  std::int32_t follows = no_buffer;  ///< tensor that dies in the chain, behind which the output's rows follow
  std::ptrdiff_t distance = 0;       ///< bytes by which the output begins lower
};

/// Bytes from an output's beginning to `input`'s, so that no row of the output lies on a row of the input that is still
/// read: followed while the schedule runs.
class Follower {
 public:
  constexpr Follower(const StreamNetwork& n, std::int32_t i, std::int32_t j, std::int32_t input) noexcept
      : n_(n), first_(i), last_(j), input_(input) {
    const StepRequest& step = n.steps[static_cast<std::size_t>(j)];
    exact_ = step.may_overwrite(input) && line(step.output).row_bytes == line(input).row_bytes;
  }
  /// Before the chain's last link runs.
  constexpr void note(std::span<const RowLink> chain) noexcept {
    const RowLink& end = chain.back();
    std::int64_t oldest = std::numeric_limits<std::int32_t>::max();
    std::int64_t oldest_but_for_end = oldest;
    for (std::int32_t k = first_; k <= last_; ++k) {
      const RowLink& reader = chain[static_cast<std::size_t>(k - first_)];
      for (const std::int32_t tensor : n_.steps[static_cast<std::size_t>(k)].inputs) {
        if (tensor == input_ && !reader.done()) {
          oldest = std::min<std::int64_t>(oldest, reader.first_read());
          oldest_but_for_end = k == last_ ? oldest_but_for_end : oldest;
        }
      }
    }
    const std::int64_t written = (std::int64_t{end.next} + end.take) * bytes(n_.steps[at(last_)].output);
    distance_ = std::max(distance_, written - oldest * bytes(input_));
    exact_ = exact_ && written <= oldest_but_for_end * bytes(input_);
  }
  /// Where the last operator may write exactly over what it reads, nothing else stands in the way of 0.
  [[nodiscard]] constexpr std::int64_t distance() const noexcept {
    return exact_ ? 0
                  : static_cast<std::int64_t>(align_up(static_cast<std::size_t>(distance_), n_.alignment));
  }

 private:
  static constexpr std::size_t at(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }
  [[nodiscard]] constexpr const LineRequest& line(std::int32_t t) const noexcept { return n_.lines[at(t)]; }
  [[nodiscard]] constexpr std::int64_t bytes(std::int32_t t) const noexcept {
    return static_cast<std::int64_t>(line(t).row_bytes);
  }
  const StreamNetwork& n_;
  std::int32_t first_;
  std::int32_t last_;
  std::int32_t input_;
  std::int64_t distance_ = 0;
  bool exact_ = false;
};

/// The input of a chain that its output may follow behind: the largest one that dies in it.
constexpr std::int32_t followed_input(const StreamNetwork& n, std::int32_t i, std::int32_t j) noexcept {
  std::int32_t best = no_buffer;
  if (n.steps[static_cast<std::size_t>(j)].mode != RowMode::rows) {
    return best;
  }
  for (std::int32_t k = i; k <= j; ++k) {
    for (const std::int32_t tensor : n.steps[static_cast<std::size_t>(k)].inputs) {
      if (tensor == no_buffer || n.lines[static_cast<std::size_t>(tensor)].made >= i ||
          n.lines[static_cast<std::size_t>(tensor)].rows == 0) {
        continue;
      }
      const BufferRequest& candidate = n.buffers[static_cast<std::size_t>(tensor)];
      if (candidate.lifetime.last <= j &&
          (best == no_buffer || candidate.bytes > n.buffers[static_cast<std::size_t>(best)].bytes)) {
        best = tensor;
      }
    }
  }
  return best;
}

/// A step's rows may lie exactly on those of its only input.
constexpr bool may_lie_over(const StreamNetwork& n, const StepRequest& step) noexcept {
  const std::int32_t input = step.inputs[0];
  return step.may_overwrite(input) && n.lines[static_cast<std::size_t>(input)].row_bytes ==
                                          n.lines[static_cast<std::size_t>(step.output)].row_bytes;
}

/// Runs the chain [i, j] on counters; sets the rows and lifetimes of its line buffers.
constexpr ChainFacts settle_chain(const StreamNetwork& n, std::int32_t i, std::int32_t j) noexcept {
  const auto chain = make_links(n, i, j);
  const std::int32_t followed = followed_input(n, i, j);
  Follower follower(n, i, j, followed);
  bool brief[max_chain] = {};
  for (std::size_t k = 0; k < chain.size(); ++k) {
    brief[k] = !chain[k].whole_output && chain[k].last_reader == static_cast<std::int32_t>(k) + 1 &&
               chain[k].belt_end == RowLink::outside;
  }
  count_stored_rows(chain, [&](std::size_t k) {
    if (followed != no_buffer && k + 1 == chain.size()) {
      follower.note(chain);
    }
    for (std::size_t other = 0; other + 1 < chain.size(); ++other) {
      if (!brief[other] || other == k || other + 1 == k) {
        continue;
      }
      const RowLink& reader = chain[other + 1];
      // Rows that wait while somebody else runs are not brief.
      brief[other] = reader.done() || reader.first_read() >= chain[other].next;
    }
  });
  for (std::size_t k = 0; k < chain.size(); ++k) {
    StepRequest& step = n.steps[static_cast<std::size_t>(i) + k];
    LineRequest& line = n.lines[static_cast<std::size_t>(step.output)];
    BufferRequest& buffer = n.buffers[static_cast<std::size_t>(step.output)];
    const auto position = i + static_cast<std::int32_t>(k);
    step.chain_first = i;
    step.chain_last = j;
    // What is fed, by its one input, and feeds in its turn never has other rows in memory than that.
    step.over =
        k > 0 && chain[k - 1].feeds && chain[k].feeds && may_lie_over(n, step) ? step.inputs[0] : no_buffer;
    if (step.belted && step.is_on_belt) {
      step.over = step.inputs[0];
      chain[k].stored = chain[k - 1].stored;
      brief[k] = false;
    }
    if (!chain[k].whole_output) {
      line.stored = std::max<std::int32_t>(chain[k].stored, 1);
      chain[k].stored = line.stored;
      buffer.bytes = static_cast<std::size_t>(line.stored) * line.row_bytes;
      buffer.lifetime = brief[k] ? Lifetime{position, position + 1} : Lifetime{i, j};
    } else {
      chain[k].stored = step.rows;
      buffer.lifetime.include(i);
      buffer.lifetime.include(j);
    }
    for (const std::int32_t tensor : step.inputs) {
      if (tensor != no_buffer && n.lines[static_cast<std::size_t>(tensor)].made < i) {
        n.buffers[static_cast<std::size_t>(tensor)].lifetime.include(j);
      }
    }
    if (step.scratch != no_buffer) {
      BufferRequest& scratch = n.buffers[static_cast<std::size_t>(step.scratch)];
      scratch.bytes = step.streamed_scratch();
      scratch.lifetime = step.mode == RowMode::fold ? Lifetime{i, j} : Lifetime{position, position};
    }
  }
  return {followed, followed == no_buffer ? 0 : static_cast<std::ptrdiff_t>(follower.distance())};
}

}  // namespace detail

}  // namespace kinglet::inline KINGLET_TARGET
