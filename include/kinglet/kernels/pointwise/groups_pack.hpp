// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/groups_pack.hpp
/// Filters side by side, as dot products of neighbouring weights want them: the first `Group` weights of every filter, then
/// the next ones.
#pragma once

#include <algorithm>
#include <kinglet/isa/transpose_x86.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>
#include <span>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// sum (w - less), exact. @param less of signed weights
template <class W>
constexpr std::int64_t sum_of_weights(std::span<const W> filter, std::int32_t less = 0) noexcept {
  constexpr std::size_t at_once = 1 << 16;  // sums of 32 bits, which compilers make vectors of
  std::int64_t all = 0;
  for (std::size_t first = 0; first < filter.size(); first += at_once) {
    std::int32_t sum = 0;
    for (const W w : filter.subspan(first, std::min(at_once, filter.size() - first))) {
      sum += w;
    }
    all += sum;
  }
  return all - std::int64_t{to_signed_byte<W> + less} * static_cast<std::int64_t>(filter.size());
}

/// Weights [first, first + depth) of each filter.
template <class W>
struct FilterGroups {
  std::span<const W* const> filters;  ///< null: there is none
  std::ptrdiff_t first = 0;
  index_t depth = 0;
  std::int32_t missing = 0;  ///< packed where there is no weight
};

namespace detail {

#if defined(__SSE2__)
/// 16 weights of 16 / Group filters.
template <index_t Group, class W>
void pack_tile(const W* const* filters, std::ptrdiff_t first, std::ptrdiff_t stride, std::byte* to) noexcept {
  const __m128i flip = _mm_set1_epi8(std::is_signed_v<W> ? 0 : -128);
  __m128i rows[16 / Group];
  for (index_t i = 0; i < 16 / Group; ++i) {
    rows[i] = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(filters[i] + first)), flip);
  }
  if constexpr (Group == 4) {
    isa::transpose_32(rows);
  } else {
    isa::transpose_16(rows);
  }
  for (index_t i = 0; i < 16 / Group; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * stride), rows[i]);
  }
}
#endif

}  // namespace detail

/// Writes ceil(depth / Group) groups, `stride` bytes apart: Group bytes of each filter, signed.
template <index_t Group, class W>
constexpr void pack_groups(const FilterGroups<W>& from, std::ptrdiff_t stride, std::byte* to) noexcept {
  const auto lanes = static_cast<index_t>(from.filters.size());
  const auto pack_by_weight = [&](index_t lane, index_t k) {
    const W* const filter = from.filters[static_cast<std::size_t>(lane)];
    for (index_t i = 0; i < Group; ++i) {
      const bool real = filter != nullptr && k + i < from.depth;
      to[k / Group * stride + lane * Group + i] =
          static_cast<std::byte>(real ? filter[from.first + k + i] - to_signed_byte<W> : from.missing);
    }
  };
  index_t k = 0;
#if defined(__SSE2__)
  constexpr index_t tile = 16 / Group;
  if (!std::is_constant_evaluated()) {
    for (; k + 16 <= from.depth; k += 16) {
      for (index_t lane = 0; lane < lanes; lane += tile) {
        const W* const* const filters = from.filters.data() + lane;
        if (lane + tile <= lanes && std::find(filters, filters + tile, nullptr) == filters + tile) {
          detail::pack_tile<Group>(filters, from.first + k, stride, to + k / Group * stride + lane * Group);
          continue;
        }
        for (index_t l = lane; l < std::min(lane + tile, lanes); ++l) {
          for (index_t g = k; g < k + 16; g += Group) {
            pack_by_weight(l, g);
          }
        }
      }
    }
  }
#endif
  for (; k < from.depth; k += Group) {
    for (index_t lane = 0; lane < lanes; ++lane) {
      pack_by_weight(lane, k);
    }
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise
