// SPDX-License-Identifier: Apache-2.0
/// @file support/buffer.hpp
/// Memory with guards around it, for kernels that write: at an address aligned to its element only.
#pragma once

#include <span>

#include "support/random.hpp"

namespace test {

/// Uniform in [low, high).
inline float real_in(Random& random, float low, float high) {
  return low + (high - low) * static_cast<float>(random.bits() >> 40) * 0x1p-24F;
}

/// `size` elements. Equality includes the guards, so that a write beside the elements shows.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t size) : elements_(size + 2 * guard, static_cast<T>(0x5b)), size_(size) {}
  Buffer(std::size_t size, Random& random) : Buffer(size) {
    for (T& element : span()) {
      element = random.element<T>();
    }
  }

  [[nodiscard]] T* data() { return elements_.data() + guard; }
  [[nodiscard]] const T* data() const { return elements_.data() + guard; }
  [[nodiscard]] std::span<T> span() { return {data(), size_}; }
  [[nodiscard]] std::span<const T> span() const { return {data(), size_}; }
  friend bool operator==(const Buffer& a, const Buffer& b) { return a.elements_ == b.elements_; }

 private:
  static constexpr std::size_t guard = 65;  // odd, and more than a kernel's block
  std::vector<T> elements_;
  std::size_t size_;
};

}  // namespace test
