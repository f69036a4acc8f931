// SPDX-License-Identifier: Apache-2.0
/// @file memory/row_schedule.hpp
/// The order in which a chain of operators runs row by row. Planner and runner share it: what the planner counts is
/// what happens.
///
/// Rows are pulled from the chain's end:
/// 1. Take the last operator that still has rows to make and whose output is kept whole.
/// 2. While rows that it reads have not been made: go to the operator that makes them; of two, to the earlier one.
/// 3. Run it for the rows that are asked for, at most `batch` at once; or for a whole batch if it is eager. Repeat from 1.
/// So every row is made once, as late as possible, and an operator's only reader often runs right behind it: links that
/// `feeds` joins are one in what is asked for, and then run one behind the other.
#pragma once

#include <algorithm>
#include <kinglet/core/config.hpp>
#include <limits>
#include <span>

namespace kinglet::inline KINGLET_TARGET {

/// Rows of an input under an operator's window: output row y reads the input's rows
/// [y * stride - before, y * stride - before + reach) as far as they exist. `reach` counts a dilated filter's gaps.
struct RowWindow {
  std::int32_t stride = 1;
  std::int32_t before = 0;
  std::int32_t reach = 1;

  [[nodiscard]] constexpr std::int32_t first(std::int32_t y) const noexcept { return y * stride - before; }
  [[nodiscard]] constexpr std::int32_t end(std::int32_t y) const noexcept { return first(y) + reach; }
  [[nodiscard]] constexpr bool is_one_row() const noexcept {
    return stride == 1 && before == 0 && reach == 1;
  }
  friend constexpr bool operator==(const RowWindow&, const RowWindow&) = default;
};

/// One operator of a chain, and the rows of its output that exist.
struct RowLink {
  static constexpr std::int16_t outside = -1;

  std::int16_t producers[2] = {outside,
                               outside};  ///< links that make its inputs; outside: whole before the chain
  std::int16_t last_reader = outside;     ///< of its output; outside: none in the chain
  bool whole_output = false;              ///< all rows are kept: the chain's result, or read after it
  bool wraps =
      false;  ///< rows of its output go round in their memory, one is made at a time, and none is moved
  bool eager = false;  ///< makes `batch` rows whenever one is asked for
  bool feeds = false;  ///< the next link is its only reader, and makes the same rows right behind it
  std::int16_t belt_end =
      outside;  ///< of a belt's first link (memory/stream_belts.hpp): outputs up to this link's lie in the same memory
  RowWindow window{};
  std::int32_t input_rows = 0;  ///< of the image that the window moves over
  std::int32_t rows = 0;        ///< that it makes; folding: that it takes
  std::int32_t batch = 1;       ///< most rows made at once
  std::int32_t stored = 0;      ///< rows its output has memory for
  std::int32_t origin = 0;      ///< row 0 lies in front so many rows from where the output's memory begins
  // While running.
  std::int32_t next = 0;  ///< the first row not made yet
  std::int32_t take = 0;  ///< rows that are made next
  std::int32_t base = 0;  ///< the row that lies where the output's memory begins, or did

  /// Where a row of the output lies that has not been overwritten.
  [[nodiscard]] constexpr std::int32_t place_of(std::int32_t row) const noexcept {
    return row - base + (wraps && row < base ? stored : 0);
  }

  [[nodiscard]] constexpr bool done() const noexcept { return next >= rows; }
  /// Rows [first_read, end_read) of the inputs are read for the next `take` rows; none where end <= first.
  [[nodiscard]] constexpr std::int32_t first_read() const noexcept {
    return std::max<std::int32_t>(window.first(next), 0);
  }
  [[nodiscard]] constexpr std::int32_t end_read() const noexcept {
    return std::min(window.end(next + take - 1), input_rows);
  }
};

/// Longest chain.
inline constexpr std::int32_t max_chain = 32;

/// A link that runs next, for its next `take` rows.
struct RowTurn {
  std::int16_t link = 0;
  std::int32_t first = 0;  ///< row of the input where its window begins, outside the image too
  std::int32_t end = 0;    ///< of the rows it reads
};

/// Says which link of a chain runs next. Keeps the way from the chain's end to where it is, so that a step costs a look
/// at one or two links: small images have as many as their kernels take time for.
class RowSchedule {
 public:
  /// Puts the chain back to its first row.
  constexpr explicit RowSchedule(std::span<RowLink> links) noexcept : links_(links) {
    for (RowLink& link : links) {
      link.next = 0;
      link.base = -link.origin;
    }
  }

  /// The link that runs next, its `take` set; null when all rows have been made. Valid until the next call.
  constexpr const RowTurn* next() noexcept {
    if (feeds_) {
      const std::int32_t take = link_of(turn_.link).take;
      RowLink& fed = link_of(++turn_.link);
      fed.take = take;
      turn_.first = fed.next;
      turn_.end = fed.next + take;
      feeds_ = fed.feeds;
      return &turn_;
    }
    if (depth_ == 0 && !start()) {
      return nullptr;
    }
    for (;;) {
      turn_ = way_[depth_ - 1];
      const RowLink& link = link_of(turn_.link);
      const std::int16_t missing = missing_producer(link, turn_.end);
      if (missing == RowLink::outside) {
        --depth_;  // whoever asked looks again
        feeds_ = link.feeds;
        return &turn_;
      }
      descend(missing, turn_.end);
    }
  }

 private:
  [[nodiscard]] constexpr RowLink& link_of(std::int16_t k) const noexcept {
    return links_[static_cast<std::size_t>(k)];
  }
  /// The last link that has rows to make and keeps all of them.
  constexpr bool start() noexcept {
    for (std::size_t target = links_.size(); target-- > 0;) {
      if (links_[target].whole_output && !links_[target].done()) {
        descend(static_cast<std::int16_t>(target), links_[target].rows);
        return true;
      }
    }
    return false;
  }
  constexpr void descend(std::int16_t to, std::int32_t asked) noexcept {
    while (to > 0 && link_of(static_cast<std::int16_t>(to - 1)).feeds) {
      --to;
    }
    RowLink& link = link_of(to);
    link.take = std::min(link.batch, (link.eager ? link.rows : asked) - link.next);
    way_[depth_++] = {to, link.window.first(link.next), link.end_read()};
  }
  [[nodiscard]] constexpr std::int16_t missing_producer(const RowLink& link,
                                                        std::int32_t end) const noexcept {
    const auto lacks = [&](std::int16_t p) { return p != RowLink::outside && link_of(p).next < end; };
    const auto [a, b] = link.producers;
    return lacks(a) && (!lacks(b) || a < b) ? a : lacks(b) ? b : RowLink::outside;
  }

  std::span<RowLink> links_;
  RowTurn way_[max_chain] = {};
  std::size_t depth_ = 0;
  RowTurn turn_{};
  bool feeds_ = false;  ///< the link of `turn_`, which has run
};

/// The first row of a link's output that a later row of the chain still reads; past the last one if none does.
constexpr std::int32_t oldest_row(std::span<const RowLink> links, std::size_t of) noexcept {
  std::int32_t oldest = std::numeric_limits<std::int32_t>::max();
  for (std::int32_t k = static_cast<std::int32_t>(of) + 1; k <= links[of].last_reader; ++k) {
    const RowLink& reader = links[static_cast<std::size_t>(k)];
    for (const std::int16_t p : reader.producers) {
      if (p == static_cast<std::int32_t>(of) && !reader.done()) {
        oldest = std::min(oldest, reader.first_read());
      }
    }
  }
  return oldest;
}

/// The lowest place in the memory of a link's output, or of the belt that begins with it, that is still read or is next
/// written.
constexpr std::int32_t lowest_place(std::span<const RowLink> links, std::size_t first) noexcept {
  std::int32_t lowest = std::numeric_limits<std::int32_t>::max();
  const std::size_t end = links[first].belt_end == RowLink::outside
                              ? first + 1
                              : static_cast<std::size_t>(links[first].belt_end) + 1;
  for (std::size_t k = first; k < end; ++k) {
    lowest = std::min(lowest, std::min(oldest_row(links, k), links[k].next) - links[k].base);
  }
  return lowest;
}

/// All rows of a link's output, and of the belt that begins with it, lie so many places lower from now on.
constexpr void lower_rows(std::span<RowLink> links, std::size_t first, std::int32_t by) noexcept {
  std::size_t k = first;
  do {
    links[k].base += by;
  } while (static_cast<std::int32_t>(k++) < links[first].belt_end);
}

/// Runs a chain on counters: sets the rows that outputs which are not whole must have memory for.
/// @param before (k): called before link k runs
template <class Before>
constexpr void count_stored_rows(std::span<RowLink> chain, Before before) noexcept {
  RowSchedule schedule(chain);
  while (const RowTurn* const turn = schedule.next()) {
    const auto k = static_cast<std::size_t>(turn->link);
    RowLink& link = chain[k];
    before(k);
    if (!link.whole_output) {
      link.stored = std::max(link.stored, link.next + link.take - link.base - lowest_place(chain, k));
    }
    link.next += link.take;
  }
}

}  // namespace kinglet::inline KINGLET_TARGET
