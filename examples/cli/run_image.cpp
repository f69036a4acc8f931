// SPDX-License-Identifier: Apache-2.0
/// @file run_image.cpp
/// `kinglet run --image`: a picture in, classes out.
#include <cmath>
#include <cstring>
#include <kinglet/quant/activation.hpp>
#include <limits>
#include <optional>

#include "classes.hpp"
#include "dump.hpp"
#include "failure.hpp"
#include "image.hpp"
#include "run.hpp"
#include "text.hpp"

namespace cli {
namespace {

using kinglet::ElementType;

/// The model's only input, NHWC with batch 1, or a Failure.
kinglet::TensorInfo image_input(const ModelFile& file) {
  const kinglet::Model& model = file.model();
  const std::string needs = "'" + file.name() + "' does not take a picture: ";
  if (model.inputs().size() != 1) {
    throw Failure(needs + "it has " + std::to_string(model.inputs().size()) + " inputs; use --input");
  }
  const kinglet::TensorInfo input = model.tensor(model.inputs()[0]);
  if (input.rank() != 4 || input.shape[0] != 1 || (input.shape[3] != 1 && input.shape[3] != 3)) {
    throw Failure(needs + "its input is " + shape_text(input.shape) +
                  ", not 1 x height x width x 1 or 3; use --input");
  }
  const bool quantized =
      input.is_quantized() && (input.type == ElementType::int8 || input.type == ElementType::uint8);
  if (input.type != ElementType::float32 && !quantized) {
    throw Failure(needs + "its input has type " + std::string(input.type_name) + "; use --input");
  }
  return input;
}

double channel(const std::vector<double>& values, std::size_t c) {
  return values.size() == 1 ? values[0] : values[c];
}

/// What the model's input is for every pixel value of every channel.
///
/// Quantized, by convention of the format's picture models: q = pixel + the type's lowest value.
/// Float: real = pixel / 127.5 - 1. With mean and deviation: real = (pixel - mean) / deviation, quantized.
template <class T>
void write_pixels(const RunOptions& options, const kinglet::TensorInfo& input, const Image& image,
                  std::byte* to) {
  const auto channels = static_cast<std::size_t>(image.channels);
  std::vector<T> table(256 * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      T& value = table[c * 256 + static_cast<std::size_t>(pixel)];
      if (!options.mean.empty()) {
        const auto real =
            static_cast<float>((pixel - channel(options.mean, c)) / channel(options.deviation, c));
        if constexpr (std::is_same_v<T, float>) {
          value = real;
        } else {
          value = static_cast<T>(std::clamp<std::int32_t>(kinglet::quantize_real(real, input.per_tensor()),
                                                          std::numeric_limits<T>::min(),
                                                          std::numeric_limits<T>::max()));
        }
      } else if constexpr (std::is_same_v<T, float>) {
        value = static_cast<float>(pixel) / 127.5F - 1.0F;
      } else {
        value = static_cast<T>(pixel + std::numeric_limits<T>::min());
      }
    }
  }
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const T value = table[i % channels * 256 + image.pixels[i]];
    std::memcpy(to + i * sizeof value, &value, sizeof value);
  }
}

void write_input(const RunOptions& options, const kinglet::TensorInfo& input, const Image& image,
                 std::byte* to) {
  switch (input.type) {
    case ElementType::int8: return write_pixels<std::int8_t>(options, input, image, to);
    case ElementType::uint8: return write_pixels<std::uint8_t>(options, input, image, to);
    default: return write_pixels<float>(options, input, image, to);
  }
}

void check_channels(const RunOptions& options, std::size_t channels) {
  for (const auto* list : {&options.mean, &options.deviation}) {
    if (list->size() > 1 && list->size() != channels) {
      throw Failure("the model takes gray pictures: --mean and --std want one number each");
    }
  }
}

Image picture_for(const RunOptions& options, const kinglet::TensorInfo& input) {
  const int channels = input.shape[3];
  const Image image =
      options.image.empty() ? generated_image(512, 384, channels) : load_image(options.image, channels);
  return crop_and_resize(image, input.shape[2], input.shape[1]);
}

std::string class_lines(const std::vector<double>& probabilities, const RunOptions& options,
                        const Labels& labels) {
  std::string text;
  for (const std::size_t i : largest(probabilities, static_cast<std::size_t>(options.top))) {
    text += format("%8.4f  class %zu", probabilities[i], i);
    text += labels.names.empty() ? "\n" : "  " + one_line(labels.names[i]) + "\n";
  }
  return text;
}

std::string generated_notice() {
  return "The weights are generated: this shows that everything works and how fast; its classes mean "
         "nothing.\n"
         "Run a real model: kinglet run MODEL.tflite --image PICTURE.jpg --labels LABELS.txt\n";
}

}  // namespace

void run_on_image(const RunOptions& options, const ModelFile& file) {
  const kinglet::Model& model = file.model();
  const kinglet::TensorInfo input = image_input(file);
  check_channels(options, static_cast<std::size_t>(input.shape[3]));
  if (model.outputs().empty()) {
    throw Failure("'" + file.name() + "' has no output");
  }
  Engine engine = make_engine(file, engine_for(options));
  const kinglet::TensorInfo output = model.tensor(model.outputs()[0]);
  const bool classifies = is_class_vector(output);
  if (!classifies && options.outputs.empty() && options.dump.empty()) {
    throw Failure("the output of '" + file.name() + "' is no list of classes but " +
                  std::string(output.type_name) + " " + shape_text(output.shape) +
                  "; --output FILE writes it as it is");
  }
  Labels labels;
  if (classifies && !options.labels.empty()) {
    labels = read_labels(options.labels, output.elements());
  }
  const Image picture = picture_for(options, input);
  std::vector<OutputFile> outputs = open_outputs(options, model);
  std::optional<Dump> dump;
  Observer observe;
  if (!options.dump.empty()) {
    dump.emplace(options.dump, model);
    observe = [&](std::int32_t op, std::span<const std::byte> bytes) { dump->write(op, bytes); };
  }

  write_input(options, input, picture, engine->input_bytes(0).data());
  const double ms = run_once(engine, observe);
  write_outputs(engine, outputs, model);
  for (OutputFile& file_out : outputs) {
    file_out.commit();
  }
  if (dump) {
    dump->commit();
  }

  std::string text;
  if (file.is_generated()) {
    text += "model: " + file.name() + (options.image.empty() ? ", on a generated picture\n" : "\n");
  }
  if (classifies) {
    std::vector<double> probabilities = dequantize(output, engine->output_bytes(0));
    if (!ends_in_probabilities(model)) {
      softmax(probabilities);
    }
    if (labels.skipped_background) {
      text += "labels: the first line is left out, the model has no class for it\n";
    }
    text += class_lines(probabilities, options, labels);
  }
  text += format("time: %.3f ms, the first run\narena: %zu bytes\n", ms, engine.needs().arena_bytes);
  print(text + (file.is_generated() ? generated_notice() : ""));
}

}  // namespace cli
