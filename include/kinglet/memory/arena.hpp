// SPDX-License-Identifier: Apache-2.0
/// @file memory/arena.hpp
/// Hands out pieces of a caller's memory, one after another. Without memory it only counts, so that one piece
/// of code both measures what it needs and, called again with that much, makes it.
#pragma once

#include <kinglet/core/align.hpp>
#include <kinglet/core/checked.hpp>
#include <new>
#include <span>
#include <type_traits>

namespace kinglet::inline KINGLET_TARGET {

class Arena {
 public:
  /// Measures only: every request gives a null pointer and is counted.
  constexpr Arena() noexcept = default;
  /// @param memory aligned to `buffer_alignment`.
  constexpr explicit Arena(std::span<std::byte> memory) noexcept : memory_(memory), counting_(false) {}

  /// `count` default-constructed objects; null when measuring, or when memory is short (then `exhausted()`).
  template <class T>
  T* make(std::size_t count = 1) noexcept {
    static_assert(std::is_trivially_destructible_v<T>, "kinglet: Arena: objects are never destroyed");
    static_assert(alignof(T) <= buffer_alignment, "kinglet: Arena: alignment is at most buffer_alignment");
    const auto bytes = checked_mul(count, sizeof(T));
    std::byte* const start = bytes ? take(*bytes) : fail();
    if (start == nullptr) {
      return nullptr;
    }
    T* const objects = reinterpret_cast<T*>(start);
    for (std::size_t i = 0; i < count; ++i) {
      ::new (static_cast<void*>(objects + i)) T{};
    }
    return objects;
  }

  /// Raw bytes, aligned to `buffer_alignment`.
  std::byte* take(std::size_t bytes) noexcept {
    const auto end = checked_add(used_, bytes);
    if (!end || *end > static_cast<std::size_t>(-1) - buffer_alignment) {
      return fail();
    }
    const std::size_t start = used_;
    used_ = align_up(*end);
    if (counting_) {
      return nullptr;
    }
    if (*end > memory_.size()) {
      return fail();
    }
    return memory_.data() + start;
  }

  [[nodiscard]] constexpr std::size_t used() const noexcept { return used_; }
  [[nodiscard]] constexpr bool counting() const noexcept { return counting_; }
  [[nodiscard]] constexpr bool exhausted() const noexcept { return exhausted_; }

 private:
  constexpr std::byte* fail() noexcept {
    exhausted_ = true;
    return nullptr;
  }
  std::span<std::byte> memory_{};
  std::size_t used_ = 0;
  bool counting_ = true;
  bool exhausted_ = false;
};

}  // namespace kinglet::inline KINGLET_TARGET
