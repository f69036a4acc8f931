// SPDX-License-Identifier: Apache-2.0
/// @file resize.cpp
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "image.hpp"

namespace cli {
namespace {

/// Where the pixels of one row or column of the result come from: pixels `first`, `first + 1`, ... with weights
/// that add up to 1.
struct Taps {
  int first = 0;
  std::vector<double> weights{};
};

/// weight(k) ~ max(0, 1 - |k + 1/2 - centre| / reach), centre = (i + 1/2) * from / to, reach = max(1, from / to).
std::vector<Taps> make_taps(int from, int to) {
  const double step = static_cast<double>(from) / to;
  const double reach = std::max(1.0, step);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (int i = 0; i < to; ++i) {
    Taps& taps = all[static_cast<std::size_t>(i)];
    const double centre = (i + 0.5) * step;
    taps.first = std::max(0, static_cast<int>(std::floor(centre - reach + 0.5)));
    const int end = std::min(from, static_cast<int>(std::floor(centre + reach + 0.5)));
    double sum = 0;
    for (int k = taps.first; k < end; ++k) {
      taps.weights.push_back(std::max(0.0, 1 - std::abs(k + 0.5 - centre) / reach));
      sum += taps.weights.back();
    }
    for (double& weight : taps.weights) {
      weight /= sum;
    }
  }
  return all;
}

/// A part of a picture's rows, not copied.
struct View {
  const std::uint8_t* corner;
  int width;
  int height;
  std::ptrdiff_t stride;  ///< bytes from one row to the next
};

/// One row of the view, resized horizontally.
void resize_row(const std::uint8_t* from, const std::vector<Taps>& taps, int channels, double* to) {
  for (const Taps& t : taps) {
    for (int c = 0; c < channels; ++c) {
      const std::uint8_t* pixel = from + static_cast<std::ptrdiff_t>(t.first) * channels + c;
      double sum = 0;
      for (const double weight : t.weights) {
        sum += weight * *pixel;
        pixel += channels;
      }
      *to++ = sum;
    }
  }
}

void resize(const View& from, Image& to) {
  const std::vector<Taps> columns = make_taps(from.width, to.width);
  const std::vector<Taps> rows = make_taps(from.height, to.height);
  const std::size_t row_size = to.pixels.size() / rows.size();
  std::vector<double> wide(row_size);
  std::vector<double> sum(row_size);
  for (std::size_t y = 0; y < rows.size(); ++y) {
    std::fill(sum.begin(), sum.end(), 0.0);
    const std::uint8_t* source = from.corner + rows[y].first * from.stride;
    for (const double weight : rows[y].weights) {
      resize_row(source, columns, to.channels, wide.data());
      for (std::size_t i = 0; i < row_size; ++i) {
        sum[i] += weight * wide[i];
      }
      source += from.stride;
    }
    std::transform(sum.begin(), sum.end(), to.pixels.begin() + static_cast<std::ptrdiff_t>(y * row_size),
                   [](double v) { return static_cast<std::uint8_t>(std::clamp(v + 0.5, 0.0, 255.0)); });
  }
}

}  // namespace

Image crop_and_resize(const Image& image, int width, int height) {
  // The biggest w x h inside the picture with w : h = width : height, at least one pixel.
  const std::int64_t scaled_width = std::int64_t{image.height} * width / height;
  const std::int64_t scaled_height = std::int64_t{image.width} * height / width;
  const int w = static_cast<int>(std::clamp<std::int64_t>(scaled_width, 1, image.width));
  const int h = static_cast<int>(std::clamp<std::int64_t>(scaled_height, 1, image.height));
  const std::ptrdiff_t stride = std::ptrdiff_t{image.width} * image.channels;
  const View middle{image.pixels.data() + (image.height - h) / 2 * stride +
                        static_cast<std::ptrdiff_t>((image.width - w) / 2) * image.channels,
                    w, h, stride};
  Image result{width, height, image.channels, {}};
  result.pixels.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                       static_cast<std::size_t>(image.channels));
  resize(middle, result);
  return result;
}

}  // namespace cli
