// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/pairs_widen.hpp
/// Rows and weights as 16-bit numbers, of which products of pairs are made. `Lanes` is one of isa/lanes_*.hpp.
#pragma once

#include <cstring>
#include <kinglet/tensor/extents.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise::detail {

/// to[k] = from[k], 16 bits wide; an element behind an odd `count` is 0.
template <class Lanes, class T>
inline void widen_pairs(const T* from, index_t count, std::int16_t* to) noexcept {
  constexpr index_t step = Lanes::count * 2;
  const auto widen_step = [&](index_t k) KINGLET_INLINE_LAMBDA {
    const auto x = Lanes::load_wide(from + k);
    std::memcpy(to + k, &x, sizeof x);
  };
  index_t k = 0;
  for (; k + step <= count; k += step) {
    widen_step(k);
  }
  if (k < count && count >= step) {
    widen_step(count - step);
    k = count;
  }
  for (; k < count; ++k) {
    to[k] = from[k];
  }
  if (count % 2 != 0) {
    to[count] = 0;
  }
}

/// `vectors` vectors of weights less their zero point, 16 bits wide.
template <class Lanes>
inline void widen_weights(const std::int8_t* from, std::ptrdiff_t vectors, std::int32_t zero_point,
                          std::int16_t* to) noexcept {
  const auto zero = Lanes::set16(zero_point);
  for (std::ptrdiff_t i = 0; i < vectors; ++i, from += Lanes::count * 2, to += Lanes::count * 2) {
    Lanes::store(to, Lanes::subtract16(Lanes::load_wide(from), zero));
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise::detail
