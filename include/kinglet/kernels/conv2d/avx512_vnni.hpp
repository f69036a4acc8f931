// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/avx512_vnni.hpp
/// The patches of input under the filter, taps in the filter's own order, are gathered for a few pixels at a time and
/// multiplied as rows of the pointwise kernel. Taps outside the image have the input's zero point.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/conv2d/generic.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

/// 8-bit activations in one group; everything else takes the generic kernel.
struct Avx512Vnni {
  static constexpr std::string_view name = "avx512_vnni";

  template <class C>
  static constexpr bool applies(const C& tensors) noexcept {
    return sizeof(typename C::activation_type) == 1 && tensors.input.extent(3) == tensors.filter.extent(3);
  }
  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    return applies(tensors) ? rows_of(tensors).bytes() : Generic::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window& window, const C& tensors) noexcept {
    if (!applies(tensors)) {
      return Generic::scratch_bytes(window, tensors);
    }
    return static_cast<std::size_t>(gathered_rows(rows_of(tensors))) *
           static_cast<std::size_t>(rows_of(tensors).depth);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (sizeof(typename C::activation_type) == 1) {
      if (applies(tensors)) {
        using Filters = pointwise::RowFilters<typename C::weight_type>;
        pointwise::pack_rows<R, typename C::activation_type>(
            rows_of(tensors), Filters{tensors.filter.data(), tensors.bias}, q, packed);
        return;
      }
    }
    Generic::pack<R>(tensors, q, packed);
  }
  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    if constexpr (sizeof(typename C::activation_type) == 1) {
      if (applies(tensors)) {
        run_gathered<R>(window, tensors, q, memory);
        return;
      }
    }
    Generic::run<R>(window, tensors, q, memory);
  }

 private:
  template <class C>
  static constexpr pointwise::PackedRows rows_of(const C& tensors) noexcept {
    const auto& filter = tensors.filter;
    return {filter.extent(1) * filter.extent(2) * filter.extent(3), tensors.output.extent(3)};
  }
  /// 24 divides into whole tiles of every kind; where that is much memory, one tile.
  static constexpr index_t gathered_rows(const pointwise::PackedRows& rows) noexcept {
    return rows.depth <= 128 ? 24 : pointwise::tile_rows_for(rows.vectors_of(0));
  }

  template <Rounding R, class C>
  static void run_gathered(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                           const KernelMemory& memory) noexcept {
    using T = typename C::activation_type;
    const pointwise::PackedRows rows = rows_of(tensors);
    const auto& output = tensors.output;
    T* const patches = reinterpret_cast<T*>(memory.scratch);
    const index_t most = gathered_rows(rows);
    T* to = output.data();
    index_t count = 0;
    const auto flush = [&] {
      const pointwise::RowRun<T> run{patches, rows.depth, count, to, output.extent(3)};
      pointwise::multiply_packed<R>(rows, run, q, memory.packed);
      to += std::ptrdiff_t{count} * output.extent(3);
      count = 0;
    };
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); ++x) {
          gather(window, tensors, {n, y, x, static_cast<T>(q.input_zero_point)},
                 patches + std::ptrdiff_t{count} * rows.depth);
          if (++count == most) {
            flush();
          }
        }
      }
    }
    if (count != 0) {
      flush();
    }
  }

  template <class T>
  struct Pixel {
    index_t n, y, x;  ///< of the output
    T zero_point;
  };

  template <class C, class T>
  static void gather(const Window& window, const C& tensors, const Pixel<T>& pixel, T* to) noexcept {
    const auto& input = tensors.input;
    const index_t filter_h = tensors.filter.extent(1);
    const index_t filter_w = tensors.filter.extent(2);
    const index_t depth = input.extent(3);
    const index_t top = pixel.y * window.stride_h - window.pad_top;
    const index_t left = pixel.x * window.stride_w - window.pad_left;
    const bool dense = window.dilation_w == 1;
    if (top >= 0 && left >= 0 && dense && top + (filter_h - 1) * window.dilation_h < input.extent(1) &&
        left + filter_w <= input.extent(2)) {
      const T* from = input.data() + input.offset(pixel.n, top, left);
      const std::ptrdiff_t line = std::ptrdiff_t{window.dilation_h} * input.extent(2) * depth;
      for (index_t ky = 0; ky < filter_h; ++ky, from += line) {
        to = copy(from, std::ptrdiff_t{filter_w} * depth, to);
      }
      return;
    }
    for (index_t ky = 0; ky < filter_h; ++ky) {
      const index_t y = top + ky * window.dilation_h;
      for (index_t kx = 0; kx < filter_w; ++kx) {
        const index_t x = left + kx * window.dilation_w;
        if (y < 0 || y >= input.extent(1) || x < 0 || x >= input.extent(2)) {
          to = std::fill_n(to, depth, pixel.zero_point);
        } else {
          to = copy(input.data() + input.offset(pixel.n, y, x), depth, to);
        }
      }
    }
  }

  /// Short runs of any length, by whole registers: masked bytes are neither read nor written.
  template <class T>
  static T* copy(const T* from, std::ptrdiff_t count, T* to) noexcept {
    for (; count > 64; count -= 64, from += 64, to += 64) {
      _mm512_storeu_si512(to, _mm512_loadu_si512(from));
    }
    const __mmask64 mask = ~__mmask64{0} >> (64 - count);
    _mm512_mask_storeu_epi8(to, mask, _mm512_maskz_loadu_epi8(mask, from));
    return to + count;
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
