// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512_vnni_output.hpp
/// From requantized vectors to rows of bytes, whatever the signs of activations: bytes are clamped as signed ones and
/// `flip` makes unsigned ones of them, those of uint8 or int8 plus 128.
#pragma once

#include <kinglet/kernels/pointwise/pack.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <array>
#include <cstring>
#include <utility>

namespace kinglet::inline KINGLET_TARGET::pointwise {

/// What is done to all outputs of a layer.
struct Narrowing {
  __m512i least;
  __m512i most;
  __m512i flip;
  __m512i zero_point;        ///< 32 bits, the stage's own
  __m512i short_zero_point;  ///< 16 bits, of signed bytes
  __m512i to_signed;         ///< 16 bits: what makes the one of the other

  template <class T>
  static Narrowing of(const ConvolutionQuantization& q) noexcept {
    const OutputStage& stage = q.output;
    const OutputStage bytes = as_signed<T>(stage);
    return {_mm512_set1_epi8(static_cast<char>(bytes.min)),
            _mm512_set1_epi8(static_cast<char>(bytes.max)),
            _mm512_set1_epi8(std::is_signed_v<T> && !q.unsigned_output ? 0 : -128),
            _mm512_set1_epi32(stage.zero_point),
            _mm512_set1_epi16(static_cast<short>(bytes.zero_point)),
            _mm512_set1_epi16(std::is_signed_v<T> ? 0 : -128)};
  }

  KINGLET_ALWAYS_INLINE __m512i clamp(__m512i bytes) const noexcept {
    return unclamped(_mm512_min_epi8(_mm512_max_epi8(bytes, least), most));
  }
  /// The same where it clamps nothing.
  KINGLET_ALWAYS_INLINE __m512i unclamped(__m512i bytes) const noexcept {
    return _mm512_xor_si512(bytes, flip);
  }
  /// @tparam T activations
  template <class T>
  static constexpr bool clamps_nothing(const OutputStage& stage) noexcept {
    return stage.min == std::numeric_limits<T>::min() && stage.max == std::numeric_limits<T>::max();
  }
};

/// `Width` bytes from part `Part` on, or as many as there are channels.
template <index_t Width, int Part>
KINGLET_ALWAYS_INLINE void store_part(std::uint8_t* to, __m512i bytes, auto channels) noexcept {
  const __mmask64 mask = ~__mmask64{0} >> (64 - std::min<index_t>(channels, Width));
  constexpr bool whole = !std::is_same_v<decltype(channels), index_t>;
  if constexpr (Width == 64) {
    whole ? _mm512_storeu_si512(to, bytes) : _mm512_mask_storeu_epi8(to, mask, bytes);
  } else if constexpr (Width == 32) {
    const __m256i half = _mm512_extracti64x4_epi64(bytes, Part / 2);
    whole ? _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), half)
          : _mm256_mask_storeu_epi8(to, static_cast<__mmask32>(mask), half);
  } else {
    const __m128i quarter = _mm512_extracti32x4_epi32(bytes, Part);
    whole ? _mm_storeu_si128(reinterpret_cast<__m128i*>(to), quarter)
          : _mm_mask_storeu_epi8(to, static_cast<__mmask16>(mask), quarter);
  }
}

/// Calls store(bytes, channels) for 64 signed bytes that are given as 16-bit numbers: most layers have nothing to clamp
/// and whole blocks, for which `channels` is a constant. @tparam Plain the output is known to be
template <index_t Width, bool Plain = false, class Store>
KINGLET_ALWAYS_INLINE void narrow(const auto& output, __m512i low, __m512i high, Store store) noexcept {
  const __m512i bytes = _mm512_packs_epi16(low, high);
  constexpr std::integral_constant<index_t, Width> whole;
  if (Plain || output.is_plain) {
    store(output.narrowing->unclamped(bytes), whole);
  } else if (output.channels >= Width) {  // stores with masks take their time
    store(output.narrowing->clamp(bytes), whole);
  } else {
    store(output.narrowing->clamp(bytes), output.channels);
  }
}

/// Where rows of a block's outputs go.
struct ByteOutput {
  std::uint8_t* rows;
  std::ptrdiff_t row_stride;  ///< bytes
  index_t channels;           ///< valid ones of the block
  const Narrowing* narrowing;
  bool is_plain;  ///< nothing to clamp, and all of the block's channels

  void next_block(index_t outputs) noexcept { rows += outputs; }
  /// The next row's signed bytes. @tparam Plain the output is known to be
  template <index_t Width, bool Plain>
  KINGLET_ALWAYS_INLINE void store_row(__m512i bytes) const noexcept {
    constexpr std::integral_constant<index_t, Width> whole;
    if (Plain || is_plain) {
      store_part<Width, 0>(rows, narrowing->unclamped(bytes), whole);
    } else if (channels >= Width) {  // as in `narrow`
      store_part<Width, 0>(rows, narrowing->clamp(bytes), whole);
    } else {
      store_part<Width, 0>(rows, narrowing->clamp(bytes), channels);
    }
  }

  /// Rows first .. first + count of a block of `Vectors` vectors. In each 128-bit part of the bytes the rows have their 4
  /// `Vectors` bytes one after another.
  template <index_t Vectors>
  KINGLET_ALWAYS_INLINE void store(index_t first, index_t count, __m512i low, __m512i high) const noexcept {
    std::uint8_t* const to = rows + first * row_stride;
    narrow<16 * Vectors>(*this, low, high, [&](__m512i bytes, auto valid) KINGLET_INLINE_LAMBDA {
      if constexpr (Vectors == 4) {
        store_part<64, 0>(to, bytes, valid);
      } else if constexpr (Vectors == 2) {
        bytes = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), bytes);
        store_part<32, 0>(to, bytes, valid);
        if (count > 1) {
          store_part<32, 2>(to + row_stride, bytes, valid);
        }
      } else {
        bytes = _mm512_permutexvar_epi32(
            _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), bytes);
        store_part<16, 0>(to, bytes, valid);
        if (count > 1) {
          store_part<16, 1>(to + row_stride, bytes, valid);
        }
        if (count > 2) {
          store_part<16, 2>(to + 2 * row_stride, bytes, valid);
        }
        if (count > 3) {
          store_part<16, 3>(to + 3 * row_stride, bytes, valid);
        }
      }
    });
  }
};

/// Scaled by less than one half, |y| <= 2^30: the zero point may be added behind a narrowing that saturates. On the longer
/// way y can be anything, and the sum has to wrap as it does in 32 bits.
template <index_t Vectors, bool Away, bool Short, class Output>
KINGLET_NOINLINE void finish_integers(const isa::RequantizeBlock16* constants, const Output& out,
                                      const std::int32_t* sums, index_t rows) noexcept {
  using Stage = isa::Requantize16<Away, Short>;
  const auto stages = [&]<std::size_t... V>(std::index_sequence<V...>) {
    return std::array<Stage, sizeof...(V)>{Stage(constants[V])...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(Vectors)>{});
  const Narrowing& narrowing = *out.narrowing;
  constexpr index_t together = 4 / Vectors;
  for (index_t m = 0; m < rows; m += together) {
    const auto scaled = [&](index_t i) KINGLET_INLINE_LAMBDA {
      const index_t row = std::min(m + i / Vectors, rows - 1);
      const __m512i x = _mm512_load_si512(sums + (row * Vectors + i % Vectors) * 16);
      const __m512i y = stages[static_cast<std::size_t>(i % Vectors)](x);
      return Short ? y : _mm512_add_epi32(y, narrowing.zero_point);
    };
    const __m512i more = Short ? narrowing.short_zero_point : narrowing.to_signed;
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(scaled(0), scaled(1)), more);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(scaled(2), scaled(3)), more);
    out.template store<Vectors>(m, std::min(together, rows - m), low, high);
  }
}

/// sums[(m * Vectors + v) * 16 + lane] of `count` rows, finished by integers.
struct IntegerRows {
  PackedBlock block;
  bool away;  ///< double_rounding where negative outputs are kept
  index_t count;
};
template <index_t Vectors, class Output>
KINGLET_NOINLINE void finish_rows(const IntegerRows& rows, const Output& out,
                                  const std::int32_t* sums) noexcept {
  const auto* const stage = rows.block.stage();
  if (rows.block.scaling() == Scaling::short_integer) {
    rows.away ? finish_integers<Vectors, true, true>(stage, out, sums, rows.count)
              : finish_integers<Vectors, false, true>(stage, out, sums, rows.count);
  } else {
    rows.away ? finish_integers<Vectors, true, false>(stage, out, sums, rows.count)
              : finish_integers<Vectors, false, false>(stage, out, sums, rows.count);
  }
}

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
