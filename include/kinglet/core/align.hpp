// SPDX-License-Identifier: Apache-2.0
/// @file core/align.hpp
/// Alignment of memory that kernels read and write.
#pragma once

#include <bit>
#include <kinglet/core/config.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Bytes that all memory given to kernels is aligned to: one SSE or NEON register, and what `.tflite` files force for
/// their constants. Kernels do not rely on more. With arenas aligned to `isa::register_bytes`, as planned buffers are in
/// them, no register's worth of a buffer crosses two lines of the cache, which takes longer.
inline constexpr std::size_t buffer_alignment = 16;

/// `value` rounded up to a multiple of `alignment`, a power of two. Wraps when the sum overflows: callers
/// pass sizes that were checked.
constexpr std::size_t align_up(std::size_t value, std::size_t alignment = buffer_alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

inline bool is_aligned(const void* pointer, std::size_t alignment = buffer_alignment) noexcept {
  return (std::bit_cast<std::uintptr_t>(pointer) & (alignment - 1)) == 0;
}

}  // namespace kinglet::inline KINGLET_TARGET
