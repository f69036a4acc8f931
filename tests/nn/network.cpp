// SPDX-License-Identifier: Apache-2.0
// Typed networks as objects: made by the compiler, run in a caller's arena, refused when something is missing.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <kinglet/core/message.hpp>
#include <kinglet/kernels/conv2d/reference.hpp>
#include <kinglet/kernels/fully_connected/reference.hpp>
#include <kinglet/nn/inverted_residual.hpp>
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/network.hpp>
#include <memory>
#include <string>

using namespace kinglet;
using namespace kinglet::nn;

namespace {

// Constants, so that the compiler can prepare the network.
using Digits = Sequential<Input<std::int8_t, 5, 4, 2>, Conv2D<3, square(3, 2).with(Activation::relu)>,
                          FullyConnected<4>, Softmax>;
constexpr auto conv_weights = [] {
  std::array<std::int8_t, 3 * 3 * 3 * 2> w{};
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 251) - 125);
  }
  return w;
}();
constexpr std::array<std::int32_t, 3> conv_bias = {100, -2000, 30};
constexpr std::array<float, 3> conv_scales = {0.01F, 0.02F, 0.005F};
constexpr auto dense_weights = [] {
  std::array<std::int8_t, 4 * 18> w{};
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<std::int8_t>(static_cast<int>(i * 53 % 255) - 127);
  }
  return w;
}();
constexpr std::array<float, 1> dense_scale = {0.01F};

constexpr PerTensor image{0.05F, -3};
constexpr PerTensor hidden{0.1F, -128};
constexpr PerTensor logits{0.25F, 7};

template <Profile P>
constexpr Network<Digits, P> make_digits() {
  Network<Digits, P> network;
  network.set_quantization(0, image);
  network.set_quantization(1, hidden);
  network.set_quantization(2, logits);
  network.set_quantization(3, {1.0F / 256, -128});
  network.set_weights(0, {conv_weights.data(), conv_bias.data(), conv_scales});
  network.set_weights(1, {dense_weights.data(), nullptr, dense_scale});
  return network;
}
template <Profile P>
constexpr Network<Digits, P> prepared_digits() {
  Network<Digits, P> network = make_digits<P>();
  static_cast<void>(network.prepare());  // CHECKed below
  return network;
}

// Under gcc's -fsanitize=undefined an address compared with null is no constant: there the objects are made when the
// program starts.
#if defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define KINGLET_TEST_CONSTEXPR const
#define KINGLET_TEST_CONSTINIT
#else
#define KINGLET_TEST_CONSTEXPR constexpr
#define KINGLET_TEST_CONSTINIT constinit
#endif

// In read-only memory, and in memory that is set up before main.
KINGLET_TEST_CONSTEXPR Network<Digits> constant_digits = prepared_digits<profile::tflm>();
KINGLET_TEST_CONSTINIT Network<Digits, profile::tflite> initialized_digits =
    prepared_digits<profile::tflite>();

constexpr std::array<std::int8_t, 40> picture = [] {
  std::array<std::int8_t, 40> p{};
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] = static_cast<std::int8_t>(static_cast<int>(i * 71 % 256) - 128);
  }
  return p;
}();

template <class N>
std::array<std::int8_t, 4> run(const N& network) {
  alignas(buffer_alignment) std::array<std::byte, N::arena_bytes> arena;
  arena.fill(std::byte{0x5a});
  const auto input = network.input(arena);
  std::copy(picture.begin(), picture.end(), input.data());
  network.run(arena);
  const auto output = network.output(arena);
  std::array<std::int8_t, 4> p{};
  std::copy_n(output.data(), p.size(), p.begin());
  return p;
}

/// The same by the references.
template <Profile P>
std::array<std::int8_t, 4> expected() {
  std::array<Multiplier, 3> m{};
  make_multipliers({image, {conv_scales, 0}, hidden, ScaleProduct::in_double}, m);
  std::array<std::int8_t, 18> conv{};
  conv2d::Reference::run<typename P::conv2d>(
      Window{2, 2, 1, 1, 1, 0},
      Convolution<std::int8_t, std::int8_t, Extents<1, 5, 4, 2>, Extents<3, 3, 3, 2>, Extents<1, 3, 2, 3>>{
          {picture.data()}, {conv_weights.data()}, conv_bias.data(), {conv.data()}},
      {image.zero_point, 0, {m.data(), hidden.zero_point, -128, 127}});
  std::array<Multiplier, 4> dense_m{};
  make_multipliers({hidden, {dense_scale, 0}, logits, ScaleProduct::in_single_first}, dense_m);
  std::array<std::int8_t, 4> dense{};
  fully_connected::Reference::run<typename P::fully_connected>(
      Convolution<std::int8_t, std::int8_t, Extents<1, 18>, Extents<4, 18>, Extents<1, 4>>{
          {conv.data()}, {dense_weights.data()}, nullptr, {dense.data()}},
      {hidden.zero_point, 0, {dense_m.data(), logits.zero_point, -128, 127}});
  std::array<float, 256> table{};
  softmax::make_softmax_table(logits.scale, 1.0F, table);
  std::array<std::int8_t, 4> p{};
  softmax::Reference::run(
      softmax::SoftmaxTensors<std::int8_t, std::int8_t, Extents<1, 4>, Extents<1, 4>>{{dense.data()},
                                                                                      {p.data()}},
      {table.data(), 1.0F / 256, -128});
  return p;
}

std::string words(const Status& status) {
  std::array<char, message_capacity> text{};
  return std::string(message(status, text));
}

/// What prepare() says when one thing is wrong.
template <class Spoil>
std::string refused(Spoil spoil) {
  Network<Digits> network = make_digits<profile::tflm>();
  spoil(network);
  return words(network.prepare());
}

}  // namespace

TEST_CASE(
    "a network in constant memory, one set up before main, one made at run time: the references' outputs") {
  CHECK(make_digits<profile::tflm>().prepare().ok());
  CHECK(run(constant_digits) == expected<profile::tflm>());
  CHECK(run(initialized_digits) == expected<profile::tflite>());
  Network<Digits, profile::single> network = make_digits<profile::single>();
  REQUIRE(network.prepare().ok());
  CHECK(run(network) == expected<profile::single>());
  const auto p = run(constant_digits);
  CHECK(*std::max_element(p.begin(), p.end()) > *std::min_element(p.begin(), p.end()));  // not all alike
}

TEST_CASE("a copy of a network runs, and so does one prepared again") {
  auto copy = std::make_unique<Network<Digits>>(constant_digits);
  CHECK(run(*copy) == run(constant_digits));
  CHECK(copy->prepare().ok());
  CHECK(run(*copy) == run(constant_digits));
}

TEST_CASE("prepare() names the step and the rule") {
  using N = Network<Digits>;
  const std::string bad = "quantization parameters are missing or invalid: ";
  const auto with_quantization = [](std::size_t tensor, PerTensor q) {
    return refused([=](N& n) { n.set_quantization(tensor, q); });
  };
  const auto with_weights = [](std::size_t step, const N::weights_type& weights) {
    return refused([&](N& n) { n.set_weights(step, weights); });
  };
  CHECK(refused([](N&) {}) == "no error");
  const std::string scale = "a scale is not a finite positive number";
  CHECK(with_quantization(0, {0.0F, 0}) == "operator 0 CONV_2D: " + bad + scale);
  CHECK(with_quantization(2, {-1.0F, 0}) == "operator 1 FULLY_CONNECTED: " + bad + scale);
  CHECK(with_quantization(2, {std::numeric_limits<float>::infinity(), 0}) ==
        "operator 1 FULLY_CONNECTED: " + bad + scale);
  CHECK(with_quantization(2, {std::numeric_limits<float>::quiet_NaN(), 0}) ==
        "operator 1 FULLY_CONNECTED: " + bad + scale);
  CHECK(with_quantization(1, {0.5F, -129}) ==
        "operator 0 CONV_2D: " + bad + "a zero point is outside the element type's range");
  CHECK(with_quantization(3, {0.5F, -128}) ==
        "operator 2 SOFTMAX: " + bad + "the output of SOFTMAX has scale 1/256 and the lowest zero point");
  CHECK(with_weights(0, {}) == "operator 0 CONV_2D: " + bad + "the step has no weights: set_weights");
  CHECK(with_weights(0, {conv_weights.data(), nullptr, std::span(conv_scales).first(2)}) ==
        "operator 0 CONV_2D: " + bad + "weights need one scale, or one per output channel");
  constexpr std::array<float, 1> nothing = {0.0F};
  CHECK(with_weights(1, {dense_weights.data(), nullptr, nothing}) ==
        "operator 1 FULLY_CONNECTED: " + bad + "a scale of the weights is not a finite positive number");
  CHECK(with_weights(1, {dense_weights.data(), nullptr, dense_scale, 1}) ==
        "operator 1 FULLY_CONNECTED: " + bad +
            "the weights' zero point must be 0 for int8, 0 to 255 for uint8");
}

TEST_CASE("prepare() of additions, pools and 16-bit convolutions") {
  const std::string bad = "quantization parameters are missing or invalid: ";
  Network<Sequential<Input<std::int8_t, 4, 4, 2>, MaxPool2D<square(2)>>> pool;
  pool.set_quantization(0, {0.5F, 1});
  pool.set_quantization(1, {0.5F, 2});
  CHECK(words(pool.prepare()) ==
        "operator 0 MAX_POOL_2D: " + bad +
            "pooling does not rescale: the output's quantization must be the input's");
  pool.set_quantization(1, {0.5F, 1});
  CHECK(pool.prepare().ok());

  using Block = Sequential<Input<std::int8_t, 4, 4, 2>, InvertedResidual<1, 2>>;
  constexpr std::array<std::int8_t, 18> ones = {1};
  constexpr std::array<float, 1> one = {1.0F};
  Network<Block> block;
  block.set_weights(0, {ones.data(), nullptr, one});
  block.set_weights(1, {ones.data(), nullptr, one});
  block.set_quantization(3, {0x1p-19F, 0});  // other tensors have scale 1
  CHECK(words(block.prepare()) ==
        "operator 2 ADD: " + bad + "the output's scale is too small for the inputs' scales");
  block.set_quantization(3, {0x1p-18F, 0});
  CHECK(block.prepare().ok());

  using Wide = Network<Sequential<Input<std::int16_t, 1, 1, 2>, Pointwise<1>>>;
  Wide wide;
  std::array<std::int64_t, 1> bias = {(std::int64_t{1} << 46) - 1};
  std::array<float, 1> scale = {16383.0F};
  wide.set_weights(0, {ones.data(), bias.data(), scale});
  CHECK(wide.prepare().ok());
  bias[0] += 1;
  CHECK(words(wide.prepare()) == "operator 0 CONV_2D: " + bad + "a bias is 2^46 or more");
  bias[0] = 0;
  scale[0] = 16384.0F;
  CHECK(words(wide.prepare()) ==
        "operator 0 CONV_2D: " + bad + "input scale * weight scale / output scale is 2^14 or more");
  scale[0] = 1.0F;
  wide.set_quantization(0, {1.0F, 1});
  CHECK(words(wide.prepare()) == "operator 0 CONV_2D: " + bad + "16-bit activations need zero point 0");
}
