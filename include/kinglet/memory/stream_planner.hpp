// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_planner.hpp
/// Which operators run row by row: a network is cut into groups of consecutive operators, each one operator that runs at
/// once or a chain that streams (memory/row_schedule.hpp). Inside a chain a tensor is a line buffer of as many rows as
/// its readers still need; only tensors between groups are whole.
///
/// 1. For every operator j and every chain [i, j] that may end with it, add up the bytes that are alive meanwhile
///    (memory/stream_cost.hpp).
/// 2. Cut so that the largest sum is smallest; then, with that as limit, so that the least time is lost; then let chains
///    make more rows at once within that and some memory to spare (memory/stream_cuts.hpp, memory/stream_belts.hpp).
/// 3. Run each chain's schedule on counters for the rows and lifetimes of its line buffers (memory/stream_chains.hpp).
/// 4. Place all buffers (memory/planner.hpp), in each order, with all chains' outputs following behind inputs that can,
///    those that have to, and none; keep the smallest, and try to lower what ends on top of it.
/// 5. If that is far from what step 2 expected, do 3 and 4 again without the rows that were added there, and decide.
#pragma once

#include <kinglet/memory/stream_chains.hpp>
#include <kinglet/memory/stream_cuts.hpp>

namespace kinglet::inline KINGLET_TARGET {

namespace detail {

/// Which outputs follow behind their inputs. Followers of followers keep their distances, which may take more memory than
/// where they lie apart.
enum class Follow : std::uint8_t {
  all,     ///< those of chains; of operators at once as `needed`
  needed,  ///< where there is not enough memory otherwise
  none
};

/// Without following, buffers alive while step k runs, or the chain that ends with it, are more than `limit` bytes.
constexpr bool needs_to_follow(const StreamNetwork& n, std::size_t k, std::size_t limit) noexcept {
  const StepRequest& last = n.steps[k];
  const auto position = static_cast<std::int32_t>(k);
  const Lifetime group{last.streams() ? last.chain_first : position, position};
  std::size_t bytes = 0;
  for (const BufferRequest& buffer : n.buffers) {
    bytes += buffer.lifetime.overlaps(group) ? buffer.bytes : 0;
  }
  return bytes > limit;
}

/// Lets outputs share memory with inputs that die: operators that run at once write over them where they may, or follow
/// behind them; so do chains' outputs. @param limit bytes of the arena for those that need to
constexpr void share_memory(const StreamNetwork& n, Follow follow, std::size_t limit) noexcept {
  for (BufferRequest& buffer : n.buffers) {
    buffer.shares_with = no_buffer;
    buffer.shift = 0;
  }
  for (std::size_t k = 0; k < n.steps.size(); ++k) {
    const StepRequest& step = n.steps[k];
    if (step.follows != no_buffer && ((follow == Follow::all && step.streams()) ||
                                      (follow != Follow::none && needs_to_follow(n, k, limit)))) {
      share_block(n.buffers, step.follows, step.output, -step.distance);
    }
    if (step.over != no_buffer) {
      share_block(n.buffers, step.over, step.output, 0);
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
            (n.buffers[static_cast<std::size_t>(input)].bytes ==
                 n.buffers[static_cast<std::size_t>(step.output)].bytes ||
             (follow != Follow::none && needs_to_follow(n, k, limit))) &&
            share_if_dead(n.buffers, input, step.output, position)) {
          break;
        }
      }
    }
  }
}

/// Of the buffers that are placed, the block that ends last.
constexpr BufferRequest& topmost_block(std::span<BufferRequest> buffers) noexcept {
  const BufferRequest* top = buffers.data();
  for (const BufferRequest& buffer : buffers) {
    top = buffer.bytes != 0 && buffer.offset + buffer.bytes > top->offset + top->bytes ? &buffer : top;
  }
  const std::int32_t first = top->shares_with;
  return buffers[first == no_buffer ? static_cast<std::size_t>(top - buffers.data())
                                    : static_cast<std::size_t>(first)];
}

/// Blocks that are placed before all others because they ended on top.
inline constexpr std::size_t most_raised = 4;

/// Places again and again, each time what ended on top before all others: it found the lower places taken by blocks that
/// could as well have lain elsewhere. @param bytes of the arena as buffers lie now
/// @param bound a smaller one is not looked for  @param rounds at most `most_raised`
/// @return of the smallest arena there was, in which they lie then; `bytes` where none was smaller, and they lie somewhere
constexpr std::size_t lower_top(const StreamNetwork& n, std::size_t bytes, std::size_t bound,
                                std::size_t rounds) noexcept {
  BufferRequest* raised[most_raised] = {};
  const auto place = [&](std::size_t round) {
    for (BufferRequest& buffer : n.buffers) {
      buffer.urgency = 0;
    }
    for (std::size_t k = 0; k < round; ++k) {
      raised[k]->urgency = k + 1;
    }
    return plan_memory(n.buffers, PlacementOrder::by_urgency, n.alignment);
  };
  std::size_t best = bytes;
  std::size_t best_round = 0;
  for (std::size_t round = 1; round <= rounds && best > bound; ++round) {
    raised[round - 1] = &topmost_block(n.buffers);
    const std::size_t now = place(round);
    best_round = now < best ? round : best_round;
    best = std::min(best, now);
  }
  return best < bytes ? place(best_round) : bytes;
}

}  // namespace detail

/// Runs all chains on counters.
constexpr void settle_groups(const StreamNetwork& n) noexcept {
  for (StepRequest& step : n.steps) {
    step.follows = step.over = no_buffer;
  }
  for (std::size_t j = 0; j < n.steps.size(); ++j) {
    if (n.steps[j].group_first != no_buffer) {  // a chain ends here
      const auto facts = detail::settle_chain(n, n.steps[j].group_first, static_cast<std::int32_t>(j));
      n.steps[j].follows = facts.follows;
      n.steps[j].distance = facts.distance;
    }
  }
  for (std::size_t j = 0; j < n.steps.size(); ++j) {
    StepRequest& step = n.steps[j];
    const std::int32_t input = step.inputs[0];
    const auto position = static_cast<std::int32_t>(j);
    if (!step.streams() && step.lag >= 0 &&
        n.buffers[static_cast<std::size_t>(input)].lifetime.last == position) {
      step.follows = input;
      step.distance = step.lag;
    }
  }
}

/// Gives every buffer its place, when groups are settled. @param limits what `cut_into_groups` said
/// @return the arena's bytes, or `unplannable`
constexpr std::size_t place_groups(const StreamNetwork& n, GroupLimits limits) noexcept {
  using detail::Follow;
  struct Try {
    Follow follow;
    PlacementOrder order;
  };
  // Few, and of large networks one: compilers bound what they compute, and typed networks are planned by them.
  constexpr Try tries[] = {{Follow::all, PlacementOrder::by_size},
                           {Follow::all, PlacementOrder::by_crowding},
                           {Follow::none, PlacementOrder::by_size},
                           {Follow::needed, PlacementOrder::by_size}};
  const bool is_large = n.steps.size() > large_network;
  const std::size_t count = is_large ? 1 : std::size(tries);
  const auto place = [&](const Try& how) {
    // As if nothing were spared: else outputs that need not follow their inputs lie apart, and the holes behind them cost
    // more than that.
    detail::share_memory(n, how.follow, limits.least);
    return plan_memory(n.buffers, how.order, n.alignment);
  };
  std::size_t best = place(tries[0]);
  std::size_t which = 0;
  for (std::size_t k = 1; k < count; ++k) {
    const std::size_t bytes = place(tries[k]);
    which = bytes < best ? k : which;
    best = std::min(best, bytes);
  }
  if (which + 1 != count) {
    place(tries[which]);
  }
  const std::size_t bound = is_large ? limits.most : align_up(memory_lower_bound(n.buffers), n.alignment);
  if (best <= bound) {
    return best;
  }
  const std::size_t lowered = detail::lower_top(n, best, bound, is_large ? 2 : detail::most_raised);
  return lowered < best ? lowered : place(tries[which]);
}

/// Takes more rows at once back, or lets it be again. @return whether that makes a difference
constexpr bool swap_wide_chains(std::span<StepRequest> steps) noexcept {
  bool any = false;
  for (const StepRequest& step : steps) {
    any = any || step.batch().rows != step.batches[step.other_width].rows || step.belt_batch != 0;
  }
  for (StepRequest& step : steps) {
    if (any) {
      std::swap(step.width, step.other_width);
      step.belted = step.belt_batch != 0 && !step.belted;
    }
  }
  return any;
}

/// Settles groups again with fewer rows at once, if that takes more than expected. @param wide what `place_groups` said
/// @return whether it did
constexpr bool settle_groups_again(const StreamNetwork& n, GroupLimits limits, std::size_t wide) noexcept {
  // The estimate knows of no holes between buffers; where it is far off, so may be the memory to spare.
  if (wide <= limits.most + limits.most / 64 || !swap_wide_chains(n.steps)) {
    return false;
  }
  settle_groups(n);
  return true;
}

/// Places what `settle_groups_again` has settled, and decides. @return the arena's bytes, or `unplannable`
constexpr std::size_t place_groups_again(const StreamNetwork& n, Aim aim, GroupLimits limits,
                                         std::size_t wide) noexcept {
  const std::size_t narrow = place_groups(n, limits);
  // Holes may be as large in a narrow plan, and belts take less than narrow chains. For `small` a wide plan also may be a
  // little larger; other aims, which typed networks have, are seldom placed a third time: compilers do that.
  if (narrow <= wide && (aim != Aim::small || wide > narrow + narrow / 8)) {
    return narrow;
  }
  swap_wide_chains(n.steps);
  settle_groups(n);
  return place_groups(n, limits);
}

/// Decides, and gives every buffer its place. Buffers come with the bytes and lifetimes of whole tensors and of each
/// step's scratch. @return the arena's bytes, or `unplannable`
constexpr std::size_t plan_streams(const StreamNetwork& n, Aim aim) noexcept {
  const GroupLimits limits = cut_into_groups(n, aim);
  settle_groups(n);
  const std::size_t bytes = place_groups(n, limits);
  return settle_groups_again(n, limits, bytes) ? place_groups_again(n, aim, limits, bytes) : bytes;
}

}  // namespace kinglet::inline KINGLET_TARGET
