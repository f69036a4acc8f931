// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/generic.hpp
/// The kernel for every target. For a block of output channels: widen their filter taps into scratch, then sum, pixel
/// by pixel, the taps inside the image, the block's channels side by side.
#pragma once

#include <kinglet/kernels/depthwise/reference.hpp>
#include <kinglet/kernels/dot_tile.hpp>
#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/output_block.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <class C>
  static constexpr std::size_t scratch_bytes(const Window&, const C& tensors) noexcept {
    return static_cast<std::size_t>((taps_of(tensors) + 1) * lanes) *
           sizeof(widened_t<typename C::activation_type>);
  }

  /// Filters are used as they lie in the file.
  template <class C>
  static constexpr std::size_t packed_bytes(const C&) noexcept {
    return 0;
  }
  template <Rounding R, class C>
  static constexpr void pack(const C&, const ConvolutionQuantization&, std::byte*) noexcept {}

  /// kernels/convolution.hpp. Not where a channel is computed twice.
  template <class C>
  static constexpr bool keeps_row_order(const C& tensors) noexcept {
    const index_t outputs = tensors.output.extent(3);
    return tensors.input.extent(3) == outputs && (outputs <= lanes || outputs % lanes == 0);
  }

  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  const KernelMemory& memory) noexcept {
    const index_t outputs = tensors.output.extent(3);
    for (index_t o = 0; o < outputs; o += lanes) {
      // The last block is moved back to be a whole one: channels it shares are computed twice, to the same result.
      run_block<R>(window, tensors, q,
                   {std::clamp<index_t>(outputs - lanes, 0, o), std::min(outputs, lanes), memory.scratch});
    }
  }

 private:
  static constexpr index_t lanes = output_block_channels;

  template <class C>
  static constexpr std::ptrdiff_t taps_of(const C& tensors) noexcept {
    return std::ptrdiff_t{tensors.filter.extent(1)} * tensors.filter.extent(2);
  }

  struct Block {
    index_t first;  ///< output channel
    index_t count;
    std::byte* scratch;
  };

  template <Rounding R, class C>
  static void run_block(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                        const Block& block) noexcept {
    using T = typename C::activation_type;
    using Wide = widened_t<T>;
    using Sum = wrapping_sum_t<Wide>;
    const auto& [input, filter, bias, output] = tensors;
    const index_t depth_multiplier = output.extent(3) / input.extent(3);
    const bool contiguous = depth_multiplier == 1 && block.count == lanes;
    const index_t channel = block.first / depth_multiplier;
    const OutputBlock<R, Sum> stage(q.output, bias, block.first, block.count);
    Wide* const weights = reinterpret_cast<Wide*>(block.scratch);
    for (std::ptrdiff_t t = 0; t < taps_of(tensors); ++t) {
      widen_row(filter.data() + t * filter.extent(3) + block.first, block.count, q.filter_zero_point,
                weights + t * lanes);
    }
    Wide* const zeros = weights + taps_of(tensors) * lanes;
    std::fill(zeros, zeros + lanes, Wide{0});
    const std::ptrdiff_t tap_step = std::ptrdiff_t{window.dilation_w} * input.extent(3);
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        const index_t top = y * window.stride_h - window.pad_top;
        const TapRange rows = taps_inside(top, input.extent(1), filter.extent(1), window.dilation_h);
        for (index_t x = 0; x < output.extent(2); ++x) {
          const index_t left = x * window.stride_w - window.pad_left;
          const TapRange columns = taps_inside(left, input.extent(2), filter.extent(2), window.dilation_w);
          Sum sums[lanes]{};
          for (index_t ky = rows.begin; ky < rows.end; ++ky) {
            const T* value = input.data() + input.offset(n, window.row_at(top + ky * window.dilation_h),
                                                         left + columns.begin * window.dilation_w, channel);
            for (index_t kx = columns.begin; kx < columns.end; kx += taps_at_once) {
              Taps<T, Wide> taps;
              T spread[taps_at_once][lanes];
              for (index_t t = 0; t < taps_at_once; ++t) {
                // Beyond the last tap, the last one again, times zero.
                const index_t tap = kx + t;
                taps.weight[t] = tap < columns.end ? weights + (ky * filter.extent(2) + tap) * lanes : zeros;
                taps.value[t] = value;
                if (!contiguous) {
                  spread_channels(value, block, depth_multiplier, spread[t]);
                  taps.value[t] = spread[t];
                }
                value += tap + 1 < columns.end ? tap_step : 0;
              }
              add_taps(taps, q.input_zero_point, sums);
            }
          }
          store_block(stage, sums, block.count, output.data() + output.offset(n, y, x, block.first));
        }
      }
    }
  }

  /// The inputs of a block's channels, for a block that is not `lanes` neighbouring input channels.
  template <class T>
  static void spread_channels(const T* value, const Block& block, index_t depth_multiplier, T* to) noexcept {
    index_t at = block.first % depth_multiplier;
    for (index_t c = 0; c < lanes; ++c) {
      to[c] = *value;
      if (++at == depth_multiplier && c + 1 < block.count) {
        at = 0;
        ++value;
      }
    }
  }

  /// Several at once, so that sums are loaded and stored less often. (One is also a body so small that gcc -O3
  /// unrolls the lanes before it could vectorize them.)
  static constexpr index_t taps_at_once = 3;

  template <class T, class Wide>
  struct Taps {
    const T* value[taps_at_once];
    const Wide* weight[taps_at_once];
  };

  template <class T, class Wide>
  static void add_taps(const Taps<T, Wide>& taps, std::int32_t zero_point,
                       wrapping_sum_t<Wide>* KINGLET_RESTRICT sums) noexcept {
    const auto zero = static_cast<Wide>(zero_point);
    const auto [a, b, c] = taps.value;
    const auto [wa, wb, wc] = taps.weight;
    for (index_t i = 0; i < lanes; ++i) {
      wrapping_sum_t<Wide> sum = add_product(sums[i], static_cast<Wide>(a[i] - zero), wa[i]);
      sum = add_product(sum, static_cast<Wide>(b[i] - zero), wb[i]);
      sums[i] = add_product(sum, static_cast<Wide>(c[i] - zero), wc[i]);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
