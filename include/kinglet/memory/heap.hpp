// SPDX-License-Identifier: Apache-2.0
/// @file memory/heap.hpp
/// Aligned memory from the heap, for the parts that are allowed to use one.
#pragma once

#include <kinglet/core/align.hpp>
#include <memory>
#include <new>

#if KINGLET_HAS_MADVISE
#include <sys/mman.h>
#endif

namespace kinglet::inline KINGLET_TARGET {

/// Memory of this size or more is asked for in pages of this size, where the system has them: a first touch costs
/// microseconds a page, so 4 MiB of packed weights take 1,000 of them in small pages and 2 in large ones.
inline constexpr std::size_t large_page = std::size_t{2} << 20;

/// A line of the cache, and the widest register.
inline constexpr std::size_t heap_alignment = 64;

struct FreeAligned {
  std::size_t alignment = heap_alignment;
  void operator()(std::byte* memory) const noexcept {
    ::operator delete (memory, std::align_val_t{alignment});
  }
};
using AlignedBytes = std::unique_ptr<std::byte, FreeAligned>;

/// Memory aligned to `heap_alignment` at least, contents undefined; null when there is not that much.
inline AlignedBytes allocate_aligned(std::size_t bytes) noexcept {
  const bool large = bytes >= large_page && bytes <= static_cast<std::size_t>(-1) - large_page;
  const FreeAligned free{large ? large_page : heap_alignment};
  const std::size_t whole = large ? align_up(bytes, large_page) : bytes == 0 ? 1 : bytes;
  AlignedBytes memory(
      static_cast<std::byte*>(::operator new (whole, std::align_val_t{free.alignment}, std::nothrow)), free);
#if KINGLET_HAS_MADVISE
  if (large && memory) {
    static_cast<void>(::madvise(memory.get(), whole, MADV_HUGEPAGE));  // advice: refused, nothing is lost
  }
#endif
  return memory;
}

}  // namespace kinglet::inline KINGLET_TARGET
