// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_cuts.hpp
/// The best cuts of a network into groups: operators that run at once, and chains that stream. By dynamic programming over
/// the last operator of a group: first so that the largest sum of bytes alive at one time is smallest, then, within that,
/// so that the least time is lost. Chains that then have memory to spare make more rows at once, or their first operators
/// do, whose rows are shorter; some is spared for that.
#pragma once

#include <kinglet/memory/stream_belts.hpp>
#include <limits>
#include <numeric>

namespace kinglet::inline KINGLET_TARGET {
namespace detail {

/// The best group that ends with each step, by bytes within no limit, or by time within one. @return the bytes of the
/// largest operator at once
constexpr std::size_t find_cuts(std::span<StepRequest> steps, std::span<LineRequest> lines,
                                std::span<const BufferRequest> buffers, Aim aim, std::size_t limit) noexcept {
  const bool by_time = limit != unplannable;
  for (LineRequest& line : lines) {
    line.estimate = 0;
  }
  const std::int32_t longest = longest_chain(steps.size());
  std::size_t largest = 0;
  for (std::int32_t j = 0; j < static_cast<std::int32_t>(steps.size()); ++j) {
    StepRequest& end = steps[static_cast<std::size_t>(j)];
    const auto offer = [&](std::int32_t i, bool streams, std::size_t bytes, std::uint64_t lost, bool first) {
      const StepRequest* const before = i == 0 ? nullptr : &steps[static_cast<std::size_t>(i) - 1];
      const std::size_t peak = std::max(bytes, before == nullptr ? 0 : before->peak);
      const std::uint64_t all_lost = lost + (before == nullptr ? 0 : before->lost);
      const bool fits = peak <= limit;
      const bool better = by_time ? fits && (end.peak > limit || all_lost < end.lost)
                                  : peak < end.peak || (peak == end.peak && all_lost < end.lost);
      if (first || better) {
        end.cut = i;
        end.cut_streams = streams;
        end.peak = peak;
        end.lost = all_lost;
      }
    };
    ChainCost cost(steps.data(), lines.data(), buffers.first(lines.size()), j);
    const std::size_t at_once = cost.bytes_at_once();
    largest = std::max(largest, at_once);
    offer(j, false, at_once, 0, true);
    if (aim == Aim::fast || aim == Aim::observed || end.mode == RowMode::none) {
      continue;
    }
    follow_back(steps.data(), lines.data(), {j, longest});
    for (std::int32_t i = j; i >= 0 && i > j - longest && cost.extend(); --i) {
      if ((i != j || end.mode == RowMode::rows) && (aim == Aim::small || cost.is_free())) {
        offer(i, true, cost.bytes(), cost.lost(), false);
      }
    }
  }
  return largest;
}

/// Lets the first operators of the chain [i, j] make more rows at once, or most, so that the least calls are made while
/// its bytes keep within the limit.
constexpr void widen_chain(std::span<StepRequest> steps, std::span<LineRequest> lines,
                           std::span<const BufferRequest> buffers, std::int32_t i, std::int32_t j,
                           std::size_t limit) noexcept {
  const auto step = [&](std::int32_t k) -> StepRequest& { return steps[static_cast<std::size_t>(k)]; };
  std::int32_t first_reader[max_chain] = {};  // of each output; 0: none
  for (std::int32_t k = j; k >= i; --k) {
    for (const std::int32_t input : step(k).inputs) {
      const std::int32_t made = input == no_buffer ? -1 : lines[static_cast<std::size_t>(input)].made;
      if (made >= i) {
        first_reader[made - i] = k;
      }
    }
  }
  // Operators [i, most) make most rows, [most, more) more, [more, j] the fewest.
  const auto widen = [&](std::int32_t most, std::int32_t more) {
    for (std::int32_t k = j; k >= i; --k) {
      StepRequest& maker = step(k);
      maker.width = k < most ? most_rows : k < more ? more_rows : fewest_rows;
      lines[static_cast<std::size_t>(maker.output)].estimate = 0;
      maker.eager = false;
      if (const std::int32_t reader = first_reader[k - i]; reader != 0) {
        const std::int64_t asked = std::int64_t{step(reader).batch().rows} * step(reader).window.stride;
        maker.eager = maker.batch().rows > asked;
      }
    }
  };
  constexpr std::uint64_t too_large = std::numeric_limits<std::uint64_t>::max();
  const auto lost = [&](std::int32_t most, std::int32_t more) {
    widen(most, more);
    for (std::int32_t sink = i; sink <= j; ++sink) {
      follow_back(steps.data(), lines.data(), {sink, sink - i + 1});
    }
    ChainCost cost(steps.data(), lines.data(), buffers.first(lines.size()), j);
    bool streams = true;
    for (std::int32_t k = j; k >= i && streams; --k) {
      streams = cost.extend();
    }
    return streams && cost.bytes() <= limit ? cost.lost() : too_large;
  };
  // Along the border of what fits, in one pass: the fewer make more, the more can make most, nearly always.
  std::int32_t most = i;
  std::int32_t best[2] = {i, i};
  std::uint64_t least = too_large;
  for (std::int32_t more = j + 1; more >= most; --more) {
    std::uint64_t now = lost(most, more);
    while (now != too_large && most < more) {
      const std::uint64_t next = lost(most + 1, more);
      if (next == too_large) {
        break;
      }
      now = next;
      ++most;
    }
    if (now < least) {
      least = now;
      best[0] = most;
      best[1] = more;
    }
  }
  static_cast<void>(lost(best[0], best[1]));  // which leaves the estimates of these widths
}

}  // namespace detail

/// Operators that read or write a tensor without one clear maker, or with too many rows, only run at once.
constexpr void keep_whole(std::span<StepRequest> steps, std::span<const LineRequest> lines) noexcept {
  const auto clear = [&](std::int32_t tensor) {
    return tensor == no_buffer || lines[static_cast<std::size_t>(tensor)].made != LineRequest::ambiguous;
  };
  for (StepRequest& step : steps) {
    const bool many_rows = step.rows > most_streamed_rows || step.input_rows > most_streamed_rows;
    if (step.output == no_buffer || many_rows || !clear(step.output) || !clear(step.inputs[0]) ||
        !clear(step.inputs[1])) {
      step.mode = RowMode::none;
    }
  }
}

/// Sets `lag` of all steps that may follow their input at once.
constexpr void set_lags(const StreamNetwork& n) noexcept {
  constexpr std::size_t longest_pixel = std::size_t{1} << 20;  // multiples of it keep within any size
  for (StepRequest& step : n.steps) {
    step.lag = -1;
    if (step.follow_step == 0 || step.follow_step > longest_pixel || step.mode != RowMode::rows ||
        step.inputs[0] == no_buffer) {
      continue;
    }
    const LineRequest& from = n.lines[static_cast<std::size_t>(step.inputs[0])];
    const LineRequest& to = n.lines[static_cast<std::size_t>(step.output)];
    const std::size_t distance = detail::FollowedRows{step.window.stride, -step.window.before, step.rows, 1,
                                                      from.row_bytes,     to.row_bytes}
                                     .distance();
    const std::size_t unit = std::lcm(step.follow_step, n.alignment);
    const std::size_t lag = (distance + unit - 1) / unit * unit;
    if (lag < n.buffers[static_cast<std::size_t>(step.output)].bytes) {
      step.lag = static_cast<std::ptrdiff_t>(lag);
    }
  }
}

/// Bytes of the largest group, by estimate.
struct GroupLimits {
  std::size_t least = 0;  ///< while every chain makes as few rows at once as it can
  std::size_t most = 0;   ///< with what is spared for more rows at once
};

/// Cuts the network into groups: sets `group_first` of every chain's last step.
constexpr GroupLimits cut_into_groups(const StreamNetwork& n, Aim aim) noexcept {
  const auto [steps, lines, buffers, links, alignment, call_work] = n;
  if (steps.empty()) {
    return {};
  }
  keep_whole(steps, lines);
  set_lags(n);
  for (StepRequest& step : steps) {
    step.width = step.other_width = fewest_rows;  // no more by an earlier plan
    step.eager = step.belted = step.is_on_belt = false;
    step.belt_batch = 0;
  }
  const std::size_t at_once = detail::find_cuts(steps, lines, buffers, aim, unplannable);
  const std::size_t least = steps.back().peak;
  static_cast<void>(detail::find_cuts(steps, lines, buffers, aim, least));
  std::uint64_t work = 0;
  for (const StepRequest& step : steps) {
    work += step.work;
  }
  const std::size_t spare = std::min(least / spare_share(aim, steps.back().lost * call_work, work),
                                     at_once - least);  // no more than without chains
  const std::size_t limit = least + spare;
  for (StepRequest& step : steps) {
    step.group_first = step.chain_first = step.chain_last = no_buffer;
  }
  for (auto j = static_cast<std::int32_t>(steps.size()) - 1; j >= 0;) {
    StepRequest& step = steps[static_cast<std::size_t>(j)];
    step.group_first = step.cut_streams ? step.cut : no_buffer;
    if (step.cut_streams) {
      detail::widen_chain(steps, lines, buffers, step.cut, j, limit);
      if (detail::BeltSearch belt(n, step.cut, j); belt.found()) {
        belt.choose(limit);
      }
    }
    j = step.cut - 1;
  }
  return {least, limit};
}

}  // namespace kinglet::inline KINGLET_TARGET
