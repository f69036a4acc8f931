// SPDX-License-Identifier: Apache-2.0
// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED from a file: the references' outputs, in every profile.
#include <cmath>
#include <kinglet/kernels/conv2d/reference.hpp>
#include <kinglet/kernels/depthwise/reference.hpp>
#include <kinglet/kernels/fully_connected/reference.hpp>

#include "one_operator.hpp"

using namespace kinglet;
using test::Bytes;
using test::Prescribed;
using test::Random;

namespace {

/// How many scales the weights have.
enum class Scales { per_tensor, per_channel };

/// Weights, bias and scales of `channels` sums of `terms` products, with outputs mostly inside the element type.
template <class T, class W>
struct Weights {
  using Bias = accumulator_t<T>;
  std::size_t channels;
  PerTensor input;
  PerTensor output;
  std::vector<W> filter;
  std::vector<float> scales;
  std::int32_t filter_zero_point;
  std::vector<Bias> bias;  ///< empty: none
  Activation activation;

  Weights(Random& random, std::size_t outputs, std::size_t terms, Scales count)
      : channels(outputs),
        input{test::random_real(random, 0.01F, 0.1F), test::random_zero_point<T>(random)},
        filter(test::random_elements<W>(random, channels * terms)),
        scales(count == Scales::per_channel ? channels : 1),
        filter_zero_point(std::is_same_v<W, std::uint8_t> ? random.element<W>() : 0),
        activation(test::random_activation(random)) {
    for (float& scale : scales) {
      scale = test::random_real(random, 0.001F, 0.02F);
    }
    // Uniform elements have a standard deviation of range / sqrt(12); outputs get a quarter of their range.
    const double input_deviation = sizeof(T) == 1 ? 74 : 18918;
    const double sum = input_deviation * 74 * std::sqrt(static_cast<double>(terms));
    const double wanted = sizeof(T) == 1 ? 64 : 16384;
    output = {static_cast<float>(static_cast<double>(input.scale) * 0.01 * sum / wanted),
              sizeof(T) == 2 ? 0 : random.in(-20, 20) + (std::is_same_v<T, std::uint8_t> ? 128 : 0)};
    if (!random.one_in(4)) {
      bias.resize(channels);
      for (Bias& b : bias) {
        b = random.in(static_cast<Bias>(-sum), static_cast<Bias>(sum));
      }
    }
  }

  [[nodiscard]] std::vector<Multiplier> multipliers(ScaleProduct product) const {
    std::vector<Multiplier> result;
    for (std::size_t o = 0; o < channels; ++o) {
      const float scale = scales[std::min(o, scales.size() - 1)];
      const double both = product == ScaleProduct::in_single_first
                              ? static_cast<double>(input.scale * scale)
                              : static_cast<double>(input.scale) * static_cast<double>(scale);
      result.push_back(make_multiplier(both / static_cast<double>(output.scale)));
    }
    return result;
  }
  [[nodiscard]] ConvolutionQuantization quantization(const std::vector<Multiplier>& m) const {
    const ActivationRange range = activation_range<T>(activation, output);
    return {input.zero_point, filter_zero_point, {m.data(), output.zero_point, range.min, range.max}};
  }

  /// Adds filter and bias; 16-bit networks have either kind of bias.
  void write(test::OneOperator& to, const test::Shape& filter_shape, std::int32_t channel_dimension,
             bool wide_bias) const {
    TensorSpec spec = test::tensor<W>("weights", filter_shape, {1.0F, 0});
    spec.scales = scales;
    spec.zero_points.assign(scales.size(), filter_zero_point);
    spec.quantized_dimension = channel_dimension;
    to.constant(spec, filter);
    const auto size = static_cast<std::int32_t>(channels);
    if (bias.empty()) {
      if (wide_bias) {
        to.absent();  // else one input less
      }
    } else if (sizeof(Bias) == 8 && wide_bias) {
      to.constant(test::plain("bias", ElementType::int64, {size}), bias);
    } else {
      to.constant(test::plain("bias", ElementType::int32, {size}),
                  std::vector<std::int32_t>(bias.begin(), bias.end()));
    }
  }
};

struct Image {
  index_t n, h, w, c;
  [[nodiscard]] test::Shape shape() const { return {n, h, w, c}; }
  [[nodiscard]] Nhwc extents() const { return Nhwc{n, h, w, c}; }
};

/// A filter that fits the image, and what it makes of it.
struct Filter {
  index_t h, w;
  Window window;
  Padding padding;
  index_t out_h, out_w;

  Filter(Random& random, const Image& in) {
    padding = random.one_in(2) ? Padding::same : Padding::valid;
    const index_t most_h = padding == Padding::valid ? in.h : in.h + 2;
    const index_t most_w = padding == Padding::valid ? in.w : in.w + 2;
    h = random.in(1, std::min(most_h, 4));
    w = random.in(1, std::min(most_w, 4));
    window.stride_h = random.in(1, 3);
    window.stride_w = random.one_in(2) ? window.stride_h : random.in(1, 3);
    window.dilation_h = h > 1 && random.one_in(3) ? std::max(std::min(2, (most_h - 1) / (h - 1)), 1) : 1;
    window.dilation_w = w > 1 && random.one_in(3) ? std::max(std::min(3, (most_w - 1) / (w - 1)), 1) : 1;
    const auto y = test::reach(padding, in.h, h, {window.stride_h, window.dilation_h});
    const auto x = test::reach(padding, in.w, w, {window.stride_w, window.dilation_w});
    window.pad_top = y.pad;
    window.pad_left = x.pad;
    out_h = y.output;
    out_w = x.output;
  }
  template <class Options>
  [[nodiscard]] Options options(Activation activation) const {
    return {.padding = padding,
            .stride_h = window.stride_h,
            .stride_w = window.stride_w,
            .dilation_h = window.dilation_h,
            .dilation_w = window.dilation_w,
            .activation = activation};
  }
};

template <class W>
constexpr ScaleProduct convolution_product =
    std::is_same_v<W, std::uint8_t> ? ScaleProduct::in_single_first : ScaleProduct::in_double;

/// How often profiles that round differently gave different outputs: were it never, the tests would prove little.
struct Differences {
  int upward = 0;  ///< tflite from tflm
  int single = 0;  ///< single from tflm
};

template <class T, class W>
Differences check_conv2d(Scales count, std::uint64_t seed, bool grouped) {
  Random random(seed);
  Differences differences;
  for (int i = 0; i < 40; ++i) {
    const index_t groups = grouped ? random.in(2, 4) : 1;
    const index_t depth = random.in(1, 20);
    const Image in{random.in(1, 2), random.in(1, 8), random.in(1, 8), groups * depth};
    Filter filter(random, in);
    if (random.one_in(4)) {  // 1x1: the pointwise kernel when it does not step
      filter.h = filter.w = 1;
      filter.window = {};
      filter.out_h = in.h;
      filter.out_w = in.w;
    }
    const Image out{in.n, filter.out_h, filter.out_w, groups * random.in(1, grouped ? 5 : 35)};
    const auto terms = static_cast<std::size_t>(filter.h * filter.w * depth);
    const Weights<T, W> weights(random, static_cast<std::size_t>(out.c), terms, count);
    const auto input = test::random_elements<T>(random, in.extents().size());

    test::OneOperator model;
    model.input(test::tensor<T>("image", in.shape(), weights.input));
    weights.write(model, {out.c, filter.h, filter.w, depth}, 0, random.one_in(2));
    const Bytes file =
        model.finish({BuiltinOperator::conv_2d, 3}, test::tensor<T>("result", out.shape(), weights.output),
                     filter.options<Conv2DOptions>(weights.activation));
    const auto multipliers = weights.multipliers(convolution_product<W>);
    std::vector<std::vector<T>> answers;
    test::for_profiles([&]<class P>() {
      std::vector<T> expected(out.extents().size());
      const Convolution<T, W, Nhwc, Ohwi, Nhwc> tensors{
          {input.data(), in.extents()},
          {weights.filter.data(), Ohwi{out.c, filter.h, filter.w, depth}},
          weights.bias.empty() ? nullptr : weights.bias.data(),
          {expected.data(), out.extents()}};
      const ConvolutionQuantization q = weights.quantization(multipliers);
      if (grouped) {
        conv2d::Reference::run<typename Prescribed<P>::grouped_conv2d>(filter.window, tensors, q);
      } else {
        conv2d::Reference::run<typename Prescribed<P>::conv2d>(filter.window, tensors, q);
      }
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(input)}) == expected);
      answers.push_back(expected);
    });
    differences.upward += answers[1] != answers[0] ? 1 : 0;
    differences.single += answers[2] != answers[0] ? 1 : 0;
  }
  return differences;
}

template <class T, class W>
Differences check_depthwise(Scales count, std::uint64_t seed) {
  Random random(seed);
  Differences differences;
  for (int i = 0; i < 40; ++i) {
    const bool grey = random.one_in(3);  // one channel: computed as CONV_2D
    const index_t multiplier = random.one_in(2) ? 1 : random.in(2, grey ? 20 : 4);
    const Image in{random.in(1, 2), random.in(1, 8), random.in(1, 8), grey ? 1 : random.in(1, 20)};
    const Filter filter(random, in);
    const Image out{in.n, filter.out_h, filter.out_w, in.c * multiplier};
    const Weights<T, W> weights(random, static_cast<std::size_t>(out.c),
                                static_cast<std::size_t>(filter.h * filter.w), count);
    const auto input = test::random_elements<T>(random, in.extents().size());

    test::OneOperator model;
    model.input(test::tensor<T>("image", in.shape(), weights.input));
    weights.write(model, {1, filter.h, filter.w, out.c}, 3, random.one_in(2));
    auto options = filter.options<DepthwiseConv2DOptions>(weights.activation);
    options.depth_multiplier = random.one_in(2) ? multiplier : random.in(0, 4);  // shapes say it
    const Bytes file = model.finish({BuiltinOperator::depthwise_conv_2d, 3},
                                    test::tensor<T>("result", out.shape(), weights.output), options);
    const auto multipliers = weights.multipliers(convolution_product<W>);
    std::vector<std::vector<T>> answers;
    test::for_profiles([&]<class P>() {
      std::vector<T> expected(out.extents().size());
      depthwise::Reference::run<typename Prescribed<P>::others>(
          filter.window,
          Convolution<T, W, Nhwc, Ohwi, Nhwc>{{input.data(), in.extents()},
                                              {weights.filter.data(), Ohwi{1, filter.h, filter.w, out.c}},
                                              weights.bias.empty() ? nullptr : weights.bias.data(),
                                              {expected.data(), out.extents()}},
          weights.quantization(multipliers));
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(input)}) == expected);
      answers.push_back(expected);
    });
    differences.upward += answers[1] != answers[0] ? 1 : 0;
    differences.single += answers[2] != answers[0] ? 1 : 0;
  }
  return differences;
}

/// Input and output of FULLY_CONNECTED with `rows` rows, in one of the forms that files have.
struct FullyConnectedShapes {
  test::Shape input;
  test::Shape output;
  bool keep_num_dims;

  FullyConnectedShapes(Random& random, index_t rows, index_t depth, index_t units) {
    keep_num_dims = random.one_in(2);
    switch (random.in(0, 3)) {
      case 0: input = {rows, depth}; break;
      case 1: input = {1, rows, depth}; break;
      case 2: input = {rows, 1, 1, depth}; break;
      default:
        input = {rows, 1, depth, 1};  // flattened
        keep_num_dims = false;
        break;
    }
    output = keep_num_dims ? input : test::Shape{rows, units};
    output.back() = units;
  }
};

template <class T, class W>
Differences check_fully_connected(Scales count, std::uint64_t seed) {
  Random random(seed);
  Differences differences;
  for (int i = 0; i < 40; ++i) {
    const index_t rows = random.one_in(3) ? 1 : random.in(2, 60);
    const index_t depth = random.in(1, 70);
    const index_t units = random.in(1, 40);
    const FullyConnectedShapes shapes(random, rows, depth, units);
    const Weights<T, W> weights(random, static_cast<std::size_t>(units), static_cast<std::size_t>(depth),
                                count);
    const auto input = test::random_elements<T>(random, static_cast<std::size_t>(rows * depth));

    test::OneOperator model;
    model.input(test::tensor<T>("rows", shapes.input, weights.input));
    weights.write(model, {units, depth}, 0, random.one_in(2));
    const Bytes file = model.finish(
        {BuiltinOperator::fully_connected, 4}, test::tensor<T>("result", shapes.output, weights.output),
        FullyConnectedOptions{.activation = weights.activation, .keep_num_dims = shapes.keep_num_dims});
    // One scale, and one scale per channel of a single channel, are the same in a file.
    const auto multipliers = weights.multipliers(weights.scales.size() == 1 ? ScaleProduct::in_single_first
                                                                            : ScaleProduct::in_double);
    std::vector<std::vector<T>> answers;
    test::for_profiles([&]<class P>() {
      using Matrix = Extents<dynamic_extent, dynamic_extent>;
      std::vector<T> expected(static_cast<std::size_t>(rows * units));
      fully_connected::Reference::run<typename Prescribed<P>::fully_connected>(
          Convolution<T, W, Matrix, Matrix, Matrix>{{input.data(), Matrix{rows, depth}},
                                                    {weights.filter.data(), Matrix{units, depth}},
                                                    weights.bias.empty() ? nullptr : weights.bias.data(),
                                                    {expected.data(), Matrix{rows, units}}},
          weights.quantization(multipliers));
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(input)}) == expected);
      answers.push_back(expected);
    });
    differences.upward += answers[1] != answers[0] ? 1 : 0;
    differences.single += answers[2] != answers[0] ? 1 : 0;
  }
  return differences;
}

}  // namespace

TEST_CASE("CONV_2D from a file") {
  for (const Differences d : {check_conv2d<std::int8_t, std::int8_t>(Scales::per_channel, 1, false),
                              check_conv2d<std::int8_t, std::int8_t>(Scales::per_tensor, 2, false),
                              check_conv2d<std::uint8_t, std::uint8_t>(Scales::per_tensor, 3, false)}) {
    CHECK(d.upward > 0);
    CHECK(d.single > 0);
  }
  const Differences d = check_conv2d<std::int16_t, std::int8_t>(Scales::per_channel, 4, false);
  CHECK(d.upward == 0);  // 16-bit activations have one rounding
  CHECK(d.single == 0);
}
TEST_CASE("CONV_2D with groups from a file: profile tflite rounds it as tflm does") {
  for (const Differences d : {check_conv2d<std::int8_t, std::int8_t>(Scales::per_channel, 5, true),
                              check_conv2d<std::uint8_t, std::uint8_t>(Scales::per_tensor, 6, true)}) {
    CHECK(d.upward == 0);
    CHECK(d.single > 0);
  }
}
TEST_CASE("DEPTHWISE_CONV_2D from a file") {
  for (const Differences d : {check_depthwise<std::int8_t, std::int8_t>(Scales::per_channel, 7),
                              check_depthwise<std::int8_t, std::int8_t>(Scales::per_tensor, 8),
                              check_depthwise<std::uint8_t, std::uint8_t>(Scales::per_tensor, 9)}) {
    CHECK(d.upward == 0);
    CHECK(d.single > 0);
  }
  check_depthwise<std::int16_t, std::int8_t>(Scales::per_channel, 10);
}
TEST_CASE("FULLY_CONNECTED from a file") {
  for (const Differences d : {check_fully_connected<std::int8_t, std::int8_t>(Scales::per_channel, 11),
                              check_fully_connected<std::int8_t, std::int8_t>(Scales::per_tensor, 12),
                              check_fully_connected<std::uint8_t, std::uint8_t>(Scales::per_tensor, 13)}) {
    CHECK(d.upward > 0);
    CHECK(d.single > 0);
  }
  check_fully_connected<std::int16_t, std::int8_t>(Scales::per_tensor, 14);
  check_fully_connected<std::int16_t, std::int8_t>(Scales::per_channel, 15);
}
