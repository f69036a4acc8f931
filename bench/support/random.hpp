// SPDX-License-Identifier: Apache-2.0
/// @file support/random.hpp
/// Tensors: memory aligned as an executor's, and contents, bytes of xorshift32, the same in every run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <kinglet/memory/heap.hpp>
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

/// A tensor's elements, zeros at first. They begin where a line of the cache does, as buffers of an arena do: a register that
/// is read or written across two lines takes twice as long.
template <class T>
class Elements {
 public:
  explicit Elements(std::size_t size) : memory_(kinglet::allocate_aligned(size * sizeof(T))), size_(size) {
    std::fill(begin(), end(), T{});
  }
  [[nodiscard]] T* data() const noexcept { return reinterpret_cast<T*>(memory_.get()); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T* begin() const noexcept { return data(); }
  [[nodiscard]] T* end() const noexcept { return data() + size_; }

 private:
  kinglet::AlignedBytes memory_;
  std::size_t size_;
};

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
