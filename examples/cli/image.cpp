// SPDX-License-Identifier: Apache-2.0
/// @file image.cpp
#include "image.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

#include "failure.hpp"
#include "files.hpp"

#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

namespace cli {
namespace {

/// Pixels of the biggest picture taken: a small file can claim any size.
constexpr std::int64_t most_pixels = std::int64_t{1} << 27;

/// The decoder fills what a cut file lacks with gray. True when a BMP has fewer bytes than its header says, or a
/// JPEG no end marker after its last scan.
bool is_cut(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xff\xd8"sv)) {
    const std::size_t scan = bytes.rfind("\xff\xda"sv);
    return scan == std::string_view::npos || bytes.find("\xff\xd9"sv, scan) == std::string_view::npos;
  }
  if (!bytes.starts_with("BM"sv) || bytes.size() < 34) {
    return false;  // a PNG ends with a chunk that the decoder asks for
  }
  const auto field = [&](std::size_t at, int count) {
    std::uint32_t value = 0;
    for (int i = count; i-- > 0;) {
      value = value << 8 | static_cast<std::uint8_t>(bytes[at + static_cast<std::size_t>(i)]);
    }
    return value;
  };
  if (field(14, 4) < 40) {
    return false;  // the oldest header has no 32-bit sizes
  }
  const auto width = std::int64_t{static_cast<std::int32_t>(field(18, 4))};
  const auto height = std::int64_t{static_cast<std::int32_t>(field(22, 4))};
  const std::int64_t row = (width * field(28, 2) + 31) / 32 * 4;
  return std::int64_t{field(10, 4)} + row * (height < 0 ? -height : height) >
         static_cast<std::int64_t>(bytes.size());
}

Image blank(int width, int height, int channels) {
  const auto count =
      static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(channels);
  return {width, height, channels, std::vector<std::uint8_t>(count)};
}

}  // namespace

Image load_image(const std::string& path, int channels) {
  const std::vector<std::byte> bytes = read_file(path, std::size_t{1} << 30);
  const auto* const data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int found = 0;
  if (stbi_info_from_memory(data, size, &width, &height, &found) == 0) {
    throw Failure("cannot decode '" + path + "': not a PNG, JPEG or BMP picture, or damaged");
  }
  if (width <= 0 || height <= 0 || std::int64_t{width} * height > most_pixels) {
    throw Failure("cannot decode '" + path + "': " + std::to_string(width) + " x " + std::to_string(height) +
                  " pixels are too many");
  }
  if (is_cut({reinterpret_cast<const char*>(data), bytes.size()})) {
    throw Failure("cannot decode '" + path + "': the file is cut short");
  }
  stbi_uc* const pixels = stbi_load_from_memory(data, size, &width, &height, &found, channels);
  if (pixels == nullptr) {
    throw Failure("cannot decode '" + path + "': damaged or cut short (" + stbi_failure_reason() + ")");
  }
  const std::unique_ptr<stbi_uc, void (*)(void*)> owner(pixels, stbi_image_free);
  Image image = blank(width, height, channels);
  std::copy_n(pixels, image.pixels.size(), image.pixels.begin());
  return image;
}

Image generated_image(int width, int height, int channels) {
  Image image = blank(width, height, channels);
  auto* pixel = image.pixels.data();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      // Rings around a point left of the middle, over a slope of light; every channel in its own phase.
      const int dx = 256 * (3 * x - width) / (3 * width);
      const int dy = 256 * (2 * y - height) / (2 * height);
      const int rings = (dx * dx + dy * dy) / 64;
      for (int c = 0; c < channels; ++c) {
        const int wave = (rings + 85 * c) % 256;
        const int slope = 255 * (c == 1 ? y : x) / std::max(1, (c == 1 ? height : width) - 1);
        *pixel++ = static_cast<std::uint8_t>((std::max(wave, 255 - wave) + slope) / 2);
      }
    }
  }
  return image;
}

}  // namespace cli
