// SPDX-License-Identifier: Apache-2.0
/// @file support/random.hpp
/// Tensors' contents: bytes of xorshift32, the same in every run.
#pragma once

#include <algorithm>
#include <cstdint>
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

template <class T>
std::vector<T> random_vector(std::size_t size) {
  std::vector<T> elements(size);
  fill_random(std::span<T>(elements));
  return elements;
}

}  // namespace bench
