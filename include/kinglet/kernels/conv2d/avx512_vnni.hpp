// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/avx512_vnni.hpp
/// CONV_2D on AVX-512 with VNNI. The rows of input under a row of outputs are copied as unsigned bytes, with the zero
/// point on both sides. A filter's row then lies over neighbouring bytes, so that filters are multiplied in segments of
/// one filter row with them as they lie, at `stride_w` pixels from one output to the next. Only filters with gaps between
/// their columns have their bytes gathered.
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
    return applies(tensors) ? shape(tensors).bytes() : Generic::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window& window, const C& tensors) noexcept {
    return applies(tensors) ? Copies(window, tensors).bytes() : Generic::scratch_bytes(window, tensors);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (sizeof(typename C::activation_type) == 1) {
      if (applies(tensors)) {
        using W = typename C::weight_type;
        pointwise::pack_rows<R, typename C::activation_type>(
            shape(tensors), pointwise::RowFilters<W>{tensors.filter.data(), tensors.bias}, q, packed);
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
        run_rows<R>(window, decay(tensors), q, memory);
        return;
      }
    }
    Generic::run<R>(window, tensors, q, memory);
  }

 private:
  template <class C>
  static constexpr pointwise::PackedRows shape(const C& tensors) noexcept {
    const auto& filter = tensors.filter;
    return {filter.extent(2) * filter.extent(3), tensors.output.extent(3), filter.extent(1)};
  }

  /// What lies in the scratch memory for a row of outputs, or as many of them as are gathered at once.
  struct Copies {
    bool gathered;
    index_t count;                  ///< outputs
    std::ptrdiff_t output_stride;   ///< bytes from one output's first byte to the next one's
    std::ptrdiff_t segment_stride;  ///< bytes from one row of the filter to the next
    std::size_t size;

    template <class C>
    constexpr Copies(const Window& window, const C& tensors) noexcept
        : gathered(window.dilation_w > 1 && tensors.filter.extent(2) > 1) {
      const index_t width = tensors.output.extent(2);
      const index_t depth = tensors.filter.extent(3);
      const std::ptrdiff_t segment = std::ptrdiff_t{tensors.filter.extent(2)} * depth;
      const index_t segments = tensors.filter.extent(1);
      if (gathered) {
        count = std::min(width, index_t{12});
        segment_stride = segment;
        output_stride = segments * segment_stride;
        size = static_cast<std::size_t>(count * output_stride);
      } else {
        count = width;
        output_stride = std::ptrdiff_t{window.stride_w} * depth;
        segment_stride = (count - 1) * output_stride + segment;
        size = static_cast<std::size_t>(segments * segment_stride);
      }
    }
    /// The last quad of a segment may read 3 bytes behind it, which its weights do not count.
    [[nodiscard]] constexpr std::size_t bytes() const noexcept { return size + 3; }
  };

  template <Rounding R, class C>
  static void run_rows(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                       const KernelMemory& memory) noexcept {
    using T = typename C::activation_type;
    const Copies copies(window, tensors);
    const auto& output = tensors.output;
    const index_t channels = output.extent(3);
    auto* const scratch = reinterpret_cast<std::uint8_t*>(memory.scratch);
    const pointwise::Narrowing narrowing = pointwise::Narrowing::of<T>(q.output);
    pointwise::ByteOutput out{reinterpret_cast<std::uint8_t*>(output.data()), channels, channels, &narrowing,
                              pointwise::Narrowing::is_identity<T>(q.output)};
    pointwise::PackedRows whole_quads = shape(tensors);
    whole_quads.depth = (whole_quads.depth + 3) / 4 * 4;
    pointwise::ByteRows rows{scratch,
                             copies.output_stride,
                             copies.segment_stride,
                             copies.count,
                             false,
                             pointwise::Finish::of<R>(q.output, false).away,
                             (std::is_signed_v<typename C::weight_type> ? 0 : 128) - q.filter_zero_point,
                             shape(tensors).depth};
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        for (index_t x = 0; x < output.extent(2); x += rows.count) {
          rows.count = std::min(copies.count, output.extent(2) - x);
          copy(window, tensors, Outputs<T>{n, y, x, rows.count, static_cast<T>(q.input_zero_point)}, copies,
               scratch);
          pointwise::multiply_bytes(whole_quads, memory.packed, rows, out);
          out.rows += std::ptrdiff_t{rows.count} * channels;
        }
      }
    }
  }

  template <class T>
  struct Outputs {
    index_t n, y, x;
    index_t count;
    T zero_point;
  };

  template <class C, class T>
  static void copy(const Window& window, const C& tensors, const Outputs<T>& outputs, const Copies& copies,
                   std::uint8_t* to) noexcept {
    const auto& input = tensors.input;
    const index_t depth = input.extent(3);
    const index_t left = outputs.x * window.stride_w - window.pad_left;
    for (index_t ky = 0; ky < tensors.filter.extent(1); ++ky, to += copies.segment_stride) {
      const index_t y = outputs.y * window.stride_h - window.pad_top + ky * window.dilation_h;
      const T* const row =
          y >= 0 && y < input.extent(1) ? input.data() + input.offset(outputs.n, y, 0) : nullptr;
      const ImageRow<T> from{row, input.extent(2), depth, outputs.zero_point};
      if (!copies.gathered) {
        copy_pixels(from, left, (outputs.count - 1) * window.stride_w + tensors.filter.extent(2), to);
        continue;
      }
      for (index_t i = 0; i < outputs.count; ++i) {
        for (index_t kx = 0; kx < tensors.filter.extent(2); ++kx) {
          copy_pixels(from, left + i * window.stride_w + kx * window.dilation_w, 1,
                      to + i * copies.output_stride + std::ptrdiff_t{kx} * depth);
        }
      }
    }
  }

  template <class T>
  struct ImageRow {
    const T* pixels;  ///< null: all of it is outside
    index_t width;
    index_t depth;
    T zero_point;
  };

  /// Pixels first .. first + count, which may be outside.
  template <class T>
  static void copy_pixels(const ImageRow<T>& row, index_t first, index_t count, std::uint8_t* to) noexcept {
    const index_t begin = row.pixels == nullptr ? count : std::clamp(-first, index_t{0}, count);
    const index_t end = std::clamp(row.width - first, begin, count);
    const __m512i flip = _mm512_set1_epi8(std::is_signed_v<T> ? -128 : 0);
    const __m512i outside = _mm512_xor_si512(_mm512_set1_epi8(static_cast<char>(row.zero_point)), flip);
    const auto write = [&](index_t from_pixel, index_t to_pixel, auto load) {
      const std::ptrdiff_t last = std::ptrdiff_t{to_pixel} * row.depth;
      for (std::ptrdiff_t i = std::ptrdiff_t{from_pixel} * row.depth; i < last; i += 64) {
        const __mmask64 mask = last - i >= 64 ? ~__mmask64{0} : (__mmask64{1} << (last - i)) - 1;
        _mm512_mask_storeu_epi8(to + i, mask, load(i, mask));
      }
    };
    const std::ptrdiff_t start = std::ptrdiff_t{first} * row.depth;  // may be before the row: i is not
    write(0, begin, [&](std::ptrdiff_t, __mmask64) { return outside; });
    write(begin, end, [&](std::ptrdiff_t i, __mmask64 mask) {
      return _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, row.pixels + (start + i)), flip);
    });
    write(end, count, [&](std::ptrdiff_t, __mmask64) { return outside; });
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
