// SPDX-License-Identifier: Apache-2.0
/// @file generated_model.hpp
/// A MobileNetV2 with weights from a random number generator: for demonstrations, measurements and tests that need
/// a model of real size and no file. Its classes mean nothing.
///
/// Scales follow from the weights so that no layer saturates or fades away: a filter's output has variance
/// s^2 * sum(q^2) * E[x^2] for independent x, so s = target / sqrt(sum(q^2) * E[x^2]).
#pragma once

#include <cmath>
#include <kinglet/model/writer.hpp>
#include <string>
#include <vector>

namespace kinglet::inline KINGLET_TARGET::examples {

struct GeneratedModel {
  double width = 1.0;  ///< multiplies the channels
  std::int32_t size = 224;
  std::int32_t classes = 1000;
  std::uint32_t seed = 1;
};

namespace detail {

/// A tensor while the network grows.
struct Activation {
  std::int32_t tensor = -1;
  std::int32_t side = 0;
  std::int32_t channels = 0;
  float scale = 1.0F;
  std::int32_t zero_point = 0;
  double mean_square = 0;  ///< E[x^2], expected
};

/// What a layer aims at.
struct Layer {
  std::string name{};
  std::int32_t channels = 0;
  std::int32_t kernel = 1;
  std::int32_t stride = 1;
  bool relu6 = true;
};

/// Outputs of layers with RELU6, 1.5 wide around a bias of 0..2: E[x^2] around their mean, which filters of sum 0
/// do not see.
inline constexpr double relu6_mean_square = 1.5;
inline constexpr double relu6_width = 1.5;
/// Outputs of layers without an activation, in reals.
inline constexpr double linear_width = 1.0;

class MobileNetV2 {
 public:
  explicit MobileNetV2(const GeneratedModel& parameters)
      : p_(parameters),
        state_(parameters.seed * 2654435769U | 1U),
        writer_("MobileNetV2 with generated weights") {}

  std::vector<std::byte> build() {
    struct Group {
      std::int32_t expansion, channels, count, stride;
    };
    constexpr Group groups[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    Activation x{.side = p_.size, .channels = 3, .scale = 1.0F / 128, .zero_point = 0, .mean_square = 0.3};
    x.tensor = add_activation("input", x);
    writer_.set_inputs({x.tensor});
    x = convolution(x, {.name = "conv", .channels = channels(32), .kernel = 3, .stride = 2});
    std::int32_t block = 0;
    for (const Group& group : groups) {
      for (std::int32_t i = 0; i < group.count; ++i) {
        x = inverted_residual(x, "block" + std::to_string(block++), group.expansion,
                              {.channels = channels(group.channels), .stride = i == 0 ? group.stride : 1});
      }
    }
    x = convolution(x, {.name = "head", .channels = std::max(1280, channels(1280))});
    x = softmax(fully_connected(mean(x)));
    writer_.set_outputs({x.tensor});
    return writer_.finish();
  }

 private:
  std::uint32_t random() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  /// In [low, high).
  double uniform(double low, double high) { return low + (high - low) * (random() >> 8) / double{1 << 24}; }
  /// Near to a normal distribution of width 37: the mean of four bytes.
  std::int32_t weight() {
    const std::uint32_t r = random();
    const std::uint32_t sum = (r & 255) + (r >> 8 & 255) + (r >> 16 & 255) + (r >> 24);
    return (static_cast<std::int32_t>(sum) - 510) / 4;
  }

  /// Multiples of 8, never more than 10 % below the exact number.
  [[nodiscard]] std::int32_t channels(std::int32_t base) const {
    const double exact = base * p_.width;
    const std::int32_t rounded = std::max(8, static_cast<std::int32_t>(exact + 4) / 8 * 8);
    return rounded < 0.9 * exact ? rounded + 8 : rounded;
  }

  std::int32_t add_activation(const std::string& name, const Activation& a,
                              std::vector<std::int32_t> shape = {}) {
    if (shape.empty()) {
      shape = {1, a.side, a.side, a.channels};
    }
    return writer_.add_tensor(
        {.name = name, .shape = std::move(shape), .scales = {a.scale}, .zero_points = {a.zero_point}});
  }

  /// Weights and bias of a layer: tensor indexes.
  struct Parameters {
    std::int32_t filter, bias;
  };
  Parameters add_parameters(const Activation& x, const std::string& name,
                            const std::vector<std::int32_t>& shape, const std::vector<std::int8_t>& weights,
                            std::int32_t dimension, const std::vector<float>& scales,
                            const std::vector<double>& offsets) {
    std::vector<float> bias_scales;
    std::vector<std::int32_t> bias;
    for (std::size_t c = 0; c < offsets.size(); ++c) {
      const float scale = scales.size() == 1 ? scales[0] : scales[c];
      bias.push_back(static_cast<std::int32_t>(offsets[c] / (double{x.scale} * double{scale})));
    }
    for (const float scale : scales) {
      bias_scales.push_back(x.scale * scale);
    }
    const std::vector<std::int64_t> zeros(scales.size());
    return {writer_.add_tensor({.name = name + "/weights",
                                .shape = shape,
                                .scales = scales,
                                .zero_points = zeros,
                                .quantized_dimension = dimension,
                                .constant = std::as_bytes(std::span(weights))}),
            writer_.add_tensor({.name = name + "/bias",
                                .type = ElementType::int32,
                                .shape = {static_cast<std::int32_t>(bias.size())},
                                .scales = bias_scales,
                                .zero_points = zeros,
                                .constant = std::as_bytes(std::span(bias))})};
  }

  Activation output_of(const Layer& layer, std::int32_t side) {
    Activation y{.side = side, .channels = layer.channels};
    if (layer.relu6) {
      y.scale = 6.0F / 255;
      y.zero_point = -128;
      y.mean_square = relu6_mean_square;
    } else {
      y.scale = static_cast<float>(linear_width / 25);  // clamps beyond 5 widths
      y.zero_point = static_cast<std::int32_t>(random() % 9) - 4;
      y.mean_square = linear_width * linear_width;
    }
    y.tensor = add_activation(layer.name, y);
    return y;
  }

  double offset(const Layer& layer) { return layer.relu6 ? uniform(0, 2) : uniform(-0.2, 0.2); }

  /// Fills one filter; the sum of a filter over activations is 0, or the mean of all inputs would drown the rest.
  float fill(std::span<std::int8_t> filter, double mean_square, double target) {
    std::int32_t sum = 0;
    for (std::int8_t& q : filter) {
      q = static_cast<std::int8_t>(weight());
      sum += q;
    }
    const std::int32_t mean = sum / static_cast<std::int32_t>(filter.size());
    double squares = 1;
    for (std::int8_t& q : filter) {
      q = static_cast<std::int8_t>(std::clamp(q - mean, -127, 127));
      squares += q * q;
    }
    return static_cast<float>(target / std::sqrt(squares * mean_square));
  }

  Activation convolution(const Activation& x, const Layer& layer) {
    const auto depth = static_cast<std::size_t>(layer.kernel * layer.kernel * x.channels);
    std::vector<std::int8_t> weights(depth * static_cast<std::size_t>(layer.channels));
    std::vector<float> scales;
    std::vector<double> offsets;
    for (std::size_t c = 0; c < static_cast<std::size_t>(layer.channels); ++c) {
      const double target = layer.relu6 ? relu6_width : linear_width;
      scales.push_back(fill(std::span(weights).subspan(c * depth, depth), x.mean_square, target));
      offsets.push_back(offset(layer));
    }
    const auto [filter, bias] = add_parameters(
        x, layer.name, {layer.channels, layer.kernel, layer.kernel, x.channels}, weights, 0, scales, offsets);
    const Activation y = output_of(layer, (x.side + layer.stride - 1) / layer.stride);
    writer_.add_operator(
        {BuiltinOperator::conv_2d, 3}, {x.tensor, filter, bias}, {y.tensor},
        Conv2DOptions{.stride_h = layer.stride,
                      .stride_w = layer.stride,
                      .activation = layer.relu6 ? kinglet::Activation::relu6 : kinglet::Activation::none});
    return y;
  }

  /// 3x3 filters that keep most of the middle: repeated, filters without one would leave nothing of a picture.
  Activation depthwise(const Activation& x, Layer layer) {
    layer.channels = x.channels;
    const auto depth = static_cast<std::size_t>(x.channels);
    std::vector<std::int8_t> weights(9 * depth);
    std::vector<float> scales;
    std::vector<double> offsets;
    for (std::size_t c = 0; c < depth; ++c) {
      double sum = 0;
      double squares = 0;
      for (std::size_t tap = 0; tap < 9; ++tap) {
        const std::int32_t q = tap == 4 ? 90 + weight() / 4 : weight() / 2;
        weights[tap * depth + c] = static_cast<std::int8_t>(q);
        sum += q;
        squares += q * q;
      }
      // Neighbours are alike: between |sum| (all equal) and sqrt(squares) (independent).
      scales.push_back(static_cast<float>(1 / std::sqrt((sum * sum + squares) / 2)));
      offsets.push_back(uniform(-0.3, 0.3));
    }
    const auto [filter, bias] =
        add_parameters(x, layer.name, {1, 3, 3, x.channels}, weights, 3, scales, offsets);
    const Activation y = output_of(layer, (x.side + layer.stride - 1) / layer.stride);
    writer_.add_operator(
        {BuiltinOperator::depthwise_conv_2d, 3}, {x.tensor, filter, bias}, {y.tensor},
        DepthwiseConv2DOptions{
            .stride_h = layer.stride, .stride_w = layer.stride, .activation = kinglet::Activation::relu6});
    return y;
  }

  Activation inverted_residual(const Activation& x, const std::string& name, std::int32_t expansion,
                               const Layer& layer) {
    const Activation wide =
        expansion == 1 ? x : convolution(x, {.name = name + "/expand", .channels = x.channels * expansion});
    const Activation filtered = depthwise(wide, {.name = name + "/depthwise", .stride = layer.stride});
    const Activation narrow =
        convolution(filtered, {.name = name + "/project", .channels = layer.channels, .relu6 = false});
    return layer.stride == 1 && x.channels == layer.channels ? add(x, narrow, name + "/add") : narrow;
  }

  /// The variances add up.
  Activation add(const Activation& a, const Activation& b, const std::string& name) {
    Activation y{.side = a.side, .channels = a.channels, .mean_square = a.mean_square + b.mean_square};
    y.scale = static_cast<float>(std::sqrt(y.mean_square) / 25);
    y.zero_point = static_cast<std::int32_t>(random() % 9) - 4;
    y.tensor = add_activation(name, y);
    writer_.add_operator({BuiltinOperator::add, 2}, {a.tensor, b.tensor}, {y.tensor}, AddOptions{});
    return y;
  }

  Activation mean(const Activation& x) {
    const std::vector<std::int32_t> spatial{1, 2};
    const std::int32_t axes = writer_.add_tensor({.name = "mean/axes",
                                                  .type = ElementType::int32,
                                                  .shape = {2},
                                                  .constant = std::as_bytes(std::span(spatial))});
    Activation y = x;
    y.side = 1;
    y.tensor = add_activation("mean", y, {1, x.channels});
    writer_.add_operator({BuiltinOperator::mean, 2}, {x.tensor, axes}, {y.tensor}, ReducerOptions{});
    return y;
  }

  /// One scale for all classes, as is usual; scores of about 3, so that SOFTMAX has a choice to make.
  Activation fully_connected(const Activation& x) {
    const auto depth = static_cast<std::size_t>(x.channels);
    std::vector<std::int8_t> weights(depth * static_cast<std::size_t>(p_.classes));
    float scale = 0;
    for (std::size_t c = 0; c < static_cast<std::size_t>(p_.classes); ++c) {
      scale = fill(std::span(weights).subspan(c * depth, depth), x.mean_square, 3.0);
    }
    const std::vector<double> offsets(static_cast<std::size_t>(p_.classes));
    const auto [filter, bias] =
        add_parameters(x, "classes", {p_.classes, x.channels}, weights, 0, {scale}, offsets);
    Activation y{.side = 1, .channels = p_.classes, .scale = 0.12F, .zero_point = -20};
    y.tensor = add_activation("classes", y, {1, p_.classes});
    writer_.add_operator({BuiltinOperator::fully_connected, 4}, {x.tensor, filter, bias}, {y.tensor},
                         FullyConnectedOptions{});
    return y;
  }

  Activation softmax(const Activation& x) {
    Activation y{.side = 1, .channels = x.channels, .scale = 1.0F / 256, .zero_point = -128};
    y.tensor = add_activation("probabilities", y, {1, x.channels});
    writer_.add_operator({BuiltinOperator::softmax, 2}, {x.tensor}, {y.tensor}, SoftmaxOptions{});
    return y;
  }

  GeneratedModel p_;
  std::uint32_t state_;  // of xorshift32, never 0
  ModelWriter writer_;
};

}  // namespace detail

/// The file's bytes; the same for the same parameters.
inline std::vector<std::byte> generated_model(const GeneratedModel& parameters) {
  return detail::MobileNetV2(parameters).build();
}

}  // namespace kinglet::inline KINGLET_TARGET::examples
