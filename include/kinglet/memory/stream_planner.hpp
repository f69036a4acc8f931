// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_planner.hpp
/// Which operators run row by row: a network is cut into groups of consecutive operators, each one operator that runs at
/// once or a chain that streams (memory/row_schedule.hpp). Inside a chain a tensor is a line buffer of as many rows as
/// its readers still need; only tensors between groups are whole.
///
/// 1. For every operator j and every chain [i, j] that may end with it, add up the bytes that are alive meanwhile
///    (memory/stream_cost.hpp).
/// 2. Cut so that the largest sum is smallest; then, with that as limit, so that the least time is lost; then let chains
///    make more rows at once within that and some memory to spare (memory/stream_cuts.hpp).
/// 3. Run each chain's schedule on counters: it says how many rows each line buffer holds, which ones are alive only
///    from their maker to the reader right behind it, and how closely the output's rows can follow behind the input's.
/// 4. Place all buffers (memory/planner.hpp), in each order, with all outputs following behind inputs that can, those that
///    have to, and none; keep the smallest.
/// 5. If that is far from what step 2 expected, do 3 and 4 again without the rows that were added there, and decide.
#pragma once

#include <kinglet/memory/stream_cuts.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Steps, tensors and buffers of one network. Buffers begin with the tensors', in the same order.
struct StreamNetwork {
  std::span<StepRequest> steps;
  std::span<LineRequest> lines;
  std::span<BufferRequest> buffers;
  std::span<RowLink>
      links;  ///< room for as many as there are steps; then the links of all chains, at their steps
  std::size_t alignment = buffer_alignment;  ///< of buffers in the arena
};

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
    link.batch = step.batch;
    link.eager = step.is_wide && step.eager;
    link.whole_output = k == j || output.lifetime.last > j;
    link.wraps = !link.whole_output && link.batch == 1;
    for (std::size_t input = 0; input < 2; ++input) {
      const std::int32_t tensor = step.inputs[input];
      const std::int32_t made = tensor == no_buffer ? -1 : n.lines[static_cast<std::size_t>(tensor)].made;
      if (made >= i) {
        link.producers[input] = static_cast<std::int16_t>(made - i);
        RowLink& producer = chain[static_cast<std::size_t>(made - i)];
        producer.last_reader = std::max(producer.last_reader, static_cast<std::int16_t>(k - i));
        producer.wraps = producer.wraps && (step.takes_ring || (step.batch == 1 && step.window.is_one_row()));
      }
    }
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

/// Runs the chain [i, j] on counters; sets the rows and lifetimes of its line buffers.
constexpr ChainFacts settle_chain(const StreamNetwork& n, std::int32_t i, std::int32_t j) noexcept {
  const auto chain = make_links(n, i, j);
  const std::int32_t followed = followed_input(n, i, j);
  Follower follower(n, i, j, followed);
  bool brief[max_chain] = {};
  for (std::size_t k = 0; k < chain.size(); ++k) {
    brief[k] = !chain[k].whole_output && chain[k].last_reader == static_cast<std::int32_t>(k) + 1;
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
      scratch.bytes = step.row_scratch;
      scratch.lifetime = step.mode == RowMode::fold ? Lifetime{i, j} : Lifetime{position, position};
    }
  }
  return {followed, followed == no_buffer ? 0 : static_cast<std::ptrdiff_t>(follower.distance())};
}

/// Which chains' outputs follow behind their inputs. A chain of followers keeps its members' distances, which may take
/// more memory than where they lie apart.
enum class Follow : std::uint8_t { all, needed, none };

/// Without following, buffers alive in the chain that ends with a step are more than `limit` bytes.
constexpr bool needs_to_follow(const StreamNetwork& n, const StepRequest& last, std::size_t limit) noexcept {
  const Lifetime chain{last.chain_first, last.chain_last};
  std::size_t bytes = 0;
  for (const BufferRequest& buffer : n.buffers) {
    bytes += buffer.lifetime.overlaps(chain) ? buffer.bytes : 0;
  }
  return bytes > limit;
}

/// Lets outputs share memory with inputs that die: operators that run at once write over them where they may; chains'
/// outputs follow behind their inputs. @param limit bytes of the arena for those that need to
constexpr void share_memory(const StreamNetwork& n, Follow follow, std::size_t limit) noexcept {
  for (BufferRequest& buffer : n.buffers) {
    buffer.shares_with = no_buffer;
    buffer.shift = 0;
  }
  for (std::size_t k = 0; k < n.steps.size(); ++k) {
    const StepRequest& step = n.steps[k];
    if (step.follows != no_buffer &&
        (follow == Follow::all || (follow == Follow::needed && needs_to_follow(n, step, limit)))) {
      share_block(n.buffers, step.follows, step.output, -step.distance);
    }
    if (!step.streams()) {
      const auto position = static_cast<std::int32_t>(k);
      const auto [one, other] = step.inputs;
      // Of two, the newer: the order of summands makes no difference.
      const bool swap = one != no_buffer && other != no_buffer &&
                        n.buffers[static_cast<std::size_t>(other)].lifetime.first >
                            n.buffers[static_cast<std::size_t>(one)].lifetime.first;
      for (const std::int32_t input : {swap ? other : one, swap ? one : other}) {
        if (input != no_buffer && step.may_overwrite(input) &&
            share_if_dead(n.buffers, input, step.output, position)) {
          break;
        }
      }
    }
  }
}

/// Settles all chains, then gives every buffer its place. @param limit what the arena should keep within
/// @return the arena's bytes
constexpr std::size_t settle_and_place(const StreamNetwork& n, std::size_t limit) noexcept {
  for (StepRequest& step : n.steps) {
    step.follows = no_buffer;
  }
  for (std::size_t j = 0; j < n.steps.size(); ++j) {
    if (n.steps[j].group_first != no_buffer) {  // a chain ends here
      const auto facts = settle_chain(n, n.steps[j].group_first, static_cast<std::int32_t>(j));
      n.steps[j].follows = facts.follows;
      n.steps[j].distance = facts.distance;
    }
  }
  struct Try {
    Follow follow;
    PlacementOrder order;
  };
  // Few: compilers bound what they compute, and typed networks are planned by them.
  constexpr Try tries[] = {{Follow::all, PlacementOrder::by_size},
                           {Follow::all, PlacementOrder::by_crowding},
                           {Follow::none, PlacementOrder::by_size},
                           {Follow::needed, PlacementOrder::by_size}};
  const auto place = [&](const Try& how) {
    share_memory(n, how.follow, limit);
    return plan_memory(n.buffers, how.order, n.alignment);
  };
  std::size_t best = place(tries[0]);
  if (n.steps.size() > large_network) {
    return best;
  }
  std::size_t which = 0;
  for (std::size_t k = 1; k < std::size(tries); ++k) {
    const std::size_t bytes = place(tries[k]);
    which = bytes < best ? k : which;
    best = std::min(best, bytes);
  }
  return which + 1 == std::size(tries) ? best : place(tries[which]);
}

/// Takes twice as many rows at once back, or lets it be again. @return whether that makes a difference
constexpr bool swap_wide_chains(std::span<StepRequest> steps) noexcept {
  bool any = false;
  for (StepRequest& step : steps) {
    if (step.is_wide || step.was_wide) {
      step.was_wide = step.is_wide;
      step.swap_batches();
      any = any || step.batch != step.wide_batch;
    }
  }
  return any;
}

}  // namespace detail

/// Decides, and gives every buffer its place. Buffers come with the bytes and lifetimes of whole tensors and of each
/// step's scratch. @return the arena's bytes, or `unplannable`
constexpr std::size_t plan_streams(const StreamNetwork& n, Aim aim) noexcept {
  const std::size_t limit = cut_into_groups(n.steps, n.lines, n.buffers, aim);
  const std::size_t wide = detail::settle_and_place(n, limit);
  // The estimate knows of no holes between buffers; where it is far off, so may be the memory to spare.
  if (wide <= limit + limit / 64 || !detail::swap_wide_chains(n.steps)) {
    return wide;
  }
  const std::size_t narrow = detail::settle_and_place(n, limit);
  // Holes may be as large in a narrow plan. Typed networks are planned by compilers, who are not asked for a third one.
  if (aim != Aim::small || wide > narrow + narrow / 8) {
    return narrow;
  }
  detail::swap_wide_chains(n.steps);
  return detail::settle_and_place(n, limit);
}

}  // namespace kinglet::inline KINGLET_TARGET
