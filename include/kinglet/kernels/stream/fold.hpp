// SPDX-License-Identifier: Apache-2.0
/// @file kernels/stream/fold.hpp
/// Means over a whole image, as the end of a chain: rows are added to sums per channel as they come, and the last one
/// makes the output. Sums are integers, so the order does not matter: MEAN and AVERAGE_POOL_2D in one go give the same.
#pragma once

#include <kinglet/kernels/mean/reference.hpp>
#include <kinglet/kernels/pool/reference.hpp>
#include <kinglet/kernels/stream/pipeline.hpp>

namespace kinglet::inline KINGLET_TARGET::stream {

/// sums[c] += sum of channel c over `pixels` pixels, modulo 2^32.
template <class T>
KINGLET_NOINLINE void add_pixels(const T* KINGLET_RESTRICT from, std::ptrdiff_t pixels, index_t channels,
                                 std::uint32_t* KINGLET_RESTRICT sums) noexcept {
  for (std::ptrdiff_t p = 0; p < pixels; ++p, from += channels) {
    for (index_t c = 0; c < channels; ++c) {
      sums[c] += static_cast<std::uint32_t>(from[c]);
    }
  }
}

/// Takes the rows of a slice. @param finish (sum): the output element, asked for every channel with the last rows
template <class T, class Finish>
void fold_rows(const TensorView<const T, Nhwc>& input, T* output, std::uint32_t* sums, const RowSlice& slice,
               Finish finish) noexcept {
  const index_t channels = input.extent(3);
  if (slice.first == 0) {
    std::fill_n(sums, channels, 0U);
  }
  const auto rows = rows_of(input, slice.input_at[0], slice.input_rows);
  add_pixels(rows.data(), std::ptrdiff_t{slice.input_rows} * input.extent(2), channels, sums);
  for (index_t c = 0; c < channels && slice.last; ++c) {
    output[c] = static_cast<T>(finish(static_cast<std::int32_t>(sums[c])));
  }
}

/// An average pool whose one output is the mean of all pixels.
template <class I, class O>
constexpr bool is_mean_of_all(const kinglet::pool::Pooling& pooling, const I& input,
                              const O& output) noexcept {
  return output.extent(1) == 1 && output.extent(2) == 1 &&
         kinglet::pool::Patch(pooling, input, 0, 0).count() == input.extent(1) * input.extent(2);
}

/// Bytes of the sums.
constexpr std::size_t fold_bytes(index_t channels) noexcept {
  return static_cast<std::size_t>(channels) * sizeof(std::uint32_t);
}

}  // namespace kinglet::inline KINGLET_TARGET::stream
