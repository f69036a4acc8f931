// SPDX-License-Identifier: Apache-2.0
/// @file memory/planner.hpp
/// The one memory planner, for typed networks (at compile time) and for files (when they are loaded).
///
/// First fit by size:
/// 1. Buffers that share memory (`shares_with`) become one, alive whenever one of them is.
/// 2. Take the biggest buffer that has no place yet; of equals, the one alive earliest, then the first
///    listed.
/// 3. Among the placed buffers whose lifetimes overlap its own, in order of offset, find the first gap that
///    holds it; put it there.
/// 4. Repeat from 2. The arena ends where the highest buffer ends.
///
/// Time O(n^2), no memory beyond the list itself.
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
  /// Index of a buffer whose memory this one uses as well (an operator that writes over its input). That
  /// buffer must not itself share; `plan_memory` follows one link.
  std::int32_t shares_with = no_buffer;
  std::int32_t owner = -1;  ///< the caller's own: who the buffer belongs to, e.g. a tensor's index
  /// Result: bytes from the arena's start, a multiple of `buffer_alignment`.
  std::size_t offset = 0;
  std::int32_t next = no_buffer;  ///< the planner's own: the placed buffer that follows in the arena
  bool placed = false;            ///< the planner's own
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

/// Lets an operator write `output` over `input` in step `step`, if nothing reads `input` later. Both must
/// have their final lifetimes; call it for the steps in order. @return whether they now share memory.
constexpr bool share_if_dead(std::span<BufferRequest> requests, std::int32_t input, std::int32_t output,
                             std::int32_t step) noexcept {
  BufferRequest& from = requests[static_cast<std::size_t>(input)];
  BufferRequest& to = requests[static_cast<std::size_t>(output)];
  if (from.lifetime.last != step || to.lifetime.first != step || from.bytes == 0) {
    return false;
  }
  to.shares_with = from.shares_with == no_buffer ? input : from.shares_with;
  return true;
}

/// More bytes than any arena has: the answer when offsets would leave the range of a size.
inline constexpr std::size_t unplannable = std::numeric_limits<std::size_t>::max();

/// Gives every request an offset. @return the arena's bytes, or `unplannable` (then offsets mean nothing).
constexpr std::size_t plan_memory(std::span<BufferRequest> requests) noexcept {
  constexpr std::size_t highest = unplannable & ~(buffer_alignment - 1);  // where an arena may end at most
  for (BufferRequest& r : requests) {
    if (r.shares_with != no_buffer && r.bytes != 0) {
      BufferRequest& owner = requests[static_cast<std::size_t>(r.shares_with)];
      owner.bytes = std::max(owner.bytes, r.bytes);
      owner.lifetime.include(r.lifetime.first);
      owner.lifetime.include(r.lifetime.last);
    }
  }
  for (BufferRequest& r : requests) {
    r.placed = r.bytes == 0 || r.shares_with != no_buffer;
    r.offset = 0;
  }
  const auto bigger = [](const BufferRequest& a, const BufferRequest& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.lifetime.first < b.lifetime.first;
  };
  std::int32_t head = no_buffer;  // of the placed buffers, in order of offset
  std::size_t total = 0;
  for (;;) {
    BufferRequest* best = nullptr;
    for (BufferRequest& r : requests) {
      if (!r.placed && (best == nullptr || bigger(r, *best))) {
        best = &r;
      }
    }
    if (best == nullptr) {
      break;
    }
    std::size_t gap = 0;  // the lowest offset not yet ruled out
    std::int32_t after = no_buffer;
    for (std::int32_t i = head; i != no_buffer; i = requests[static_cast<std::size_t>(i)].next) {
      const BufferRequest& other = requests[static_cast<std::size_t>(i)];
      if (other.lifetime.overlaps(best->lifetime)) {
        if (other.offset >= gap && other.offset - gap >= best->bytes) {
          break;
        }
        gap = std::max(gap, align_up(other.offset + other.bytes));
      }
    }
    if (best->bytes > highest - gap) {
      return unplannable;
    }
    best->offset = gap;
    best->placed = true;
    total = std::max(total, gap + best->bytes);
    // Insert into the list behind every buffer that starts lower.
    std::int32_t follow = head;
    while (follow != no_buffer && requests[static_cast<std::size_t>(follow)].offset <= gap) {
      after = follow;
      follow = requests[static_cast<std::size_t>(follow)].next;
    }
    const auto self = static_cast<std::int32_t>(best - requests.data());
    best->next = follow;
    if (after == no_buffer) {
      head = self;
    } else {
      requests[static_cast<std::size_t>(after)].next = self;
    }
  }
  for (BufferRequest& r : requests) {
    if (r.shares_with != no_buffer && r.bytes != 0) {
      r.offset = requests[static_cast<std::size_t>(r.shares_with)].offset;
    }
  }
  return align_up(total);
}

/// Largest sum of bytes alive at one step: no plan is smaller. Call before `plan_memory`, or after it
/// (sharing buffers are counted once, with their owner).
constexpr std::size_t memory_lower_bound(std::span<const BufferRequest> requests) noexcept {
  std::size_t bound = 0;
  for (const BufferRequest& at : requests) {
    std::size_t sum = 0;
    for (const BufferRequest& r : requests) {
      if (r.shares_with == no_buffer && r.lifetime.overlaps({at.lifetime.first, at.lifetime.first})) {
        sum += r.bytes;
      }
    }
    bound = std::max(bound, sum);
  }
  return bound;
}

}  // namespace kinglet::inline KINGLET_TARGET
