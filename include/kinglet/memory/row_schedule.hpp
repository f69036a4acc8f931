// SPDX-License-Identifier: Apache-2.0
/// @file memory/row_schedule.hpp
/// The order in which a chain of operators runs row by row. Planner and runner share it: what the planner counts is
/// what happens.
///
/// Rows are pulled from the chain's end:
/// 1. Take the last operator that still has rows to make and whose output is kept whole.
/// 2. While rows that it reads have not been made: go to the operator that makes them; of two, to the earlier one.
/// 3. Run it for the rows that are asked for, at most `batch` at once. Repeat from 1.
/// So every row is made once, as late as possible, and an operator's only reader often runs right behind it.
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
  RowWindow window{};
  std::int32_t input_rows = 0;  ///< of the image that the window moves over
  std::int32_t rows = 0;        ///< that it makes; folding: that it takes
  std::int32_t batch = 1;       ///< most rows made at once
  std::int32_t stored = 0;      ///< rows its output has memory for
  // While running.
  std::int32_t next = 0;  ///< the first row not made yet
  std::int32_t take = 0;  ///< rows that are made next
  std::int32_t base = 0;  ///< the row that lies where the output's memory begins

  [[nodiscard]] constexpr bool done() const noexcept { return next >= rows; }
  /// Rows [first_read, end_read) of the inputs are read for the next `take` rows; none where end <= first.
  [[nodiscard]] constexpr std::int32_t first_read() const noexcept { return std::max(window.first(next), 0); }
  [[nodiscard]] constexpr std::int32_t end_read() const noexcept {
    return std::min(window.end(next + take - 1), input_rows);
  }
};

/// The link that runs next, its `take` set; `RowLink::outside` when all rows have been made.
constexpr std::int32_t next_link(std::span<RowLink> links) noexcept {
  for (std::size_t target = links.size(); target-- > 0;) {
    if (!links[target].whole_output || links[target].done()) {
      continue;
    }
    std::size_t at = target;
    std::int32_t asked = links[target].rows;
    for (;;) {
      RowLink& link = links[at];
      link.take = std::min(link.batch, asked - link.next);
      const std::int32_t end = link.end_read();
      std::int32_t missing = RowLink::outside;
      for (const std::int16_t p : link.producers) {
        if (p != RowLink::outside && links[static_cast<std::size_t>(p)].next < end &&
            (missing == RowLink::outside || p < missing)) {
          missing = p;
        }
      }
      if (missing == RowLink::outside) {
        return static_cast<std::int32_t>(at);
      }
      at = static_cast<std::size_t>(missing);
      asked = end;
    }
  }
  return RowLink::outside;
}

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

/// Puts a chain back to its first row.
constexpr void rewind(std::span<RowLink> links) noexcept {
  for (RowLink& link : links) {
    link.next = 0;
    link.base = 0;
  }
}

}  // namespace kinglet::inline KINGLET_TARGET
