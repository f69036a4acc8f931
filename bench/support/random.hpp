// SPDX-License-Identifier: Apache-2.0
/// @file support/random.hpp
/// Tensors: memory as an executor gives it, and contents, bytes of xorshift32, the same in every run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

namespace bench {

/// Fills elements of 8 or 16 bits with any values, wider integers with 0 to 255.
template <class T>
void fill_random(std::span<T> elements) {
  constexpr int unused_bits = sizeof(T) == 2 ? 16 : 24;
  std::uint32_t state = 12345;
  std::generate(elements.begin(), elements.end(), [&state] {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return static_cast<T>(state >> unused_bits);
  });
}

/// Memory that begins where a line of the cache does, as buffers of an arena do: a register that is read or written across
/// two lines takes twice as long.
template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};

  LineAllocator() = default;
  template <class U>
  constexpr LineAllocator(const LineAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), alignment)); }
  void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, alignment); }
  friend bool operator==(LineAllocator, LineAllocator) { return true; }
};

/// A tensor's elements.
template <class T>
using Elements = std::vector<T, LineAllocator<T>>;

template <class T>
Elements<T> random_elements(std::size_t size) {
  Elements<T> elements(size);
  fill_random(std::span<T>(elements));
  return elements;
}

template <class T>
std::vector<T> random_vector(std::size_t size) {
  std::vector<T> elements(size);
  fill_random(std::span<T>(elements));
  return elements;
}

}  // namespace bench
