// SPDX-License-Identifier: Apache-2.0
/// @file pictures.cpp
/// `kinglet run --image`: decoding, cropping, quantizing, classes and labels.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "support.hpp"

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

using test::Bytes;
using test::command;

namespace {

using Pixels = std::vector<std::uint8_t>;

/// A picture of 4 x 2 pixels: red, green, blue or as many channels as asked for.
Pixels pattern(int channels) {
  Pixels pixels;
  for (int i = 0; i < 8; ++i) {
    for (int c = 0; c < channels; ++c) {
      pixels.push_back(static_cast<std::uint8_t>(c == 3 || (channels == 2 && c == 1) ? 7 : 10 * i + 70 * c));
    }
  }
  return pixels;
}

/// What the model is fed for a picture.
Bytes fed(const test::Folder& folder, const std::string& image, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"run",      folder.path("m.tflite"), "--image", image,
                                     "--output", folder.path("fed")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto result = command(arguments);
  CAPTURE(result.err);
  CHECK(result.code == 0);
  return test::read(folder.path("fed"));
}

/// pixel + the lowest int8.
Bytes as_int8(const Pixels& pixels) {
  Bytes bytes;
  for (const std::uint8_t pixel : pixels) {
    bytes.push_back(static_cast<std::byte>(pixel - 128));
  }
  return bytes;
}

}  // namespace

TEST_CASE("PNG and BMP: every kind of channels becomes what the model takes") {
  const test::Folder folder;
  const std::string png = folder.path("x.png");
  const std::string bmp = folder.path("x.bmp");
  test::write(folder.path("m.tflite"), test::copying_model(2, 4, 3));
  const Bytes colour = as_int8(pattern(3));
  for (const int channels : {3, 4}) {
    stbi_write_png(png.c_str(), 4, 2, channels, pattern(channels).data(), 0);
    stbi_write_bmp(bmp.c_str(), 4, 2, channels, pattern(channels).data());
    CHECK(fed(folder, png) == colour);
    CHECK(fed(folder, bmp) == colour);
  }
  Pixels gray;
  for (int i = 0; i < 8; ++i) {
    gray.insert(gray.end(), 3, static_cast<std::uint8_t>(10 * i));
  }
  for (const int channels : {1, 2}) {
    stbi_write_png(png.c_str(), 4, 2, channels, pattern(channels).data(), 0);
    CHECK(fed(folder, png) == as_int8(gray));
  }
  test::write(folder.path("m.tflite"), test::copying_model(2, 4, 1));
  stbi_write_png(png.c_str(), 4, 2, 1, pattern(1).data(), 0);
  CHECK(fed(folder, png) == as_int8(pattern(1)));
  stbi_write_png(png.c_str(), 4, 2, 3, gray.data(), 0);
  CHECK(fed(folder, png) == as_int8(pattern(1)));
  test::write(folder.path("m.tflite"), test::copying_model(2, 4, 1, kinglet::ElementType::uint8));
  const Pixels bytes = pattern(1);
  CHECK(std::memcmp(fed(folder, png).data(), bytes.data(), bytes.size()) == 0);
}

TEST_CASE("a JPEG of one colour keeps it") {
  const test::Folder folder;
  test::write(folder.path("m.tflite"), test::copying_model(8, 8, 3));
  const Pixels pixels(std::size_t{3} * 32 * 16, 200);
  stbi_write_jpg(folder.path("x.jpg").c_str(), 32, 16, 3, pixels.data(), 95);
  const Bytes bytes = fed(folder, folder.path("x.jpg"));
  CHECK(bytes.size() == 8 * 8 * 3);
  CHECK(std::all_of(bytes.begin(), bytes.end(), [](std::byte b) {
    const int value = static_cast<std::int8_t>(b) + 128;
    return value >= 198 && value <= 202;
  }));
}

TEST_CASE("the middle is cut out, whatever the picture's size") {
  const test::Folder folder;
  const std::string png = folder.path("x.png");
  test::write(folder.path("m.tflite"), test::copying_model(2, 2, 1));
  // The middle 2 x 2 of 4 x 2.
  stbi_write_png(png.c_str(), 4, 2, 1, pattern(1).data(), 0);
  CHECK(fed(folder, png) == as_int8({10, 20, 50, 60}));
  stbi_write_png(png.c_str(), 2, 4, 1, pattern(1).data(), 0);
  CHECK(fed(folder, png) == as_int8({20, 30, 40, 50}));
  // One pixel, a row, a column.
  const Pixels one{99};
  stbi_write_png(png.c_str(), 1, 1, 1, one.data(), 0);
  CHECK(fed(folder, png) == as_int8({99, 99, 99, 99}));
  Pixels line(5000, 0);
  line[2499] = 40;
  stbi_write_png(png.c_str(), 5000, 1, 1, line.data(), 0);
  CHECK(fed(folder, png) == as_int8({40, 40, 40, 40}));
  stbi_write_png(png.c_str(), 1, 5000, 1, line.data(), 0);
  CHECK(fed(folder, png) == as_int8({40, 40, 40, 40}));
  // 4 x 4 to 2 x 2: weights 3, 3, 1, 0 over 7 and their mirror image, down and across.
  const Pixels quarters{0, 0, 80, 80, 0, 0, 80, 80, 160, 160, 240, 240, 160, 160, 240, 240};
  stbi_write_png(png.c_str(), 4, 4, 1, quarters.data(), 0);
  CHECK(fed(folder, png) == as_int8({34, 91, 149, 206}));
  // 1 x 2 to 2 x 4: linear between the two, 1/4 and 3/4 of the way.
  test::write(folder.path("m.tflite"), test::copying_model(4, 2, 1));
  const Pixels two{0, 200};
  stbi_write_png(png.c_str(), 1, 2, 1, two.data(), 0);
  CHECK(fed(folder, png) == as_int8({0, 0, 50, 50, 150, 150, 200, 200}));
}

TEST_CASE("mean and std, and models of floats") {
  const test::Folder folder;
  const std::string png = folder.path("x.png");
  const Pixels pixel{100, 150, 250};
  stbi_write_png(png.c_str(), 1, 1, 3, pixel.data(), 0);
  // scale 0.5, zero point 3: (100 - 90) / 10 = 1 -> 5; (150 - 160) / 4 = -2.5 -> -2; (250 - 0) / 1 -> clamped
  test::write(folder.path("m.tflite"), test::copying_model(1, 1, 3));
  CHECK(fed(folder, png, {"--mean", "90,160,0", "--std", "10,4,1"}) ==
        Bytes{std::byte{5}, std::byte{0xfe}, std::byte{127}});
  CHECK(fed(folder, png, {"--mean=-100", "--std=100"}) ==
        Bytes{std::byte{7}, std::byte{8}, std::byte{10}});  // 2, 2.5, 3.5
  const auto floats = [&](const std::vector<std::string>& more) {
    const Bytes bytes = fed(folder, png, more);
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  };
  test::write(folder.path("m.tflite"), test::copying_model(1, 1, 3, kinglet::ElementType::float32));
  CHECK(floats({}) == std::vector<float>{100 / 127.5F - 1, 150 / 127.5F - 1, 250 / 127.5F - 1});
  CHECK(floats({"--mean", "0", "--std", "50"}) == std::vector<float>{2, 3, 5});
  // Gray models want one number.
  test::write(folder.path("m.tflite"), test::copying_model(1, 1, 1));
  CHECK(
      command({"run", folder.path("m.tflite"), "--image", png, "--mean", "1,2,3", "--std", "1"}).is_error(1));
}

TEST_CASE("pictures that cannot be decoded") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  test::write(model, test::copying_model(2, 2, 3));
  const Pixels noise = [] {
    Pixels pixels;
    for (const std::byte b : test::random_bytes(64 * 64 * 3, 5)) {
      pixels.push_back(std::to_integer<std::uint8_t>(b));
    }
    return pixels;
  }();
  stbi_write_png(folder.path("x.png").c_str(), 64, 64, 3, noise.data(), 0);
  stbi_write_bmp(folder.path("x.bmp").c_str(), 64, 64, 3, noise.data());
  stbi_write_jpg(folder.path("x.jpg").c_str(), 64, 64, 3, noise.data(), 90);
  test::write(folder.path("x.gif"), std::string("GIF89a") + std::string(100, '\0'));
  test::write(folder.path("x.txt"), std::string("not a picture"));
  test::write(folder.path("empty.png"), std::string());
  for (const char* name : {"x.png", "x.bmp", "x.jpg"}) {
    REQUIRE(command({"run", model, "--image", folder.path(name)}).code == 0);
    const Bytes bytes = test::read(folder.path(name));
    for (const std::size_t part : {bytes.size() / 2, bytes.size() - 20, std::size_t{20}}) {
      test::write(folder.path("cut"),
                  Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part)));
      const auto result = command({"run", model, "--image", folder.path("cut")});
      CAPTURE(name);
      CAPTURE(part);
      CHECK(result.is_error(1));
    }
  }
  for (const char* name : {"x.gif", "x.txt", "empty.png", "absent.png", "."}) {
    CHECK(command({"run", model, "--image", folder.path(name)}).is_error(1));
  }
}

TEST_CASE("classes: order, softmax and labels") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  const std::string png = folder.path("x.png");
  const std::string labels = folder.path("labels.txt");
  test::write(model, test::copying_model(1, 1, 3));
  // real = 0.5 * (q - 3): 1, 3, 2 and no SOFTMAX in the model: e^-2, 1, e^-1 over their sum 1.503215
  const Pixels pixel{128 + 5, 128 + 9, 128 + 7};
  stbi_write_png(png.c_str(), 1, 1, 3, pixel.data(), 0);
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"run", model, "--image", png};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command(arguments);
  };
  CHECK(run({}).out.starts_with("  0.6652  class 1\n  0.2447  class 2\n  0.0900  class 0\ntime: "));
  CHECK(run({}).out.find("\narena: ") != std::string::npos);
  CHECK(run({"--top", "1"}).out.starts_with("  0.6652  class 1\ntime: "));
  test::write(labels, std::string("wren\r\nrobin\r\nowl\r\n"));
  CHECK(run({"--labels", labels, "--top", "2"})
            .out.starts_with("  0.6652  class 1  robin\n  0.2447  class 2  owl\ntime: "));
  test::write(labels, std::string("background\nwren\nrobin\nowl"));
  CHECK(run({"--labels", labels, "--top", "1"}).out.find("first line is left out") != std::string::npos);
  CHECK(run({"--labels", labels, "--top", "1"}).out.find("  0.6652  class 1  robin\n") != std::string::npos);
  for (const char* text : {"a\nb", "a\nb\nc\nd", "", "background\na\nb\nc\nd"}) {
    test::write(labels, std::string(text));
    CHECK(run({"--labels", labels}).is_error(1));
  }
  CHECK(run({"--labels", folder.path("absent")}).is_error(1));
}

TEST_CASE("models that take no picture or give no classes") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  const std::string png = folder.path("x.png");
  stbi_write_png(png.c_str(), 4, 2, 3, pattern(3).data(), 0);
  test::write(model, test::copying_model(2, 4, 2));
  CHECK(command({"run", model, "--image", png}).is_error(1));

  kinglet::ModelWriter writer;  // 1x2x4x3 in, 1x8x3 out
  const std::int32_t in =
      writer.add_tensor({.name = "in", .shape = {1, 2, 4, 3}, .scales = {1.0F}, .zero_points = {0}});
  const std::int32_t out =
      writer.add_tensor({.name = "out", .shape = {1, 8, 3}, .scales = {1.0F}, .zero_points = {0}});
  const std::vector<std::int32_t> shape{1, 8, 3};
  writer.add_operator(kinglet::BuiltinOperator::reshape, {in}, {out},
                      kinglet::ReshapeOptions{.new_shape = shape});
  writer.set_inputs({in});
  writer.set_outputs({out});
  test::write(model, writer.finish());
  const auto result = command({"run", model, "--image", png});
  CHECK(result.is_error(1));
  CHECK(result.err.find("--output") != std::string::npos);
  CHECK(fed(folder, png) == as_int8(pattern(3)));
}

TEST_CASE("real models see what is in a picture, where the data is there") {
  const std::string data = test::data_folder();
  if (data.empty()) {
    return;
  }
  for (const char* model : {"tf2_mobilenet_v2_1.0_224_ptq", "mobilenet_v2_1.0_224_quant"}) {
    const auto first = [&](const char* image, const char* profile) {
      const auto result =
          command({"run", data + "/models/" + model + ".tflite", "--image", data + "/images/" + image,
                   "--labels", data + "/images/imagenet_labels.txt", "--conform", profile});
      CAPTURE(result.err);
      CHECK(result.code == 0);
      return result.out.substr(0, result.out.find('\n'));
    };
    CHECK(first("cat.bmp", "tflm").find(" cat") != std::string::npos);
    CHECK(first("sunflower.bmp", "tflite").find("daisy") != std::string::npos);
    CHECK(first("hot_dog.jpg", "single").find("hotdog") != std::string::npos);
    const std::string hopper = first("grace_hopper.bmp", "tflm");
    CHECK((hopper.find("military uniform") != std::string::npos ||
           hopper.find("mortarboard") != std::string::npos));
  }
}
