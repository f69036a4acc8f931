// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/packed.hpp
/// The patches of input under the filter, taps in the filter's own order, are gathered for a few pixels at a time and
/// multiplied as rows by a target's engine (kernels/pointwise/packed.hpp). Taps outside the image have the input's zero
/// point.
#pragma once

#include <cstring>
#include <kinglet/kernels/conv2d/generic.hpp>
#include <kinglet/kernels/pointwise/rows.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

/// One group; grouped convolutions, and activations that no engine is for, take the generic kernel.
template <class Engine, class Engine16 = void>
struct Packed {
  static constexpr std::string_view name = Engine::name;

  template <class C>
  using engine_of = pointwise::engine_for<typename C::activation_type, Engine, Engine16>;
  template <class C>
  static constexpr bool has_engine = !std::is_void_v<engine_of<C>>;

  template <class C>
  static constexpr bool applies(const C& tensors) noexcept {
    return has_engine<C> && tensors.input.extent(3) == tensors.filter.extent(3);
  }
  template <class C>
  static constexpr std::size_t packed_bytes(const C& tensors) noexcept {
    if constexpr (has_engine<C>) {
      if (applies(tensors)) {
        return engine(tensors).bytes();
      }
    }
    return Generic::packed_bytes(tensors);
  }
  template <class C>
  static constexpr std::size_t scratch_bytes(const Window& window, const C& tensors) noexcept {
    if constexpr (has_engine<C>) {
      if (applies(tensors)) {
        const auto rows = engine(tensors);
        const index_t most = gathered_rows(rows, tensors.output);
        using T = typename C::activation_type;
        const std::size_t patches =
            static_cast<std::size_t>(most) * static_cast<std::size_t>(rows.depth) * sizeof(T);
        return rows.template scratch_bytes<T>(most) + patches + long_copy;
      }
    }
    return Generic::scratch_bytes(window, tensors);
  }
  template <Rounding R, class C>
  static constexpr void pack(const C& tensors, const ConvolutionQuantization& q, std::byte* packed) noexcept {
    if constexpr (has_engine<C>) {
      if (applies(tensors)) {
        using W = typename C::weight_type;
        engine(tensors).template pack<R, typename C::activation_type, W>(
            pointwise::RowFilters<W, typename C::bias_type>{tensors.filter.data(), tensors.bias}, q, packed);
        return;
      }
    }
    Generic::pack<R>(tensors, q, packed);
  }
  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    if constexpr (has_engine<C>) {
      if (applies(tensors)) {
        run_gathered<R>(window, tensors, q, memory);
        return;
      }
    }
    Generic::run<R>(window, tensors, q, memory);
  }

 private:
  template <class C>
  static constexpr engine_of<C> engine(const C& tensors) noexcept {
    const auto& filter = tensors.filter;
    return {{filter.extent(1) * filter.extent(2) * filter.extent(3), tensors.output.extent(3)}};
  }

  /// Pixels that are gathered together: no more than there are.
  static constexpr index_t gathered_rows(const auto& rows, const auto& output) noexcept {
    const std::ptrdiff_t pixels = std::ptrdiff_t{output.extent(0)} * output.extent(1) * output.extent(2);
    return static_cast<index_t>(std::min<std::ptrdiff_t>(rows.gathered_rows(pixels), pixels));
  }

  template <Rounding R, class C>
  static void run_gathered(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                           const KernelMemory& memory) noexcept {
    using T = typename C::activation_type;
    const auto rows = engine(tensors);
    const auto& output = tensors.output;
    const index_t most = gathered_rows(rows, tensors.output);
    T* const patches = reinterpret_cast<T*>(memory.scratch + rows.template scratch_bytes<T>(most));
    T* to = output.data();
    index_t count = 0;
    const auto flush = [&] {
      const pointwise::RowRun<T> run{patches, rows.depth, count, to, output.extent(3)};
      rows.template multiply<R, T, typename C::weight_type>(run, q, memory);
      to += std::ptrdiff_t{count} * output.extent(3);
      count = 0;
    };
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        const ShortRuns<T> runs = short_runs(window, tensors, n, y);
        for (index_t x = 0; x < output.extent(2);) {
          T* const patch = patches + std::ptrdiff_t{count} * rows.depth;
          index_t pixels = 1;
          if (x >= runs.begin && x < runs.end) {
            pixels = std::min(runs.end - x, most - count);
            runs.copy(x, pixels, patch);
          } else {
            gather(window, tensors, {n, y, x, static_cast<T>(q.input_zero_point)}, patch);
          }
          x += pixels;
          count += pixels;
          if (count == most) {
            flush();
          }
        }
      }
    }
    if (count != 0) {
      flush();
    }
  }

  /// Bytes of one vector.
  static constexpr index_t long_copy = 16;

  /// Columns [begin, end) of an output row whose patches are in the image, in lines of no more than `long_copy` bytes.
  template <class T>
  struct ShortRuns {
    index_t begin = 0;
    index_t end = 0;
    const T* from = nullptr;  ///< the patch of column `begin`
    std::ptrdiff_t step = 0;  ///< elements from one column's patch to the next one's
    std::ptrdiff_t line = 0;  ///< from a patch's line to the next
    std::ptrdiff_t run = 0;   ///< of a line
    index_t lines = 0;

    /// What lies behind a run is copied with it, and overwritten by the next one.
    void copy(index_t x, index_t pixels, T* to) const noexcept {
      const T* patch = from + (x - begin) * step;
      for (; pixels > 0; --pixels, patch += step) {
        const T* at = patch;
        for (index_t ky = 0; ky < lines; ++ky, at += line, to += run) {
          std::memcpy(to, at, long_copy);
        }
      }
    }
  };

  /// None where the line of the last column may not be read so far. @param y row of the output
  template <class C>
  static auto short_runs(const Window& window, const C& tensors, index_t n, index_t y) noexcept {
    using T = typename C::activation_type;
    const auto& input = tensors.input;
    const index_t filter_w = tensors.filter.extent(2);
    const index_t depth = input.extent(3);
    const index_t top = y * window.stride_h - window.pad_top;
    ShortRuns<T> runs;
    runs.lines = tensors.filter.extent(1);
    runs.run = std::ptrdiff_t{filter_w} * depth;
    runs.line = std::ptrdiff_t{window.dilation_h} * input.extent(2) * depth;
    runs.step = std::ptrdiff_t{window.stride_w} * depth;
    if (window.dilation_w != 1 || runs.run * static_cast<std::ptrdiff_t>(sizeof(T)) > long_copy || top < 0 ||
        top + (runs.lines - 1) * window.dilation_h >= input.extent(1)) {
      return runs;
    }
    const std::ptrdiff_t begin = (std::ptrdiff_t{window.pad_left} + window.stride_w - 1) / window.stride_w;
    const std::ptrdiff_t left = begin * window.stride_w - window.pad_left;
    if (begin >= tensors.output.extent(2) || left + filter_w > input.extent(2)) {
      return runs;
    }
    runs.begin = static_cast<index_t>(begin);
    runs.from = input.data() + input.offset(n, top, static_cast<index_t>(left));
    // The last line of a patch is read up to `long_copy` elements from its first.
    const std::ptrdiff_t behind =
        input.data() + input.size() - runs.from - (runs.lines - 1) * runs.line - long_copy;
    const std::ptrdiff_t room =
        std::min<std::ptrdiff_t>(input.extent(2) - filter_w - left, behind < 0 ? -1 : behind / depth);
    const std::ptrdiff_t columns = room < 0 ? 0 : room / window.stride_w + 1;
    runs.end = static_cast<index_t>(std::min<std::ptrdiff_t>(tensors.output.extent(2), runs.begin + columns));
    return runs;
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
      const std::ptrdiff_t run = std::ptrdiff_t{filter_w} * depth;
      for (index_t ky = 0; ky < filter_h; ++ky, from += line) {
        to = copy(from, run, to);
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

  /// Runs are short, so that calls of memcpy would cost more than copying: blocks of a constant size, the last of
  /// which may overlap the one before.
  template <class T>
  static T* copy(const T* from, std::ptrdiff_t count, T* to) noexcept {
    count >= 16  ? copy_blocks<16>(from, count, to)
    : count >= 8 ? copy_blocks<8>(from, count, to)
    : count >= 4 ? copy_blocks<4>(from, count, to)
                 : copy_blocks<1>(from, count, to);
    return to + count;
  }
  template <std::ptrdiff_t Size, class T>
  static void copy_blocks(const T* from, std::ptrdiff_t count, T* to) noexcept {
    std::ptrdiff_t i = 0;
    for (; i + Size <= count; i += Size) {
      std::memcpy(to + i, from + i, Size * sizeof(T));
    }
    if (i < count) {
      std::memcpy(to + count - Size, from + count - Size, Size * sizeof(T));
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::conv2d
