// SPDX-License-Identifier: Apache-2.0
/// @file support/steps.hpp
/// How a filter moves over an image in tests of convolutions.
#pragma once

#include <kinglet/kernels/window.hpp>

#include "random.hpp"

namespace test {

using kinglet::index_t;

/// An image, and the filter that moves over it.
struct ImageAndFilter {
  index_t height;
  index_t width;
  index_t filter_h;
  index_t filter_w;
};

/// Where it has been: the output's height and width are 0 or less where VALID padding leaves nothing.
struct Movement {
  kinglet::Window window;
  index_t height;
  index_t width;
};

struct Steps {
  kinglet::Padding padding = kinglet::Padding::same;
  index_t stride_h = 1;
  index_t stride_w = 1;
  index_t dilation_h = 1;
  index_t dilation_w = 1;
  // Rows and columns around the image besides, as a PAD that is folded brings them.
  index_t top = 0;
  index_t bottom = 0;
  index_t left = 0;
  index_t right = 0;

  /// Whole windows may be outside the image.
  /// @param strides 0 to 8: each pair of strides up to 3  @param dilations 0 to 3: each pair of dilations up to 2
  static Steps draw(kinglet::Padding padding, index_t strides, index_t dilations, Random& random) {
    Steps steps{padding, strides / 3 + 1, strides % 3 + 1, dilations / 2 + 1, dilations % 2 + 1};
    if (random.one_in(3)) {
      steps.top = random.in(0, 6);
      steps.bottom = random.in(0, 6);
      steps.left = random.in(0, 6);
      steps.right = random.in(0, 6);
    }
    return steps;
  }

  [[nodiscard]] Movement over(const ImageAndFilter& of) const {
    const auto h =
        kinglet::window_extent(padding, top + of.height + bottom, of.filter_h, stride_h, dilation_h);
    const auto w =
        kinglet::window_extent(padding, left + of.width + right, of.filter_w, stride_w, dilation_w);
    return {{stride_h, stride_w, dilation_h, dilation_w, top + h.pad_before, left + w.pad_before},
            h.output,
            w.output};
  }
};

}  // namespace test
