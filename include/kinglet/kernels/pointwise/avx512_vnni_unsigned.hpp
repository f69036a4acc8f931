// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_unsigned.hpp
/// Rows of signed activations as vpdpbusd takes them: unsigned. A copy is made for some rows at a time, a vector of bytes
/// per instruction, where a tile would need one for every four bytes, again for every block of filters; one vector
/// instruction in five of a tile with 64 filters, one in two with 16, which processors of two vector units wait for.
#pragma once

#include <kinglet/kernels/pointwise/pack.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// int8 plus 128, without gaps between rows.
struct UnsignedRows {
  index_t depth;     ///< bytes of a row
  index_t together;  ///< rows that are copied at once
  index_t room;      ///< rows that scratch is for: fewer rows in all may be copied in larger pieces

  /// As few copies, about as large as each other, as keep each within 4 KiB, or within a quarter of the filters, which are
  /// read again for every copy; 24 rows may be more. Most tiles have 6 rows, or a part of these.
  constexpr UnsignedRows(index_t row_depth, index_t outputs, std::ptrdiff_t rows) noexcept
      : depth(row_depth), together(static_cast<index_t>(rows)), room(together) {
    const std::ptrdiff_t most_bytes = std::max<std::ptrdiff_t>(4096, std::ptrdiff_t{depth} * outputs / 4);
    if (rows > 24 && rows * depth > most_bytes) {
      const std::ptrdiff_t most = std::max<std::ptrdiff_t>(most_bytes / depth, 24);
      const std::ptrdiff_t copies = (rows + most / 6 * 6 - 1) / (most / 6 * 6);
      together = static_cast<index_t>(((rows + copies - 1) / copies + 5) / 6 * 6);
      room = static_cast<index_t>(most);
    }
  }

  /// Of the copy, with the three behind it that are read with the last row, for weights of 0.
  [[nodiscard]] constexpr std::size_t bytes() const noexcept {
    return static_cast<std::size_t>(room) * static_cast<std::size_t>(depth) + 3;
  }

  void copy(const std::uint8_t* rows, std::ptrdiff_t row_stride, index_t count,
            std::uint8_t* to) const noexcept {
    const bool dense = row_stride == depth;
    const std::ptrdiff_t run = dense ? std::ptrdiff_t{count} * depth : depth;
    for (index_t run_count = dense ? 1 : count; run_count > 0; --run_count, rows += row_stride, to += run) {
      copy_run(rows, run, to);
    }
  }

 private:
  static void copy_run(const std::uint8_t* from, std::ptrdiff_t bytes, std::uint8_t* to) noexcept {
    const __m512i flip = _mm512_set1_epi8(-128);
    std::ptrdiff_t i = 0;
    for (; bytes - i >= 64; i += 64) {
      _mm512_storeu_si512(to + i, _mm512_xor_si512(_mm512_loadu_si512(from + i), flip));
    }
    const __mmask64 rest = (__mmask64{1} << (bytes - i)) - 1;
    _mm512_mask_storeu_epi8(to + i, rest, _mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, from + i), flip));
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
