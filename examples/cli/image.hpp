// SPDX-License-Identifier: Apache-2.0
/// @file image.hpp
/// Pictures: decoding, cropping, resizing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cli {

/// Rows from the top, channels interleaved: NHWC with N = 1.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;  ///< 1: gray, 3: red green blue
  std::vector<std::uint8_t> pixels{};
};

/// Decodes a PNG, JPEG or BMP file. Alpha is dropped; colours become gray, and gray becomes colour, as
/// `channels` (1 or 3) asks. A Failure names the file.
Image load_image(const std::string& path, int channels);

/// A picture made of a few formulas, for runs without one.
Image generated_image(int width, int height, int channels);

/// The largest part around the centre that has the proportions width : height, resized to that: linear between
/// pixels, and over as many of them as one of the result covers when the picture shrinks.
Image crop_and_resize(const Image& image, int width, int height);

}  // namespace cli
