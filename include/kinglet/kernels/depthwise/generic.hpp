// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/generic.hpp
/// The kernel for every target. For a block of output channels: widen their filter taps into scratch, then sum, pixel
/// by pixel, the taps inside the image, the block's channels side by side.
#pragma once

#include <kinglet/kernels/depthwise/reference.hpp>
#include <kinglet/kernels/dot_tile.hpp>
#include <kinglet/kernels/output_block.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

struct Generic {
  static constexpr std::string_view name = "generic";

  template <class C>
  static constexpr std::size_t scratch_bytes(const Window&, const C& tensors) noexcept {
    const std::ptrdiff_t taps = std::ptrdiff_t{tensors.filter.extent(1)} * tensors.filter.extent(2);
    return static_cast<std::size_t>(taps * lanes) * sizeof(widened_t<typename C::activation_type>);
  }

  template <Rounding R, class C>
  static void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
                  std::byte* scratch) noexcept {
    const index_t outputs = tensors.output.extent(3);
    for (index_t o = 0; o < outputs; o += lanes) {
      // The last block is moved back to be a whole one: channels it shares are computed twice, to the same result.
      run_block<R>(window, tensors, q,
                   {std::clamp(outputs - lanes, 0, o), std::min(outputs, lanes), scratch});
    }
  }

 private:
  static constexpr index_t lanes = output_block_channels;

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
    for (index_t t = 0; t < filter.extent(1) * filter.extent(2); ++t) {
      widen_row(filter.data() + std::ptrdiff_t{t} * filter.extent(3) + block.first, block.count,
                q.filter_zero_point, weights + std::ptrdiff_t{t} * lanes);
    }
    for (index_t n = 0; n < output.extent(0); ++n) {
      for (index_t y = 0; y < output.extent(1); ++y) {
        const index_t top = y * window.stride_h - window.pad_top;
        const TapRange rows = taps_inside(top, input.extent(1), filter.extent(1), window.dilation_h);
        for (index_t x = 0; x < output.extent(2); ++x) {
          const index_t left = x * window.stride_w - window.pad_left;
          const TapRange columns = taps_inside(left, input.extent(2), filter.extent(2), window.dilation_w);
          Sum sums[lanes]{};
          for (index_t ky = rows.begin; ky < rows.end; ++ky) {
            const T* value = input.data() + input.offset(n, top + ky * window.dilation_h,
                                                         left + columns.begin * window.dilation_w, channel);
            const Wide* weight = weights + (std::ptrdiff_t{ky} * filter.extent(2) + columns.begin) * lanes;
            for (index_t kx = columns.begin; kx < columns.end; ++kx) {
              if (contiguous) {
                add_tap(value, weight, q.input_zero_point, sums);
              } else {
                T spread[lanes]{};
                for (index_t c = 0, at = block.first % depth_multiplier, i = 0; c < block.count; ++c) {
                  spread[c] = value[i];
                  if (++at == depth_multiplier) {
                    at = 0;
                    ++i;
                  }
                }
                add_tap(spread, weight, q.input_zero_point, sums);
              }
              value += std::ptrdiff_t{window.dilation_w} * input.extent(3);
              weight += lanes;
            }
          }
          store_block(stage, sums, block.count, output.data() + output.offset(n, y, x, block.first));
        }
      }
    }
  }

  template <class T, class Wide>
  static void add_tap(const T* KINGLET_RESTRICT value, const Wide* KINGLET_RESTRICT weight,
                      std::int32_t zero_point, wrapping_sum_t<Wide>* KINGLET_RESTRICT sums) noexcept {
    const auto zero = static_cast<Wide>(zero_point);
    for (index_t c = 0; c < lanes; ++c) {
      sums[c] = add_product(sums[c], static_cast<Wide>(value[c] - zero), weight[c]);
    }
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::depthwise
