// SPDX-License-Identifier: Apache-2.0
/// @file isa/transpose_x86.hpp
/// Small matrices of registers, rows become columns.
#pragma once

#include <kinglet/isa/intrinsics_x86.hpp>

#if defined(__SSE2__)

namespace kinglet::inline KINGLET_TARGET::isa {

/// 4 x 4 numbers of 32 bits.
inline void transpose_32(__m128i (&rows)[4]) noexcept {
  const __m128i low01 = _mm_unpacklo_epi32(rows[0], rows[1]);
  const __m128i high01 = _mm_unpackhi_epi32(rows[0], rows[1]);
  const __m128i low23 = _mm_unpacklo_epi32(rows[2], rows[3]);
  const __m128i high23 = _mm_unpackhi_epi32(rows[2], rows[3]);
  rows[0] = _mm_unpacklo_epi64(low01, low23);
  rows[1] = _mm_unpackhi_epi64(low01, low23);
  rows[2] = _mm_unpacklo_epi64(high01, high23);
  rows[3] = _mm_unpackhi_epi64(high01, high23);
}

/// 8 x 8 numbers of 16 bits.
inline void transpose_16(__m128i (&rows)[8]) noexcept {
  __m128i low[4];   // columns 0 to 3 of two rows, as pairs
  __m128i high[4];  // columns 4 to 7
  for (int i = 0; i < 4; ++i) {
    low[i] = _mm_unpacklo_epi16(rows[2 * i], rows[2 * i + 1]);
    high[i] = _mm_unpackhi_epi16(rows[2 * i], rows[2 * i + 1]);
  }
  transpose_32(low);
  transpose_32(high);
  for (int i = 0; i < 4; ++i) {
    rows[i] = low[i];
    rows[4 + i] = high[i];
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
