// SPDX-License-Identifier: Apache-2.0
/// @file support/near_ties.hpp
/// Accumulators and multipliers where roundings differ: at and beside ties, at the ends of 32 bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <kinglet/quant/multiplier.hpp>
#include <vector>

#include "support/random.hpp"

namespace test {

struct Scaling {
  std::int32_t x;
  kinglet::Multiplier m;
};

/// The accumulator nearest to the tie between k and k + 1:  x value 2^(shift - 31) = k + 1/2.
/// @param k such that |k + 1/2| 2^(31 - shift) < 2^63
inline std::int64_t tie(std::int64_t k, kinglet::Multiplier m) {
  const int h = 31 - m.shift;
  return ((k << h) + (std::int64_t{1} << (h - 1))) / m.value;
}

inline std::int32_t clip_to_int32(std::int64_t x) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, INT32_MIN, INT32_MAX));
}

/// At most 2 beside some tie.
inline std::int32_t near_tie(Random& random, kinglet::Multiplier m) {
  const std::int64_t x = random.in(INT32_MIN, INT32_MAX) >> random.in(0, 31);
  return clip_to_int32(tie((x * m.value) >> (31 - m.shift), m) + random.in(-2, 2));
}

/// Any multiplier with shifts up to `most`; limits and powers of two more often than chance would have it.
inline kinglet::Multiplier random_multiplier(Random& random, int most) {
  const int kind = random.in(0, 7);
  return {kind == 0   ? 1 << 30
          : kind == 1 ? INT32_MAX - random.in(0, 3)
                      : random.in<std::int32_t>(1 << 30, INT32_MAX),
          random.in(-31, most)};
}

/// Edges with every shift up to `most`: multipliers at both ends of their range and 0, accumulators at the ends of 32
/// bits, around powers of two, and around the 48 ties nearest to zero.
inline std::vector<Scaling> scaling_edges(int most) {
  std::vector<std::int64_t> xs;
  for (int bit = 0; bit <= 31; ++bit) {
    for (std::int64_t beside = -2; beside <= 2; ++beside) {
      xs.push_back((std::int64_t{1} << bit) + beside);
      xs.push_back(-(std::int64_t{1} << bit) + beside);
    }
  }
  std::vector<Scaling> edges;
  for (int shift = -31; shift <= most; ++shift) {
    for (const std::int32_t value : {0, 1 << 30, (1 << 30) + 1, 3 << 29, INT32_MAX - 1, INT32_MAX}) {
      const kinglet::Multiplier m{value, shift};
      for (const std::int64_t x : xs) {
        edges.push_back({clip_to_int32(x), m});
      }
      const std::int64_t nearest = std::min(24, 1 << std::min(31 + shift, 5));
      for (std::int64_t k = -nearest; value != 0 && k < nearest; ++k) {
        for (std::int64_t beside = -2; beside <= 2; ++beside) {
          edges.push_back({clip_to_int32(tie(k, m) + beside), m});
        }
      }
    }
  }
  return edges;
}

}  // namespace test
