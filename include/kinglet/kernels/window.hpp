// SPDX-License-Identifier: Apache-2.0
/// @file kernels/window.hpp
/// How a filter moves over an image.
#pragma once

#include <algorithm>
#include <kinglet/tensor/extents.hpp>

namespace kinglet::inline KINGLET_TARGET {

enum class Padding : std::uint8_t { same, valid };

/// Steps of a filter over an NHWC image, in pixels. Output pixel (y, x) reads the input pixels
/// (y * stride_h - pad_top + ky * dilation_h, x * stride_w - pad_left + kx * dilation_w); those outside the image
/// count as real 0.
struct Window {
  index_t stride_h = 1;
  index_t stride_w = 1;
  index_t dilation_h = 1;
  index_t dilation_w = 1;
  index_t pad_top = 0;
  index_t pad_left = 0;
  // Of images in memory that goes round; DEPTHWISE_CONV_2D takes them.
  index_t ring = 0;        ///< rows of that memory; 0: the image's rows lie one behind the other
  index_t ring_first = 0;  ///< where row 0 lies

  /// Where row y of the image lies, in rows from where its memory begins.
  [[nodiscard]] KINGLET_ALWAYS_INLINE constexpr index_t row_at(index_t y) const noexcept {
    const index_t at = ring_first + y;
    return ring != 0 && at >= ring ? at - ring : at;
  }
  friend constexpr bool operator==(const Window&, const Window&) = default;
};

/// Output extent and the padding before it, along one dimension.
struct WindowExtent {
  index_t output;
  index_t pad_before;
};

/// SAME: output = ceil(input / stride), padding split evenly, the odd pixel after. VALID: no padding.
/// @param input, filter, stride, dilation at least 1. `output` is 0 or less when VALID leaves nothing.
constexpr WindowExtent window_extent(Padding padding, index_t input, index_t filter, index_t stride,
                                     index_t dilation) noexcept {
  const std::int64_t reach = std::int64_t{dilation} * (filter - 1) + 1;  // input pixels under one filter
  if (padding == Padding::valid) {
    const std::int64_t room = std::int64_t{input} - reach + stride;
    return {room <= 0 ? 0 : static_cast<index_t>(room / stride), 0};
  }
  const auto output = static_cast<index_t>((std::int64_t{input} + stride - 1) / stride);
  const std::int64_t total = std::max<std::int64_t>((std::int64_t{output} - 1) * stride + reach - input, 0);
  return {output, static_cast<index_t>(std::min<std::int64_t>(total / 2, 0x7fffffff))};
}

/// The filter taps [begin, end) of one dimension that fall inside the image.
struct TapRange {
  index_t begin;
  index_t end;
};

/// @param origin input position of tap 0: output * stride - pad.
constexpr TapRange taps_inside(index_t origin, index_t input, index_t filter, index_t dilation) noexcept {
  const index_t begin = origin >= 0 ? 0 : (-origin + dilation - 1) / dilation;
  const index_t end = origin >= input ? 0 : (input - origin + dilation - 1) / dilation;
  return {std::min(begin, filter), std::clamp(end, index_t{0}, filter)};
}

}  // namespace kinglet::inline KINGLET_TARGET
