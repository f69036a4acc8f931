// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/avx512_vnni.hpp
/// CONV_2D on AVX-512 with VNNI. The rows of input under a row of outputs are copied, 8-bit ones as unsigned bytes, with
/// the zero point on both sides. A filter's row then lies over neighbouring elements, so that filters are multiplied in
/// segments of one filter row with them as they lie, at `stride_w` pixels from one output to the next. Only filters with
/// gaps between their columns have their elements gathered.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

/// One group; grouped convolutions take the generic kernel.
struct Avx512Vnni {
  static constexpr std::string_view name = "avx512_vnni";
  /// What layers of 16-bit activations are computed by that cannot be multiplied as words.
  using Gathered = Packed<pointwise::Avx512VnniRows, pointwise::Avx512VnniWords>;

  template <class C>
  static constexpr bool is_bytes = sizeof(typename C::activation_type) == 1;
  template <class C>
  static constexpr bool applies(const C& tensors) noexcept {
    return tensors.input.extent(3) == tensors.filter.extent(3);
  }
  template <class C>
  static constexpr bool keeps_unsigned(const C& tensors) noexcept {
    return is_bytes<C> && applies(tensors);
  }
  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    if (!applies(tensors)) {
      return Generic::packed_bytes(tensors);
    }
    if constexpr (is_bytes<C>) {
      return shape(tensors).bytes();
    } else {
      return words(tensors).bytes();
    }
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window& window, const C& tensors) noexcept {
    if (!applies(tensors)) {
      return Generic::scratch_bytes(window, tensors);
    }
    const std::size_t bytes = Copies(window, tensors).bytes();
    return is_bytes<C> ? bytes : std::max(bytes, Gathered::scratch_bytes(window, tensors));
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    using T = typename C::activation_type;
    using W = typename C::weight_type;
    if (!applies(tensors)) {
      Generic::pack<R>(tensors, q, packed);
      return;
    }
    const pointwise::RowFilters<W, typename C::bias_type> filters{tensors.filter.data(), tensors.bias};
    if constexpr (is_bytes<C>) {
      pointwise::pack_rows<R, T>(shape(tensors), filters, q, packed);
    } else {
      words(tensors).template pack<R, T, W>(filters, q, packed);
    }
  }
  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    if (!applies(tensors)) {
      Generic::run<R>(window, tensors, q, memory);
    } else if (is_bytes<C> || pointwise::Avx512VnniWords::has_words(memory.packed)) {
      run_rows<R>(window, decay(tensors), q, memory);
    } else if constexpr (!is_bytes<C>) {
      Gathered::run<R>(window, tensors, q, memory);
    }
  }

 private:
  template <class C>
  static constexpr pointwise::PackedRows shape(const C& tensors) noexcept {
    const auto& filter = tensors.filter;
    return {filter.extent(2) * filter.extent(3), tensors.output.extent(3), filter.extent(1)};
  }
  template <class C>
  static constexpr pointwise::Avx512VnniWords words(const C& tensors) noexcept {
    const auto& filter = tensors.filter;
    return {{filter.extent(1) * filter.extent(2) * filter.extent(3), tensors.output.extent(3)},
            filter.extent(1)};
  }

  template <class C>
  static constexpr index_t element_bytes = sizeof(typename C::activation_type);

  /// What lies in the scratch memory for a row of outputs, or as many of them as are gathered at once.
  struct Copies {
    bool gathered;
    index_t count;  ///< outputs
    // The strides stand apart: side by side they are read whole right behind being written, for which processors wait.
    std::ptrdiff_t output_stride;  ///< bytes from one output's first byte to the next one's
    std::size_t size;
    std::ptrdiff_t segment_stride;  ///< bytes from one row of the filter to the next

    template <class C>
    constexpr Copies(const Window& window, const C& tensors) noexcept
        : gathered(window.dilation_w > 1 && tensors.filter.extent(2) > 1) {
      const index_t width = tensors.output.extent(2);
      const index_t depth = tensors.filter.extent(3) * element_bytes<C>;
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
    auto* const scratch = reinterpret_cast<std::uint8_t*>(memory.scratch);
    T* const to = tensors.output.data();
    const index_t channels = tensors.output.extent(3);
    pointwise::PackedRows filters = shape(tensors);
    pointwise::ByteRows rows{
        .rows = scratch, .row_stride = copies.output_stride, .segment_stride = copies.segment_stride};
    // What is behind a segment of activations may be read with it: it has no weights.
    const auto whole_groups = [](pointwise::PackedRows f) {
      f.depth = f.groups() * f.group;
      return f;
    };
    // `multiply` takes `rows`, and moves its output on behind them.
    const auto for_copies = [&](const auto& multiply) {
      const auto& output = tensors.output;
      for (index_t n = 0; n < output.extent(0); ++n) {
        for (index_t y = 0; y < output.extent(1); ++y) {
          for (index_t x = 0; x < output.extent(2); x += rows.count) {
            rows.count = std::min(copies.count, output.extent(2) - x);
            const Outputs<T> outputs{
                n, y, x, rows.count, static_cast<T>(q.input_zero_point), q.unsigned_input};
            copy(window, tensors, outputs, copies, scratch);
            multiply();
          }
        }
      }
    };
    if constexpr (is_bytes<C>) {
      const pointwise::Narrowing narrowing = pointwise::Narrowing::of<T>(q);
      pointwise::ByteOutput out{reinterpret_cast<std::uint8_t*>(to), channels, channels, &narrowing,
                                pointwise::Narrowing::clamps_nothing<T>(q.output)};
      rows.away = pointwise::Finish::of<R>(q.output, false).away;
      rows.d = (std::is_signed_v<typename C::weight_type> ? 0 : 128) - q.filter_zero_point;
      rows.depth = filters.depth;
      filters = whole_groups(filters);
      for_copies([&] {
        pointwise::multiply_bytes<typename C::weight_type>(filters, memory.packed, rows, out);
        out.rows += std::ptrdiff_t{rows.count} * channels;
      });
    } else {
      pointwise::WordOutput out = pointwise::WordOutput::of(to, channels, channels, q.output);
      filters = whole_groups(words(tensors).words());
      for_copies([&] {
        pointwise::Avx512VnniWords::multiply_words(filters, memory.packed, rows, out);
        out.rows += std::ptrdiff_t{rows.count} * channels;
      });
    }
  }

  template <class T>
  struct Outputs {
    index_t n, y, x;
    index_t count;
    T zero_point;
    bool unsigned_input;
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
      const ImageRow<T> from{row, input.extent(2), depth, outputs.zero_point, outputs.unsigned_input};
      if (!copies.gathered) {
        copy_pixels(from, left, (outputs.count - 1) * window.stride_w + tensors.filter.extent(2), to);
        continue;
      }
      for (index_t i = 0; i < outputs.count; ++i) {
        for (index_t kx = 0; kx < tensors.filter.extent(2); ++kx) {
          copy_pixels(from, left + i * window.stride_w + kx * window.dilation_w, 1,
                      to + i * copies.output_stride + std::ptrdiff_t{kx} * depth * element_bytes<C>);
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
    bool is_unsigned;  ///< although T is not
  };

  /// Pixels first .. first + count, which may be outside.
  template <class T>
  static void copy_pixels(const ImageRow<T>& row, index_t first, index_t count, std::uint8_t* to) noexcept {
    const index_t begin = row.pixels == nullptr ? count : std::clamp(-first, index_t{0}, count);
    const index_t end = std::clamp(row.width - first, begin, count);
    const std::ptrdiff_t pixel_bytes = std::ptrdiff_t{row.depth} * static_cast<std::ptrdiff_t>(sizeof(T));
    const __m512i flip = _mm512_set1_epi8(std::same_as<T, std::int8_t> ? -128 : 0);
    const __m512i zero_points = sizeof(T) == 1 ? _mm512_set1_epi8(static_cast<char>(row.zero_point))
                                               : _mm512_set1_epi16(static_cast<short>(row.zero_point));
    const __m512i outside = _mm512_xor_si512(zero_points, flip);
    const __m512i flip_inside = row.is_unsigned ? _mm512_setzero_si512() : flip;
    const auto write = [&](index_t from_pixel, index_t to_pixel, auto load) {
      const std::ptrdiff_t last = to_pixel * pixel_bytes;
      for (std::ptrdiff_t i = from_pixel * pixel_bytes; i < last; i += 64) {
        const __mmask64 mask = last - i >= 64 ? ~__mmask64{0} : (__mmask64{1} << (last - i)) - 1;
        _mm512_mask_storeu_epi8(to + i, mask, load(i, mask));
      }
    };
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(row.pixels);
    const std::ptrdiff_t start = first * pixel_bytes;  // may be before the row: i is not
    write(0, begin, [&](std::ptrdiff_t, __mmask64) { return outside; });
    write(begin, end, [&](std::ptrdiff_t i, __mmask64 mask) {
      return _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, bytes + (start + i)), flip_inside);
    });
    write(end, count, [&](std::ptrdiff_t, __mmask64) { return outside; });
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
