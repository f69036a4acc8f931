// SPDX-License-Identifier: Apache-2.0
/// @file support/random.hpp
/// Repeatable random numbers, and tensors' memory at awkward addresses.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace test {

/// xorshift64*: its upper bits are good enough for test data, and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}

  std::uint64_t bits() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DU;
  }
  /// Uniform in [low, high].
  template <class T>
  T in(T low, T high) {
    const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    return static_cast<T>(static_cast<std::uint64_t>(low) + (span == 0 ? bits() : (bits() >> 11) % span));
  }
  bool one_in(int n) { return in(1, n) == 1; }

  /// Any element; the type's limits more often than chance would have it.
  template <class T>
  T element() {
    const int kind = in(0, 15);
    return kind == 0   ? std::numeric_limits<T>::min()
           : kind == 1 ? std::numeric_limits<T>::max()
                       : in(std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  }

 private:
  std::uint64_t state_;
};

/// Memory that starts `front` elements into an allocation, so that it is aligned to its element only, and ends where
/// the allocation ends, so that AddressSanitizer sees any step beyond.
template <class T>
class Misaligned {
 public:
  explicit Misaligned(std::size_t count, std::size_t front = 1) : front_(front), elements_(front + count) {}
  [[nodiscard]] T* data() { return elements_.data() + front_; }
  [[nodiscard]] const T* data() const { return elements_.data() + front_; }
  [[nodiscard]] std::size_t size() const { return elements_.size() - front_; }
  T* begin() { return data(); }
  T* end() { return data() + size(); }
  friend bool operator==(const Misaligned& a, const Misaligned& b) {
    return a.size() == b.size() && std::equal(a.data(), a.data() + a.size(), b.data());
  }

 private:
  std::size_t front_;
  std::vector<T> elements_;
};

}  // namespace test
