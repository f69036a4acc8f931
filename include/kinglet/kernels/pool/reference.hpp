// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pool/reference.hpp
/// AVERAGE_POOL_2D and MAX_POOL_2D, the truth: plain loops.
///
/// Over the input pixels (y * sh - pt + ky, x * sw - pl + kx) that lie inside the image, n of them:
/// average = clamp((sum + n/2 if sum > 0, sum - n/2 otherwise) / n), maximum = clamp(max(lowest of T, pixels)).
/// `/` truncates. Input and output share scale and zero point, so raw values are summed.
#pragma once

#include <kinglet/kernels/window.hpp>
#include <kinglet/quant/activation.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/view.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::pool {

/// The window's dilation is not used: pools have none.
struct Pooling {
  Window window{};
  index_t filter_h = 1;
  index_t filter_w = 1;
  friend constexpr bool operator==(const Pooling&, const Pooling&) = default;
};

/// Most pixels of T under one window, so that their sum stays within 32 bits: |element| < 2^(8 sizeof(T)).
template <QuantizedElement T>
inline constexpr std::int64_t max_pixels = 0x7fffffff >> (8 * sizeof(T));

/// The output's quantization is the input's, as close as TFLite asks; of uint8 tensors it asks nothing, and takes the
/// one to be the other.
template <QuantizedElement T>
constexpr bool keeps_quantization(PerTensor input, PerTensor output) noexcept {
  const float difference = input.scale - output.scale;
  return std::same_as<T, std::uint8_t> ||
         (input.zero_point == output.zero_point && difference <= 1e-6F && difference >= -1e-6F);
}

/// NHWC, same batch and channels. Preconditions: every window has a pixel inside the image, and not more than
/// max_pixels.
template <QuantizedElement T, class I, class O>
struct PoolTensors {
  using element_type = T;
  TensorView<const T, I> input;
  TensorView<T, O> output;
};

/// The pixels under one window.
struct Patch {
  index_t top, bottom, left, right;  ///< [top, bottom) x [left, right) of the input

  constexpr Patch(const Pooling& p, const auto& input, index_t y, index_t x) noexcept
      : top(y * p.window.stride_h - p.window.pad_top),
        bottom(std::min(top + p.filter_h, input.extent(1))),
        left(x * p.window.stride_w - p.window.pad_left),
        right(std::min(left + p.filter_w, input.extent(2))) {
    top = std::max(top, index_t{0});
    left = std::max(left, index_t{0});
  }
  [[nodiscard]] constexpr std::int32_t count() const noexcept { return (bottom - top) * (right - left); }
};

namespace detail {
/// output(n, y, x, c) = clamp(fold(patch, n, c)).
template <class P, class Fold>
constexpr void for_each_output(const Pooling& pooling, const P& tensors, ActivationRange range,
                               Fold fold) noexcept {
  const auto& output = tensors.output;
  for (index_t n = 0; n < output.extent(0); ++n) {
    for (index_t y = 0; y < output.extent(1); ++y) {
      for (index_t x = 0; x < output.extent(2); ++x) {
        const Patch patch(pooling, tensors.input, y, x);
        for (index_t c = 0; c < output.extent(3); ++c) {
          output(n, y, x, c) =
              static_cast<typename P::element_type>(std::clamp(fold(patch, n, c), range.min, range.max));
        }
      }
    }
  }
}
}  // namespace detail

/// sum / count, rounded to nearest, ties away from zero.
constexpr std::int32_t rounded_mean(std::int32_t sum, std::int32_t count) noexcept {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

struct ReferenceAverage {
  static constexpr std::string_view name = "reference";

  template <class P>
  static constexpr void run(const Pooling& pooling, const P& tensors, ActivationRange range) noexcept {
    detail::for_each_output(pooling, tensors, range, [&](const Patch& patch, index_t n, index_t c) {
      const std::int32_t count = patch.count();
      std::int32_t sum = 0;
      for (index_t y = patch.top; y < patch.bottom; ++y) {
        for (index_t x = patch.left; x < patch.right; ++x) {
          sum += tensors.input(n, y, x, c);
        }
      }
      return rounded_mean(sum, count);
    });
  }
};

struct ReferenceMax {
  static constexpr std::string_view name = "reference";

  template <class P>
  static constexpr void run(const Pooling& pooling, const P& tensors, ActivationRange range) noexcept {
    detail::for_each_output(pooling, tensors, range, [&](const Patch& patch, index_t n, index_t c) {
      std::int32_t highest = std::numeric_limits<typename P::element_type>::min();
      for (index_t y = patch.top; y < patch.bottom; ++y) {
        for (index_t x = patch.left; x < patch.right; ++x) {
          highest = std::max<std::int32_t>(highest, tensors.input(n, y, x, c));
        }
      }
      return highest;
    });
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::pool
