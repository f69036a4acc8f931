// SPDX-License-Identifier: Apache-2.0
/// @file memory/planner.hpp
/// The one memory planner, for typed networks (at compile time) and for files (when they are loaded).
///
/// First fit, in an order:
/// 1. Buffers that share memory (`shares_with`) are pieces of one block: each lies `shift` bytes from the block's
///    first, each with a lifetime of its own. Pieces of one block may overlap; whoever asks for it knows why.
/// 2. Take the block that has no place yet and comes first: the biggest, the one alive when most bytes are, or as
///    whoever asks says; of equals the biggest, then the one alive earliest, then the first listed.
/// 3. Find the lowest place where no piece overlaps, in time and in memory, one that has its place; put it there.
/// 4. Repeat from 2. The arena ends where the highest buffer ends.
///
/// Time O(n^2), no memory beyond the list itself. Which operators run row by row, and so which buffers hold a few
/// rows only, is decided before that: memory/stream_planner.hpp.
#pragma once

#include <kinglet/core/align.hpp>
#include <kinglet/memory/lifetime.hpp>
#include <limits>
#include <span>

namespace kinglet::inline KINGLET_TARGET {

inline constexpr std::int32_t no_buffer = -1;

/// A buffer that wants a place. 0 bytes: none needed.
struct BufferRequest {
  std::size_t bytes = 0;
  Lifetime lifetime{};
  /// First buffer of the block that this one is a piece of; it must not itself share.
  std::int32_t shares_with = no_buffer;
  std::int32_t owner = -1;  ///< the caller's own: who the buffer belongs to, e.g. a tensor's index
  /// Bytes from that first buffer to this one, a multiple of `buffer_alignment`; negative: this one begins lower.
  std::ptrdiff_t shift = 0;
  /// Result: bytes from the arena's start, a multiple of `buffer_alignment`.
  std::size_t offset = 0;
  // The planner's own.
  std::int32_t next =
      no_buffer;  ///< the placed buffer that follows in the arena, or the next block that waits
  std::int32_t piece = no_buffer;  ///< the next piece of the same block
  std::ptrdiff_t low = 0;          ///< of a block's first buffer: the least shift in it
  std::ptrdiff_t high = 0;         ///< and the highest end
  std::size_t urgency =
      0;  ///< of a block's first buffer: it is placed before those with less (by_urgency: given)

  [[nodiscard]] constexpr std::ptrdiff_t end() const noexcept {
    return shift + static_cast<std::ptrdiff_t>(bytes);
  }
};

/// Notes that a buffer of `bytes` is written or read in `step`. The first use begins its lifetime.
constexpr void use_buffer(BufferRequest& request, std::size_t bytes, std::int32_t step) noexcept {
  if (request.bytes == 0) {
    request.bytes = bytes;
    request.lifetime = {step, step};
  } else {
    request.lifetime.include(step);
  }
}

/// Makes `piece` a piece of the block of `of`, `shift` bytes behind it.
constexpr void share_block(std::span<BufferRequest> requests, std::int32_t of, std::int32_t piece,
                           std::ptrdiff_t shift) noexcept {
  const BufferRequest& from = requests[static_cast<std::size_t>(of)];
  BufferRequest& to = requests[static_cast<std::size_t>(piece)];
  to.shares_with = from.shares_with == no_buffer ? of : from.shares_with;
  to.shift = from.shift + shift;
}

/// Lets an operator write `output` over `input` in step `step`, if nothing reads `input` later. Both must
/// have their final lifetimes; call it for the steps in order. @return whether they now share memory.
constexpr bool share_if_dead(std::span<BufferRequest> requests, std::int32_t input, std::int32_t output,
                             std::int32_t step) noexcept {
  const BufferRequest& from = requests[static_cast<std::size_t>(input)];
  const BufferRequest& to = requests[static_cast<std::size_t>(output)];
  if (from.lifetime.last != step || to.lifetime.first != step || from.bytes == 0) {
    return false;
  }
  share_block(requests, input, output, 0);
  return true;
}

/// More bytes than any arena has: the answer when offsets would leave the range of a size.
inline constexpr std::size_t unplannable = std::numeric_limits<std::size_t>::max();

namespace detail {

/// Lists the pieces of every block and the block's ends.
constexpr void link_pieces(std::span<BufferRequest> requests) noexcept {
  for (BufferRequest& r : requests) {
    r.piece = no_buffer;
    r.low = 0;
    r.high = static_cast<std::ptrdiff_t>(r.bytes);
  }
  for (std::size_t i = requests.size(); i-- > 0;) {
    BufferRequest& r = requests[i];
    if (r.shares_with != no_buffer && r.bytes != 0) {
      BufferRequest& first = requests[static_cast<std::size_t>(r.shares_with)];
      r.piece = first.piece;
      first.piece = static_cast<std::int32_t>(i);
      first.low = std::min(first.low, r.shift);
      first.high = std::max(first.high, r.end());
    }
  }
}

// Pointers instead of spans in what follows: the compiler counts every call when it plans a typed network.

/// The lowest place of a block's first buffer at which no piece collides with a placed buffer.
/// @param head of the placed buffers, in order of offset
constexpr std::ptrdiff_t find_place(const BufferRequest* requests, std::int32_t head, std::int32_t block,
                                    std::size_t alignment) noexcept {
  constexpr int most_passes = 16;  // a second one is rare; then the block goes on top of all
  const std::ptrdiff_t lowest = -requests[block].low;
  std::ptrdiff_t place = lowest;
  for (int pass = 0; pass < most_passes; ++pass) {
    bool moved = false;
    for (std::int32_t i = head; i != no_buffer; i = requests[i].next) {
      const BufferRequest& other = requests[i];
      const auto begin = static_cast<std::ptrdiff_t>(other.offset);
      const std::ptrdiff_t end = begin + static_cast<std::ptrdiff_t>(other.bytes);
      for (std::int32_t p = block; p != no_buffer; p = requests[p].piece) {
        const BufferRequest& piece = requests[p];
        const std::ptrdiff_t at = place + piece.shift;
        if (at < end && begin < at + static_cast<std::ptrdiff_t>(piece.bytes) &&
            piece.lifetime.overlaps(other.lifetime)) {
          place =
              static_cast<std::ptrdiff_t>(align_up(static_cast<std::size_t>(end - piece.shift), alignment));
          moved = true;
        }
      }
    }
    // A single buffer only moves past buffers that begin lower than those that follow: once is enough.
    if (!moved || requests[block].piece == no_buffer) {
      return place;
    }
  }
  std::size_t top = 0;
  for (std::int32_t i = head; i != no_buffer; i = requests[i].next) {
    top = std::max(top, align_up(requests[i].offset + requests[i].bytes, alignment));
  }
  return static_cast<std::ptrdiff_t>(top) + lowest;
}

/// Puts a buffer into the list of placed ones, behind every buffer that starts lower. @return the list's head.
constexpr std::int32_t insert_placed(BufferRequest* requests, std::int32_t head, std::int32_t self) noexcept {
  BufferRequest& r = requests[self];
  std::int32_t after = no_buffer;
  std::int32_t follow = head;
  while (follow != no_buffer && requests[follow].offset <= r.offset) {
    after = follow;
    follow = requests[follow].next;
  }
  r.next = follow;
  if (after == no_buffer) {
    return self;
  }
  requests[after].next = self;
  return head;
}

/// Of two blocks, whether the one is placed before the other, which is listed earlier.
constexpr bool comes_before(const BufferRequest& one, const BufferRequest& other) noexcept {
  const std::ptrdiff_t size = one.high - one.low;
  const std::ptrdiff_t other_size = other.high - other.low;
  return one.urgency != other.urgency                 ? one.urgency > other.urgency
         : size != other_size                         ? size > other_size
         : one.lifetime.first != other.lifetime.first ? one.lifetime.first < other.lifetime.first
                                                      : one.lifetime.last < other.lifetime.last;
}

/// Takes the block that is placed next out of the list of those that wait for it.
constexpr std::int32_t take_next_block(BufferRequest* requests, std::int32_t& waiting) noexcept {
  std::int32_t best = waiting;
  std::int32_t before_best = no_buffer;
  std::int32_t before = waiting;
  for (std::int32_t i = requests[waiting].next; i != no_buffer; i = requests[i].next) {
    if (comes_before(requests[i], requests[best])) {
      best = i;
      before_best = before;
    }
    before = i;
  }
  (before_best == no_buffer ? waiting : requests[before_best].next) = requests[best].next;
  return best;
}

}  // namespace detail

/// Which blocks are placed first.
enum class PlacementOrder : std::uint8_t {
  by_size,
  by_crowding,
  by_urgency,  ///< as `BufferRequest::urgency` is, then by size
};

namespace detail {

/// Most bytes alive at one time in the life of each block.
constexpr void set_crowding(BufferRequest* begin, BufferRequest* end) noexcept {
  for (const BufferRequest* at = begin; at != end; ++at) {
    if (at->bytes == 0) {
      continue;
    }
    const std::int32_t now = at->lifetime.first;
    std::size_t sum = 0;
    for (const BufferRequest* r = begin; r != end; ++r) {
      sum += r->lifetime.first <= now && now <= r->lifetime.last ? r->bytes : 0;
    }
    for (BufferRequest* r = begin; r != end; ++r) {
      if (r->lifetime.first <= now && now <= r->lifetime.last) {
        BufferRequest& first = r->shares_with == no_buffer ? *r : begin[r->shares_with];
        first.urgency = std::max(first.urgency, sum);
      }
    }
  }
}

}  // namespace detail

/// Gives every request an offset. @param alignment of offsets, a multiple of `buffer_alignment`, as shifts should be
/// @return the arena's bytes, or `unplannable` (then offsets mean nothing).
constexpr std::size_t plan_memory(std::span<BufferRequest> requests,
                                  PlacementOrder order = PlacementOrder::by_size,
                                  std::size_t alignment = buffer_alignment) noexcept {
  const std::size_t highest = unplannable / 2 & ~(alignment - 1);  // where an arena may end at most
  for (BufferRequest& r : requests) {
    r.offset = 0;
    if (r.bytes > highest) {
      return unplannable;
    }
  }
  detail::link_pieces(requests);
  std::int32_t waiting = no_buffer;
  for (std::size_t i = requests.size(); i-- > 0;) {
    BufferRequest& r = requests[i];
    r.urgency = order == PlacementOrder::by_urgency ? r.urgency : 0;
    if (r.shares_with == no_buffer && (r.bytes != 0 || r.piece != no_buffer)) {
      r.next = waiting;
      waiting = static_cast<std::int32_t>(i);
    }
  }
  if (order == PlacementOrder::by_crowding) {
    detail::set_crowding(requests.data(), requests.data() + requests.size());
  }
  std::int32_t head = no_buffer;
  std::size_t total = 0;
  BufferRequest* const all = requests.data();
  while (waiting != no_buffer) {
    const std::int32_t block = detail::take_next_block(all, waiting);
    const BufferRequest& first = all[block];
    const std::ptrdiff_t place = detail::find_place(all, head, block, alignment);
    if (static_cast<std::size_t>(first.high) > highest - static_cast<std::size_t>(place)) {
      return unplannable;
    }
    for (std::int32_t p = block; p != no_buffer; p = all[p].piece) {
      BufferRequest& piece = all[p];
      piece.offset = static_cast<std::size_t>(place + piece.shift);
      if (piece.bytes != 0) {
        head = detail::insert_placed(all, head, p);
      }
    }
    total = std::max(total, static_cast<std::size_t>(place + first.high));
  }
  return align_up(total);
}

/// Largest sum of bytes alive at one step, what pieces of a block have in common counted once: no plan of these
/// buffers is smaller.
constexpr std::size_t memory_lower_bound(std::span<BufferRequest> requests) noexcept {
  detail::link_pieces(requests);
  std::size_t bound = 0;
  for (const BufferRequest& at : requests) {
    const Lifetime now{at.lifetime.first, at.lifetime.first};
    std::size_t sum = 0;
    for (const BufferRequest& r : requests) {
      if (r.shares_with != no_buffer) {
        continue;
      }
      std::ptrdiff_t low = std::numeric_limits<std::ptrdiff_t>::max();
      std::ptrdiff_t high = std::numeric_limits<std::ptrdiff_t>::min();
      const BufferRequest* piece = &r;
      for (;;) {
        if (piece->bytes != 0 && piece->lifetime.overlaps(now)) {
          low = std::min(low, piece->shift);
          high = std::max(high, piece->end());
        }
        if (piece->piece == no_buffer) {
          break;
        }
        piece = &requests[static_cast<std::size_t>(piece->piece)];
      }
      sum += high > low ? static_cast<std::size_t>(high - low) : 0;
    }
    bound = std::max(bound, sum);
  }
  return bound;
}

}  // namespace kinglet::inline KINGLET_TARGET
