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

  /// Bytes of one vector.
  static constexpr index_t long_copy = 16;

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
      const T* const last = from + (filter_h - 1) * line;
      if (run * static_cast<std::ptrdiff_t>(sizeof(T)) <= long_copy &&
          input.data() + input.size() - last >= long_copy) {
        // What lies behind a short run is copied with it, and overwritten by the next one.
        for (index_t ky = 0; ky < filter_h; ++ky, from += line, to += run) {
          std::memcpy(to, from, long_copy);
        }
        return;
      }
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
